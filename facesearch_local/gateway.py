"""API Gateway's part: routes, limits, own responses. Also serves the CDN's files, the docs and the operator's view."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from facesearch_cli.operator.view import OperatorView
from facesearch_local import swagger
from facesearch_local.cdn import PREFIXES, Cdn
from facesearch_local.functions import Route
from facesearch_local.gateway_responses import GatewayResponse, GatewayResponses
from facesearch_local.pool import FunctionFailed
from facesearch_local.proxy import HttpRequest, MalformedResponseError, Routes, from_response, to_event
from facesearch_local.runtime_api import LAMBDA_PAYLOAD_BYTES
from facesearch_local.throttles import Throttles

REQUEST_BYTES = 10 * 1024 * 1024
"""API Gateway's limit for a request's body."""
INTEGRATION_SECONDS = 29.0
"""API Gateway's limit for a response of the function, waiting for a free worker included."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Invocable(Protocol):
    """A function, as the gateway sees it."""

    async def invoke(self, payload: bytes) -> bytes:
        """The response to an event, or a `FunctionFailed`."""


@dataclass(frozen=True)
class Api:
    """What the template says about the API."""

    routes: Sequence[Route]
    responses: GatewayResponses
    throttles: Throttles
    binary_types: Sequence[str]
    stage: str
    account: str


class _RefusedError(Exception):
    """The gateway responds by itself, with its response of this kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass
class _Record:
    """What the log says about a request: nothing that could tell who it was about."""

    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    route: str | None = None
    status: int = 0
    sent_bytes: int = 0
    outcome: str = ""


class Gateway:
    """The ASGI application."""

    def __init__(
        self,
        api: Api,
        functions: Mapping[str, Invocable],
        cdn: Cdn | None,
        log: Callable[[str], Any],
        integration_seconds: float = INTEGRATION_SECONDS,
        operator: OperatorView | None = None,
    ) -> None:
        self._api = api
        self._routes = Routes(api.routes)
        self._functions = functions
        self._cdn = cdn
        self._log = log
        self._integration_seconds = integration_seconds
        self._operator = operator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request, whatever happens, in the envelope, and log a line."""
        started = time.monotonic()
        record = _Record()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
            record.sent_bytes += len(message.get("body", b""))
            await send(message)

        request = Request(scope, receive)
        try:
            response = await self._respond(request, record)
            response.headers["x-amzn-RequestId"] = record.request_id
            await response(scope, receive, noting)
        except ClientDisconnect:
            record.outcome = "client went away"
        finally:
            self._write(request, record, time.monotonic() - started)

    async def _respond(self, request: Request, record: _Record) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        try:
            if self._cdn is not None and (path == "/" or path.startswith(PREFIXES)):
                record.route = f"/{path.split('/')[1]}/".replace("//", "/")
                return await self._cdn.serve(request.method, path)
            if swagger.is_docs(path):
                record.route = path
                return await swagger.serve(request.method, path)
            if self._operator is not None and self._operator.has(path):
                record.route = self._operator.prefix
                return await self._operator.respond(request)
            return await self._invoke(request, path, record)
        except ClientDisconnect:
            raise
        except _RefusedError as refused:
            return self._own(refused.kind)
        except Exception as error:  # noqa: BLE001 - the last resort, as a gateway has it
            record.outcome = f"gateway error: {type(error).__name__}"
            return self._own("CRASHED")

    async def _invoke(self, request: Request, path: str, record: _Record) -> Response:
        found = self._routes.find(request.method, path)
        if found is None:
            raise _RefusedError("MISSING_AUTHENTICATION_TOKEN")
        route, parameters = found
        record.route = route.path
        if not self._api.throttles.admit(route):
            raise _RefusedError("THROTTLED")
        event = to_event(
            _plain(request, path, await _read(request)),
            route,
            parameters,
            binary_types=self._api.binary_types,
            stage=self._api.stage,
            account=self._api.account,
            request_id=record.request_id,
        )
        if len(event) > LAMBDA_PAYLOAD_BYTES:
            raise _RefusedError("REQUEST_TOO_LARGE")
        try:
            async with asyncio.timeout(self._integration_seconds):
                returned = from_response(await self._functions[route.function].invoke(event))
        except TimeoutError:
            record.outcome = "integration timeout"
            raise _RefusedError("INTEGRATION_TIMEOUT") from None
        except (FunctionFailed, MalformedResponseError) as error:
            record.outcome = type(error).__name__
            raise _RefusedError("CRASHED") from None
        response = Response(returned.body, returned.status)
        for name, value in returned.headers:
            response.headers.append(name, value)
        return response

    def _own(self, kind: str) -> Response:
        own: GatewayResponse = self._api.responses[kind]
        return Response(own.body, own.status, dict(own.headers))

    def _write(self, request: Request, record: _Record, seconds: float) -> None:
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "method": request.method if request.method in METHODS else "OTHER",
            "route": record.route,
            "status": record.status,
            "ms": round(seconds * 1000, 1),
            "request_id": record.request_id,
            "bytes": record.sent_bytes,
        }
        if record.outcome:
            line["outcome"] = record.outcome
        self._log(json.dumps(line))


async def _read(request: Request) -> bytes:
    """The body, unless it is over the limit: by its declared length before a byte is read, else while reading.

    What is not read then, the server discards, so that a client which sends first and reads later gets its response.
    """
    if int(request.headers.get("content-length", 0)) > REQUEST_BYTES:
        raise _RefusedError("REQUEST_TOO_LARGE")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > REQUEST_BYTES:
            raise _RefusedError("REQUEST_TOO_LARGE")
    return bytes(body)


def _plain(request: Request, path: str, body: bytes) -> HttpRequest:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
    return HttpRequest(
        method=request.method,
        path=path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        source_ip=request.client.host if request.client else "127.0.0.1",
    )
