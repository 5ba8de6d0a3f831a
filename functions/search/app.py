"""POST …/faces: one face search per request_id, or the replay of it."""

from facesearch import starting  # isort: skip

starting.begin()
from facesearch.bootstrap import container  # isort: skip

# Above the other imports, beside which the networks are loaded.
starting.ahead(lambda: container.networks)

from facesearch.api import handler as api
from facesearch.api.envelope import success
from facesearch.api.pages import face_search_result
from facesearch.api.requests import PageQuery
from facesearch.api.resolver import APIGatewayRestResolver, Response
from facesearch.api.selfie_form import parse_selfie_form
from facesearch.models import Feature, Scope
from facesearch.observability import log_request
from facesearch.search.face_search import Invocation, replayed
from facesearch.search.quota import NOBODYS

app = APIGatewayRestResolver()


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces")
def post_faces(org_id: str, event_id: str) -> Response[str]:
    api.headers_of_failure(app, lambda: NOBODYS)
    headers = api.headers_of(app)
    form = parse_selfie_form(headers.get("content-type", ""), api.body_of(app), headers.get("content-encoding", ""))
    request = api.request_of(app, PageQuery).with_body(form.request_id, form.upload_ids)
    log_request(request.org_id, request.event_id, request.request_id)
    credential = api.credential_of(app)
    caller = container.authenticator.identify(credential, request, Scope.SEARCH, tokens=True, quota=True)
    meter = container.meter_of(caller)
    api.headers_of_failure(app, lambda: meter.headers)
    event = caller.event(Feature.SELFIE_SEARCH)
    search = request.search_or_new(event)
    log_request(search.org_id, search.event_id, search.request_id)
    if caller.known.result is not None:
        outcome = replayed(caller.known.result)
    else:
        consent = form.agreed(event, required=caller.token is not None)
        selfies, bib = form.selfies(event), form.bib(event)
        invocation = Invocation(lambda: api.seconds_left(app), meter, caller.known.cancelled, consent, bib)
        outcome = container.face_search.search(event, search, selfies, request.page, invocation)
    data = face_search_result(container.rendition_links, event, search, request.page, outcome.stored)
    replay = {"Idempotent-Replayed": "true"} if outcome.replayed else {}
    seen = outcome.stored.summary.selfie_faces
    faces = {"Selfie-Faces": str(seen)} if seen is not None else {}
    return success("Computed face search", data, meter.headers | replay | faces)


handler = api.api_handler(app, lambda: container.settings.origins)
starting.over(container.prime)
