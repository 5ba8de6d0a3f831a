"""Powertools' resolver of a REST API's calls. An environment that starts imports it without what powertools has for
other services: resolvers that import asyncio, a tenth of the imports of a function that only reads, and events, a
twentieth."""

from importlib import import_module

from aws_lambda_powertools import utilities

from facesearch import starting

__all__ = ["APIGatewayRestResolver", "Response"]

_ROUTES, _EVENTS = "aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities.data_classes"


def _event(name: str) -> object:
    """An event of API Gateway by its name; None stands for all others."""
    return vars(import_module(f"{_EVENTS}.api_gateway_proxy_event")).get(name)


with starting.without(
    {
        _EVENTS: {"__path__": [f"{folder}/data_classes" for folder in utilities.__path__], "__getattr__": _event},
        f"{_ROUTES}.appsync": {"AppSyncResolver": None},
        f"{_ROUTES}.events_appsync": {},
        f"{_ROUTES}.events_appsync.appsync_events": {"AppSyncEventsResolver": None},
        f"{_ROUTES}.http_resolver": {"HttpResolver": None, "HttpResolverLocal": None},
    }
):
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
