"""Every call that only reads, and the links for uploading large selfies, which are signed and never looked at here."""

import uuid

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from facesearch.api import presenters
from facesearch.api.authentication import AuthenticatedRequest
from facesearch.api.handler import api_handler, body_of, header_of, log_call, path_of, query_of, seconds_left
from facesearch.api.originals_request import OriginalsRequest, parse_originals
from facesearch.api.presenters import search_status, success
from facesearch.api.requests import ApiRequest, EventsQuery, OriginalsQuery, PageQuery, parse_request
from facesearch.api.schemas import Pong, SelfieUpload
from facesearch.api.upload_request import parse_upload_request
from facesearch.bootstrap import container
from facesearch.errors import NotFound
from facesearch.models import Feature, Scope, require
from facesearch.search.selfies import MAX_UPLOAD_BYTES, UPLOAD_SECONDS, UploadKey
from facesearch.webhooks.jobs import status_of

app = APIGatewayRestResolver()
ORG = "/api/v1/ext/<org_id>"
EVENT = f"{ORG}/event/<event_id>"


def call_of(paged: type[PageQuery] | None) -> ApiRequest:
    call = parse_request(path_of(app), query_of(app), paged)
    log_call(call.org_id, call.event_id, call.request_id)
    return call


def visit_of(call: ApiRequest, scope: Scope = Scope.READ, *, events: bool = False) -> AuthenticatedRequest:
    return container.gate.identify(header_of(app, "X-API-Key"), call, scope, events=events)


@app.get(f"{EVENT}/ping")
def ping(org_id: str, event_id: str) -> Response[str]:
    event = visit_of(call_of(None)).event(Feature.METADATA)
    return success("pong", Pong(org_id=event.org_id, event_id=event.event_id))


@app.get(f"{EVENT}/details")
def get_details(org_id: str, event_id: str) -> Response[str]:
    event = visit_of(call_of(None)).event(Feature.METADATA)
    return success("Event details", presenters.event_details(event))


@app.get(f"{ORG}/events")
def get_events(org_id: str) -> Response[str]:
    visit = visit_of(call_of(EventsQuery), events=True)
    visit.check()
    page, total = visit.call.page, visit.known.events or 0
    rows = container.event_directory.page(visit.org_id, page) if page.start < total else []
    return success("Records for events", presenters.events(container.rendition_links, rows, page, total))


@app.get(f"{EVENT}/images")
def get_images(org_id: str, event_id: str) -> Response[str]:
    call = call_of(PageQuery)
    event = visit_of(call).event(Feature.PHOTOS)
    gallery = container.galleries.current(event, seconds_left(app))
    links, photos = container.rendition_links, gallery.cut(call.page)
    return success("Records for all images", presenters.images(links, event.event_id, photos, call.page, len(gallery)))


@app.get(f"{EVENT}/faces/<request_id>")
def get_faces(org_id: str, event_id: str, request_id: str) -> Response[str]:
    call = call_of(PageQuery)
    visit = visit_of(call)
    visit.event(Feature.SELFIE_SEARCH)
    stored = visit.known.result
    if call.search is None or stored is None:
        raise NotFound("request_id is unknown for this event.")
    data = presenters.face_search_result(container.rendition_links, call.search, call.page, stored)
    return success("Computed face search", data)


@app.get(f"{EVENT}/faces/<request_id>/status")
def get_search_status(org_id: str, event_id: str, request_id: str) -> Response[str]:
    visit = container.gate.identify(header_of(app, "X-API-Key"), call_of(None), Scope.READ, job=True)
    visit.event(Feature.SELFIE_SEARCH)
    search, job = visit.call.search, visit.known.job
    status = status_of(job, visit.known.result)
    if search is None or status is None:
        raise NotFound("request_id is unknown for this event.")
    return success("Face search status", search_status(search, status, job))


@app.post(f"{EVENT}/original-photos")
def post_original_photos(org_id: str, event_id: str) -> Response[str]:
    request = parse_originals(body_of(app))
    call = call_of(OriginalsQuery)
    if isinstance(request, OriginalsRequest):
        call = call.with_body(request.request_id)
    visit = visit_of(call)
    event = visit.event(Feature.PHOTOS)
    if not isinstance(request, OriginalsRequest):
        raise request
    require(event, request.feature)
    total, image_ids = request.select(call, visit.known.result)
    links = container.originals.links(event, image_ids, request.named)
    return success("Original photos", presenters.original_photos(request, links, call.page, total))


@app.post(f"{EVENT}/faces/uploads")
def post_uploads(org_id: str, event_id: str) -> Response[str]:
    event = visit_of(call_of(None), Scope.SEARCH).event(Feature.SELFIE_SEARCH)
    request = parse_upload_request(body_of(app))
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


handler = api_handler(app)
