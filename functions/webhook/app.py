"""POST …/faces/webhook: a signed message starts a face search, which then runs on its own. DELETE …/faces/{request_id}:
any search is forgotten, and what it watches for."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from facesearch.api.handler import api_handler, body_of, header_of, headers_of, log_call, path_of, query_of
from facesearch.api.presenters import queued_search, success
from facesearch.api.requests import parse_request
from facesearch.api.schemas import DeletedSearch
from facesearch.bootstrap import container
from facesearch.errors import NotFound
from facesearch.models import Feature, Scope
from facesearch.observability import count
from facesearch.webhooks.requests import parse_webhook
from facesearch.webhooks.signing import ID

app = APIGatewayRestResolver()


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces/webhook")
def post_webhook(org_id: str, event_id: str) -> Response[str]:
    headers, body = headers_of(app), body_of(app)
    call = parse_request(path_of(app), query_of(app), None)
    log_call(call.org_id, call.event_id, None)
    event = container.webhook_door.admit(headers, body, call).event(Feature.SELFIE_SEARCH)
    accepted = container.webhook_intake.receive(event, parse_webhook(body), headers.get(ID, ""))
    log_call(event.org_id, event.event_id, accepted.search.request_id)
    count("WebhookReplayed" if accepted.replayed else "WebhookReceived")
    replay = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    data = queued_search(accepted.search, accepted.status)
    return success("Face search queued", data, replay, HTTPStatus.ACCEPTED)


@app.delete("/api/v1/ext/<org_id>/event/<event_id>/faces/<request_id>")
def delete_search(org_id: str, event_id: str, request_id: str) -> Response[str]:
    call = parse_request(path_of(app), query_of(app), None)
    log_call(call.org_id, call.event_id, call.request_id)
    # Whatever is switched off: what is kept of a person can be deleted.
    container.gate.identify(header_of(app, "X-API-Key"), call, Scope.SEARCH).event(Feature.METADATA)
    if call.search is None:
        raise NotFound("request_id is unknown for this event.")
    container.search_eraser.delete(call.search)
    count("SearchDeleted")
    return success("Face search deleted", DeletedSearch(request_id=call.search.request_id))


handler = api_handler(app)
