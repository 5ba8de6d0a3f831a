"""The least that a handler of powertools' does for the same response: also a function of the local stack's."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver

ROUTE = "/api/v1/ext/<org_id>/event/<event_id>/faces/<request_id>"


def handler_of(body: Any, route: str = ROUTE) -> Callable[[Any, Any], Any]:
    """A handler whose one route returns this body."""
    app, logger = APIGatewayRestResolver(), Logger(service="bare")

    @app.get(route)
    def page(**_: str) -> Any:
        return body

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: Any, context: Any) -> Any:
        return app.resolve(event, context)

    return handler
