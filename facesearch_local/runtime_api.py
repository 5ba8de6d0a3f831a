"""AWS's Lambda Runtime API for the workers of all pools. Each worker has a port of its own and is known by it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from facesearch_local.pool import Invocation, Pool, Worker

LAMBDA_PAYLOAD_BYTES = 6_291_556
"""What Lambda takes as an event and as a response of a synchronous invocation: 6 MiB and 100 bytes."""

VERSION = "/2018-06-01/runtime"


class RuntimeApi:
    """The application; `arns` are the functions' by the port of their workers, as `pools` are."""

    def __init__(self, pools: Mapping[int, Pool], arns: Mapping[int, str]) -> None:
        self._pools = pools
        self._arns = arns
        self.app = Starlette(
            routes=[
                Route(f"{VERSION}/invocation/next", self._next),
                Route(f"{VERSION}/invocation/{{request_id}}/response", self._response, methods=["POST"]),
                Route(f"{VERSION}/invocation/{{request_id}}/error", self._error, methods=["POST"]),
                Route(f"{VERSION}/init/error", self._init_error, methods=["POST"]),
            ],
            # A worker that dies while it talks; its end is noticed by itself.
            exception_handlers={ClientDisconnect: lambda request, error: Response()},
        )

    async def _next(self, request: Request) -> Response:
        pool, worker = self._caller(request)
        if worker is None:
            return _refusal(403, "this worker is not known any more")
        invocation = await _unless_gone(request, pool, worker)
        if invocation is None:
            return Response()  # to nobody
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._arns[worker.port],
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=0",
        }
        return Response(invocation.payload, media_type="application/json", headers=headers)

    async def _response(self, request: Request) -> Response:
        pool, worker = self._caller(request)
        request_id = request.path_params["request_id"]
        response = await _read(request, LAMBDA_PAYLOAD_BYTES)
        if worker is None:
            return _refusal(403, "this worker is not known any more")
        if response is None:
            reason = f"Response payload size exceeded maximum allowed payload size ({LAMBDA_PAYLOAD_BYTES} bytes)."
            pool.fail(worker, request_id, f"Function.ResponseSizeTooLarge: {reason}")
            return _refusal(413, reason)
        return _taken(pool.succeed(worker, request_id, response))

    async def _error(self, request: Request) -> Response:
        pool, worker = self._caller(request)
        report = await _read(request, LAMBDA_PAYLOAD_BYTES)
        if worker is None:
            return _refusal(403, "this worker is not known any more")
        return _taken(pool.fail(worker, request.path_params["request_id"], _error_type(report)))

    async def _init_error(self, request: Request) -> Response:
        """The worker says so and then ends, which is when its invocation crashes; its log has the reason."""
        await _read(request, LAMBDA_PAYLOAD_BYTES)
        return _taken(True)

    def _caller(self, request: Request) -> tuple[Pool, Worker | None]:
        port: int = request.scope["server"][1]
        return self._pools[port], self._pools[port].worker(port)


async def _unless_gone(request: Request, pool: Pool, worker: Worker) -> Invocation | None:
    """The worker's next invocation, or None when it hung up instead of waiting."""
    work = asyncio.ensure_future(pool.next_invocation(worker))
    hang_up = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({work, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        for task in (work, hang_up):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _read(request: Request, limit: int) -> bytes | None:
    """The body; None if it is longer than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _error_type(report: bytes | None) -> str:
    """Only the type: messages may hold anything, and go to the function's log by themselves."""
    try:
        return str(json.loads(report or b"")["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Unknown"


def _taken(accepted: bool) -> Response:
    return JSONResponse({"status": "OK"}, 202) if accepted else _refusal(400, "not this worker's invocation")


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"errorType": "InvalidRequest", "errorMessage": message}, status)
