"""Every call that only reads, and the links for uploading large selfies, which are signed and never looked at here."""

from facesearch import starting  # isort: skip

starting.begin()

import uuid
from dataclasses import replace

from facesearch.api import handler as api
from facesearch.api import pages, presenters
from facesearch.api.authentication import AuthenticatedRequest
from facesearch.api.bodies import Method, OriginalsRequest, parse_originals, parse_upload_request
from facesearch.api.envelope import success
from facesearch.api.requests import ApiRequest, EventsQuery, OriginalsQuery, PageQuery, TimelineQuery
from facesearch.api.resolver import APIGatewayRestResolver, Response
from facesearch.api.schemas import Pong, SelfieUpload
from facesearch.bibs.rules import photos_of
from facesearch.bootstrap import container
from facesearch.errors import NoSuchSearch, NotForTokens
from facesearch.models import Event, Feature, Scope, require
from facesearch.photos.timeline import Timeline
from facesearch.reading import Wanted
from facesearch.search.selfies import MAX_UPLOAD_BYTES, UPLOAD_SECONDS, UploadKey
from facesearch.webhooks.jobs import status_of

app = APIGatewayRestResolver()
ORG = "/api/v1/ext/<org_id>"
EVENT = f"{ORG}/event/<event_id>"
FOUND = frozenset({Method.SELFIE, Method.BIB})
"""What names photos that a guest has found."""


def identify(
    request: ApiRequest,
    scope: Scope = Scope.READ,
    *,
    tokens: bool = False,
    quota: bool = False,
    events: bool = False,
    job: bool = False,
    watch: bool = False,
) -> AuthenticatedRequest:
    more = {"tokens": tokens, "quota": quota, "events": events, "job": job, "watch": watch}
    return container.authenticator.identify(api.credential_of(app), request, scope, **more)


@app.get(f"{EVENT}/ping")
def ping(org_id: str, event_id: str) -> Response[str]:
    event = identify(api.request_of(app), tokens=True).event(Feature.METADATA)
    return success("pong", Pong(org_id=event.org_id, event_id=event.event_id))


@app.get(f"{EVENT}/details")
def get_details(org_id: str, event_id: str) -> Response[str]:
    event = identify(api.request_of(app), tokens=True).event(Feature.METADATA)
    return success("Event details", presenters.event_details(event))


@app.get(f"{EVENT}/page")
def get_page(org_id: str, event_id: str) -> Response[str]:
    caller = identify(api.request_of(app), tokens=True)
    event = caller.event(Feature.METADATA)
    links, newest = container.rendition_links, container.newest_photo(event)
    return success("Event page", presenters.event_page(links, event, caller.token, container.settings, newest))


@app.get(f"{ORG}/events")
def get_events(org_id: str) -> Response[str]:
    caller = identify(api.request_of(app, EventsQuery), events=True)
    caller.check()
    page, total = caller.request.page, caller.known.events or 0
    rows = container.event_directory.page(caller.org_id, page) if page.start < total else []
    return success("Records for events", presenters.events(container.rendition_links, rows, page, total))


@app.get(f"{EVENT}/images")
def get_images(org_id: str, event_id: str) -> Response[str]:
    request = api.request_of(app, PageQuery)
    event = identify(request).event(Feature.PHOTOS)
    gallery = container.galleries.current(event, api.seconds_left(app))
    links, page = container.rendition_links, request.page
    data = pages.images(links, event.event_id, gallery.cut(page), page, len(gallery))
    return success("Records for all images", data)


@app.get(f"{EVENT}/bibs/<bib>")
@api.refusing_surely
def get_bibs(org_id: str, event_id: str, bib: str, *, consistent: bool) -> Response[str]:
    request = api.request_of(app, PageQuery, consistent=consistent)
    caller = identify(request, tokens=True)
    event, page = caller.event(Feature.BIB_SEARCH), request.page
    found = photos_of(event, bib.upper(), caller.known.bibs)
    shown = found[page.start : page.stop]
    data = pages.images(container.rendition_links, event.event_id, shown, page, len(found))
    return success(f"Records for bib number {bib}", data)


@app.get(f"{EVENT}/timeline/days")
def get_timeline_days(org_id: str, event_id: str) -> Response[str]:
    hours = timeline(api.request_of(app))[1].hours()
    return success("Timeline buckets" if hours else "No timeline data", presenters.timeline_days(hours))


