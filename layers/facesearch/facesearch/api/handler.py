"""What every API function does around its routes: reading the event, log context, error mapping, headers, metrics."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import pybase64
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.api.cors import headers_for
from facesearch.api.envelope import failure
from facesearch.api.requests import ApiRequest, Credential, PageQuery, parse_request
from facesearch.api.resolver import APIGatewayRestResolver, Response
from facesearch.errors import Forbidden, MissingKey, NoSuchRoute, NotFound
from facesearch.observability import flush_metrics, log_request, logger
from facesearch.tokens import PREFIX

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]
_FAILURE_HEADERS = "headers of a failure"


def headers_of(app: APIGatewayRestResolver) -> Mapping[str, str]:
    """All request headers, their names in lower case."""
    headers = app.current_event.raw_event.get("headers") or {}  # `.headers` makes a dictionary of its own, every time
    return {name.lower(): value for name, value in headers.items()}


def credential_of(app: APIGatewayRestResolver) -> Credential:
    """The header `X-API-Key`, or else a publishable token in the query, for which browsers ask no preflight.

    Raises:
        MissingKey: something else in the query, where a secret ends up in histories and logs.
    """
    headers = headers_of(app)
    secret = (headers.get("x-api-key") or "").strip()
    if not secret:
        secret = app.current_event.query_string_parameters.get("token", "")
        if secret and not secret.startswith(PREFIX):
            raise MissingKey("Send an API key in the header X-API-Key. Only a publishable token may be in the query.")
    return Credential(secret, headers.get("origin", ""))


def body_of(app: APIGatewayRestResolver) -> bytes:
    """The request's body as it was sent; empty if there is none, or none that decodes."""
    body = app.current_event.body or ""
    if not app.current_event.is_base64_encoded:
        return body.encode()
    try:
        return pybase64.b64decode(body, validate=True)
    except ValueError:
        return b""


def seconds_left(app: APIGatewayRestResolver) -> float:
    return float(app.lambda_context.get_remaining_time_in_millis()) / 1000


def request_of(
    app: APIGatewayRestResolver, paged: type[PageQuery] | None = None, *, consistent: bool = True
) -> ApiRequest:
    """Path and query of this call, which has no query unless it is `paged`; every further log line names it.

    Of a query parameter given twice the last counts.
    """
    event = app.current_event
    request = parse_request(event.path_parameters, event.query_string_parameters, paged, consistent=consistent)
    log_request(request.org_id, request.event_id, request.request_id)
    return request


def headers_of_failure(app: APIGatewayRestResolver, headers: Callable[[], Mapping[str, str]]) -> None:
    """Have the response to this request bring these headers if it fails; asked for when it does."""
    app.append_context(**{_FAILURE_HEADERS: headers})  # type: ignore[no-untyped-call]


def refusing_surely(route: Callable[..., Response[str]]) -> Callable[..., Response[str]]:
    """Have a route read at half the price, `consistent=False`, and once more `consistent` before it refuses anybody.

    A key, an event or a result of a moment ago may be missing in the first read, and a switch be in its old position.
    """

    @wraps(route)
    def twice(**path: str) -> Response[str]:
        try:
            return route(**path, consistent=False)
        except (Forbidden, NotFound):
            return route(**path, consistent=True)

    return twice


def api_handler(app: APIGatewayRestResolver, origins: Callable[[], Sequence[str]]) -> Handler:
    """The Lambda handler of these routes, of which every failure becomes a response; pages of `origins` may call it."""

    def failed(error: Exception) -> Response[str]:
        headers = app.context.get(_FAILURE_HEADERS)
        return failure(error, headers() if headers else None)

    app.exception_handler(Exception)(failed)
    app.not_found(lambda _: failure(NoSuchRoute("No such route.")))

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        try:
            response = app.resolve(event, context)
            for name, value in headers_for(headers_of(app).get("origin", ""), origins()).items():
                response["multiValueHeaders"][name] = [value]
            return response
        finally:
            flush_metrics()

    return handler
