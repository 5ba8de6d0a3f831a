"""Powertools' resolver of a REST API's calls. An environment that starts imports it without what powertools has for
other services: resolvers that import asyncio, a tenth of the imports of a function that only reads, and events, a
twentieth."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec

from facesearch import starting
from facesearch.stand_in import stand_in

__all__ = ["APIGatewayRestResolver", "Response"]

_ROUTES, _EVENTS = "aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities.data_classes"


def _event(name: str) -> object:
    """An event of API Gateway by its name; None stands for all others."""
    return vars(import_module(f"{_EVENTS}.api_gateway_proxy_event")).get(name)


@contextmanager
def _without_other_services() -> Iterator[None]:
    events = find_spec(_EVENTS)
    with ExitStack() as left_out:
        if starting.TYPE and events is not None:
            path = events.submodule_search_locations
            for part in (
                stand_in(_EVENTS, __path__=path, __getattr__=_event),
                stand_in(f"{_ROUTES}.appsync", AppSyncResolver=None),
                stand_in(f"{_ROUTES}.events_appsync"),
                stand_in(f"{_ROUTES}.events_appsync.appsync_events", AppSyncEventsResolver=None),
                stand_in(f"{_ROUTES}.http_resolver", HttpResolver=None, HttpResolverLocal=None),
            ):
                left_out.enter_context(part)
        yield


with _without_other_services():
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
