"""POST …/faces/webhook: a signed message starts a face search, which then runs on its own."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from facesearch.access import Feature
from facesearch.answers import success
from facesearch.bootstrap import parts
from facesearch.calls import parse_call
from facesearch.entry import api_handler, body_of, headers_of, log_call, path_of, query_of
from facesearch.observability import count
from facesearch.webhooks.jobs import queued_search
from facesearch.webhooks.requests import parse_webhook
from facesearch.webhooks.signing import ID

app = APIGatewayRestResolver()


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces/webhook")
def post_webhook(org_id: str, event_id: str) -> Response[str]:
    headers, body = headers_of(app), body_of(app)
    call = parse_call(path_of(app), query_of(app), None)
    log_call(call.org_id, call.event_id, None)
    event = parts.webhook_door.admit(headers, body, call).event(Feature.SELFIE_SEARCH)
    accepted = parts.webhook_receiver.receive(event, parse_webhook(body), headers.get(ID, ""))
    log_call(event.org_id, event.event_id, accepted.search.request_id)
    count("WebhookReplayed" if accepted.replayed else "WebhookReceived")
    replay = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    data = queued_search(accepted.search, accepted.status)
    return success("Face search queued", data, replay, HTTPStatus.ACCEPTED)


handler = api_handler(app)