@app.get(f"{EVENT}/timeline/images")
def get_timeline_images(org_id: str, event_id: str) -> Response[str]:
    request = api.request_of(app, TimelineQuery)
    event, of_event = timeline(request)
    photos, total = of_event.cut(request.period, request.page)
    data = pages.images(container.rendition_links, event.event_id, photos, request.page, total)
    return success("Records for timeline images", data)


def timeline(request: ApiRequest) -> tuple[Event, Timeline]:
    event = identify(request).event(Feature.TIMELINE_SEARCH)
    gallery = container.galleries.current(event, api.seconds_left(app))
    return event, Timeline(gallery=gallery, zone=event.time_zone)


@app.get(f"{EVENT}/faces/<request_id>")
@api.refusing_surely
def get_faces(org_id: str, event_id: str, request_id: str, *, consistent: bool) -> Response[str]:
    request = api.request_of(app, PageQuery, consistent=consistent)
    caller = identify(request, tokens=True)
    event, stored = caller.event(Feature.SELFIE_SEARCH), caller.known.result
    if request.search is None or stored is None:
        raise NoSuchSearch
    data = pages.face_search_result(container.rendition_links, event, request.search, request.page, stored)
    return success("Computed face search", data)


@app.get(f"{EVENT}/faces/<request_id>/status")
def get_search_status(org_id: str, event_id: str, request_id: str) -> Response[str]:
    caller = identify(api.request_of(app), tokens=True, job=True)
    caller.event(Feature.SELFIE_SEARCH)
    search, job = caller.request.search, caller.known.job
    status = status_of(job, caller.known.result)
    if search is None or status is None:
        raise NoSuchSearch
    return success("Face search status", presenters.search_status(search, status, job))


@app.get(f"{EVENT}/faces/<request_id>/updates")
def get_search_updates(org_id: str, event_id: str, request_id: str) -> Response[str]:
    caller = identify(api.request_of(app), tokens=True, job=True, watch=True)
    caller.event(Feature.SELFIE_SEARCH)
    search, known = caller.request.search, caller.known
    if search is None or known.result is None:
        raise NoSuchSearch
    newest = None
    if known.watch.latest is not None:
        latest = replace(search, request_id=known.watch.latest)
        newest = container.reader.read(Wanted(search=latest, page=caller.request.page)).result
    return success("Face search updates", presenters.search_updates(search, known, newest or known.result))


@app.post(f"{EVENT}/original-photos")
def post_original_photos(org_id: str, event_id: str) -> Response[str]:
    wanted = parse_originals(api.body_of(app))
    request = api.request_of(app, OriginalsQuery)
    if isinstance(wanted, OriginalsRequest):
        request = replace(request.with_body(wanted.request_id), bib=wanted.bib)
    caller = identify(request, tokens=not isinstance(wanted, OriginalsRequest) or wanted.method in FOUND)
    if caller.token is not None and not caller.token.originals:
        raise NotForTokens("The token gives no links to originals.")
    event = caller.event(Feature.PHOTOS)
    if not isinstance(wanted, OriginalsRequest):
        raise wanted
    require(event, wanted.feature)
    of_bib = photos_of(event, wanted.bib, caller.known.bibs) if wanted.bib is not None else ()
    total, image_ids = wanted.select(request, caller.known.result, of_bib)
    links = container.originals.links(event, image_ids, wanted.named)
    return success("Original photos", presenters.original_photos(wanted, links, request.page, total))


@app.post(f"{EVENT}/faces/uploads")
def post_uploads(org_id: str, event_id: str) -> Response[str]:
    caller = identify(api.request_of(app), Scope.SEARCH, tokens=True, quota=True)
    event = caller.event(Feature.SELFIE_SEARCH)
    request = parse_upload_request(api.body_of(app))
    container.meter_of(caller).token.check()  # forms are not counted; a token that may not search gets none
    upload_id = uuid.uuid4()
    form = container.selfie_uploads.form(UploadKey(event.org_id, event.event_id, upload_id), request.content_type)
    data = SelfieUpload(
        upload_id=upload_id,
        url=form.url,
        fields=form.fields,
        max_bytes=MAX_UPLOAD_BYTES,
        expires_in=UPLOAD_SECONDS,
    )
    return success("Upload the selfie", data)


@app.route("/.*", method="OPTIONS")
def preflight() -> Response[str]:
    return Response(204)


handler = api.api_handler(app, lambda: container.settings.origins)
starting.over()
