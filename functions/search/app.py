"""POST …/faces: one face search per request_id, or the replay of it."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from facesearch.answers import face_search_response, success
from facesearch.bootstrap import parts
from facesearch.calls import parse_call
from facesearch.entry import api_handler, body_of, header_of, log_call, path_of, query_of
from facesearch.multipart import parse_selfie_form
from facesearch.search import replayed

app = APIGatewayRestResolver()


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces")
def post_faces(org_id: str, event_id: str) -> Response[str]:
    form = parse_selfie_form(header_of(app, "Content-Type"), body_of(app))
    call = parse_call(path_of(app), query_of(app)).with_body(form.request_id)
    log_call(call.org_id, call.event_id, call.request_id)
    event, stored = parts.gate.admit(header_of(app, "X-API-Key"), call)
    search = call.search_or_new(event)
    log_call(search.org_id, search.event_id, search.request_id)
    if stored is not None:
        outcome = replayed(stored)
    else:
        outcome = parts.face_search.search(event, search, form, call.page, app.lambda_context)
    body = face_search_response(parts.settings.renditions_base_url, search, call.page, outcome.stored)
    return success(body, {"Idempotent-Replayed": "true"} if outcome.replayed else None)


handler = api_handler(app)
