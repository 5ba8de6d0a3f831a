"""The least that a handler of powertools' does for the same response: also a function of the local stack's."""

import uuid
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver

ROUTE = "/api/v1/ext/<org_id>/event/<event_id>/faces/<request_id>"


def handler_of(body: Any, route: str = ROUTE) -> Callable[[Any, Any], Any]:
    """A handler whose one route returns this body. As ours does, it checks its path and query, by powertools' own
    validation, and names the request in its log lines."""
    app, logger = APIGatewayRestResolver(enable_validation=True), Logger(service="bare")

    def page(org_id: int, event_id: int, request_id: uuid.UUID, page: int = 1, page_size: int = 32) -> dict[str, Any]:
        return body  # type: ignore[no-any-return]

    def ping() -> dict[str, Any]:
        return body  # type: ignore[no-any-return]

    app.get(route)(page if "<" in route else ping)

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: Any, context: Any) -> Any:
        return app.resolve(event, context)

    return handler
