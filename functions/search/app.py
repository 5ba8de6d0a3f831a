"""POST …/faces: one face search per request_id, or the replay of it."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from facesearch.api.handler import (
    also_answer,
    api_handler,
    body_of,
    header_of,
    log_call,
    path_of,
    query_of,
    seconds_left,
)
from facesearch.api.presenters import face_search_result, success
from facesearch.api.requests import parse_request
from facesearch.api.selfie_form import parse_selfie_form
from facesearch.bootstrap import container
from facesearch.models import Feature, Scope
from facesearch.search.face_search import Invocation, replayed
from facesearch.search.quota import NOBODYS

app = APIGatewayRestResolver()


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces")
def post_faces(org_id: str, event_id: str) -> Response[str]:
    also_answer(app, lambda: NOBODYS)
    form = parse_selfie_form(header_of(app, "Content-Type"), body_of(app), header_of(app, "Content-Encoding"))
    call = parse_request(path_of(app), query_of(app)).with_body(form.request_id, form.upload_ids)
    log_call(call.org_id, call.event_id, call.request_id)
    visit = container.gate.identify(header_of(app, "X-API-Key"), call, Scope.SEARCH, quota=True)
    meter = container.meter(visit)
    also_answer(app, lambda: meter.headers)
    event = visit.event(Feature.SELFIE_SEARCH)
    search = call.search_or_new(event)
    log_call(search.org_id, search.event_id, search.request_id)
    if visit.known.result is not None:
        outcome = replayed(visit.known.result)
    else:
        invocation = Invocation(lambda: seconds_left(app), meter, visit.known.cancelled)
        outcome = container.face_search.search(event, search, form.selfies(event), call.page, invocation)
    data = face_search_result(container.rendition_links, search, call.page, outcome.stored)
    replay = {"Idempotent-Replayed": "true"} if outcome.replayed else {}
    return success("Computed face search", data, meter.headers | replay)


handler = api_handler(app)
