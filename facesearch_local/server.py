"""uvicorn inside a program that has its own signals and its own order of stopping."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 = any free one.

    The protocol is named, else asyncio leaves Nagle's algorithm on for it, and each response takes 40 ms longer.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


class _Protocol(H11Protocol):
    """HTTP by h11; what is not HTTP gets the envelope, too."""

    def send_400_response(self, msg: str) -> None:
        """Answer and hang up: what follows on this connection cannot be understood."""
        body = json.dumps({"responseType": "error", "message": "Not a valid HTTP request.", "data": None}).encode()
        head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nFace-Search-Error: invalid\r\n"
        head += f"Content-Length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        self.transport.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the stack."""
        yield


class Serving:
    """An application on sockets that are bound already."""

    def __init__(self, app: ASGIApp, *, keep_alive: int, grace: int) -> None:
        """`keep_alive`: seconds that an idle connection stays open; `grace`: that requests have left at the end."""
        config = uvicorn.Config(
            app,
            access_log=False,
            http=_Protocol,
            lifespan="off",
            log_config=None,
            proxy_headers=False,  # a client does not choose its address
            server_header=False,
            timeout_graceful_shutdown=grace,
            timeout_keep_alive=keep_alive,
            ws="none",
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Returns when it accepts connections."""
        self._task = asyncio.create_task(self._server.serve(list(sockets)))
        while not self._server.started:
            if self._task.done():
                await self._task
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Refuse new connections and wait for the requests that are under way."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    def force_stop(self) -> None:
        """Do not wait."""
        self._server.force_exit = True
