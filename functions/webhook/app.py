"""POST …/faces/webhook: a signed message starts a face search, which then runs on its own. DELETE …/faces/{request_id}:
any search is deleted, and what it watches for."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from facesearch.api import handler as api
from facesearch.api.presenters import queued_search, success
from facesearch.api.schemas import DeletedSearch
from facesearch.bootstrap import container
from facesearch.errors import NoSuchSearch
from facesearch.models import Feature, Scope
from facesearch.observability import count
from facesearch.webhooks.requests import parse_webhook
from facesearch.webhooks.signing import ID

app = APIGatewayRestResolver()


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces/webhook")
def post_webhook(org_id: str, event_id: str) -> Response[str]:
    headers, body, request = api.headers_of(app), api.body_of(app), api.request_of(app)
    event = container.authenticator.identify_webhook(headers, body, request).event(Feature.SELFIE_SEARCH)
    accepted = container.webhook_intake.receive(event, parse_webhook(body), headers.get(ID, ""))
    api.log_request(event.org_id, event.event_id, accepted.search.request_id)
    count("WebhookReplayed" if accepted.replayed else "WebhookReceived")
    replay = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    data = queued_search(accepted.search, accepted.status)
    return success("Face search queued", data, replay, HTTPStatus.ACCEPTED)


@app.delete("/api/v1/ext/<org_id>/event/<event_id>/faces/<request_id>")
def delete_search(org_id: str, event_id: str, request_id: str) -> Response[str]:
    request = api.request_of(app)
    # Whatever is switched off: what is kept of a person can be deleted.
    container.authenticator.identify(api.key_of(app), request, Scope.SEARCH).event(Feature.METADATA)
    if request.search is None:
        raise NoSuchSearch
    container.search_deletion.delete(request.search)
    count("SearchDeleted")
    return success("Face search deleted", DeletedSearch(request_id=request.search.request_id))


handler = api.api_handler(app, lambda: container.settings.origins)
