"""POST …/faces/webhook: a signed message starts a face search, which then runs on its own. DELETE …/faces/{request_id}:
any search is deleted, and what it watches for. POST …/faces/{request_id}/watch: a finished search is watched. POST
…/tokens: a site gets a token for a visitor of its page."""

from facesearch import starting  # isort: skip

starting.begin()

from datetime import UTC, datetime
from http import HTTPStatus

from facesearch.api import handler as api
from facesearch.api.bodies import parse_token_request
from facesearch.api.envelope import success
from facesearch.api.presenters import queued_search, watched_search
from facesearch.api.resolver import APIGatewayRestResolver, Response
from facesearch.api.schemas import DeletedSearch, PublishableToken
from facesearch.api.selfie_form import parse_selfie_form
from facesearch.api.watch_form import days_agreed_to
from facesearch.bootstrap import container
from facesearch.errors import NoSuchSearch, NotForTokens
from facesearch.models import Feature, Scope
from facesearch.observability import count, log_request
from facesearch.webhooks.requests import parse_webhook
from facesearch.webhooks.signing import ID

app = APIGatewayRestResolver()


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces/webhook")
def post_webhook(org_id: str, event_id: str) -> Response[str]:
    headers, body, request = api.headers_of(app), api.body_of(app), api.request_of(app)
    caller = container.authenticator.identify_webhook(api.credential_of(app), headers, body, request)
    event = caller.event(Feature.SELFIE_SEARCH)
    accepted = container.webhook_intake.receive(event, parse_webhook(body), headers.get(ID, ""))
    log_request(event.org_id, event.event_id, accepted.search.request_id)
    count("WebhookReplayed" if accepted.replayed else "WebhookReceived")
    replay = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    data = queued_search(accepted.search, accepted.status)
    return success("Face search queued", data, replay, HTTPStatus.ACCEPTED)


@app.delete("/api/v1/ext/<org_id>/event/<event_id>/faces/<request_id>")
def delete_search(org_id: str, event_id: str, request_id: str) -> Response[str]:
    request = api.request_of(app)
    # Whatever is switched off: what is kept of a person can be deleted.
    caller = container.authenticator.identify(api.credential_of(app), request, Scope.SEARCH, tokens=True)
    caller.event(Feature.METADATA)
    if request.search is None:
        raise NoSuchSearch
    container.search_deletion.delete(request.search)
    count("SearchDeleted")
    return success("Face search deleted", DeletedSearch(request_id=request.search.request_id))


@app.post("/api/v1/ext/<org_id>/event/<event_id>/faces/<request_id>/watch")
def post_watch(org_id: str, event_id: str, request_id: str) -> Response[str]:
    headers, request = api.headers_of(app), api.request_of(app)
    form = parse_selfie_form(headers.get("content-type", ""), api.body_of(app), headers.get("content-encoding", ""))
    caller = container.authenticator.identify(api.credential_of(app), request, Scope.SEARCH, tokens=True, quota=True)
    if caller.token is not None and not caller.token.watch:
        raise NotForTokens("The token lets nobody watch for later photos.")
    event, days = caller.event(Feature.SELFIE_SEARCH), days_agreed_to(form)
    if request.search is None:
        raise NoSuchSearch
    meter = container.meter_of(caller)
    accepted = container.webhook_intake.watch(event, request.search, days, form.selfies(event), meter)
    replay = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    data = watched_search(request.search, accepted.until)
    return success("Face search watched", data, replay, HTTPStatus.ACCEPTED)


@app.post("/api/v1/ext/<org_id>/event/<event_id>/tokens")
def post_tokens(org_id: str, event_id: str) -> Response[str]:
    caller = container.authenticator.identify(api.credential_of(app), api.request_of(app), Scope.MINT)
    event = caller.event(Feature.METADATA)
    wanted = parse_token_request(api.body_of(app))
    made = container.visitor_tokens.create(
        event, wanted.expires_in, wanted.origins, originals=wanted.originals, watch=wanted.watch
    )
    expires_at = datetime.fromtimestamp(made.expires_at, UTC)
    return success("Token created", PublishableToken(token=made.token, expires_at=expires_at), None, HTTPStatus.CREATED)


handler = api.api_handler(app, lambda: container.settings.origins)
starting.over()
