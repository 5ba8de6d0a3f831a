"""GET …/faces/{request_id}: a page of a finished search, in one DynamoDB round trip."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from facesearch.answers import face_search_response, success
from facesearch.bootstrap import parts
from facesearch.calls import parse_call
from facesearch.entry import api_handler, header_of, log_call, path_of, query_of
from facesearch.errors import NotFound

app = APIGatewayRestResolver()


@app.get("/api/v1/ext/<org_id>/event/<event_id>/faces/<request_id>")
def get_faces(org_id: str, event_id: str, request_id: str) -> Response[str]:
    call = parse_call(path_of(app), query_of(app))
    log_call(call.org_id, call.event_id, call.request_id)
    _, stored = parts.gate.admit(header_of(app, "X-API-Key"), call)
    if call.search is None or stored is None:
        raise NotFound("request_id is unknown for this event.")
    return success(face_search_response(parts.settings.renditions_base_url, call.search, call.page, stored))


handler = api_handler(app)
