"""Powertools' resolver of a REST API's calls: where a function starts, without what it has for other services.

Their resolvers import asyncio, a tenth of the imports of a function that only reads, and their events a twentieth.
"""

from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec

from facesearch import starting
from facesearch.stand_in import stand_in

__all__ = ["APIGatewayRestResolver", "Response"]

_ROUTES, _EVENTS = "aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities.data_classes"


def _of_gateway(name: str) -> object:
    """An event by its name if it is of API Gateway; None stands for all others."""
    return vars(import_module(f"{_EVENTS}.api_gateway_proxy_event")).get(name)


with ExitStack() as left_out:
    if starting.TYPE and (events := find_spec(_EVENTS)) is not None:
        path = events.submodule_search_locations
        left_out.enter_context(stand_in(_EVENTS, __path__=path, __getattr__=_of_gateway))
        left_out.enter_context(stand_in(f"{_ROUTES}.appsync", AppSyncResolver=None))
        left_out.enter_context(stand_in(f"{_ROUTES}.events_appsync"))
        left_out.enter_context(stand_in(f"{_ROUTES}.events_appsync.appsync_events", AppSyncEventsResolver=None))
        left_out.enter_context(stand_in(f"{_ROUTES}.http_resolver", HttpResolver=None, HttpResolverLocal=None))
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
