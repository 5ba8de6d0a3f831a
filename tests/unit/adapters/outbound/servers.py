"""Real servers on 127.0.0.1 that behave well or badly, and an internet whose public addresses lead to them."""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import httpcore

from facesearch.adapters.outbound import Resolver
from facesearch.adapters.outbound.urls import Address

PUBLIC = ip_address("93.184.216.34")
OTHER_PUBLIC = ip_address("2606:2800:220:1:248:1893:25c8:1946")

Behaviour = Callable[["Server", socket.socket], None]


class Server(ThreadingTCPServer):
    """Listens on 127.0.0.1; each connection, once its request is read, is given to `behave` in a thread of its own.

    A `raw` server gives it the connection at once, without TLS.
    """

    request_queue_size = 64

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None = None, *, raw: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), BaseRequestHandler)
        self.behave, self.tls, self.raw = behave, tls, raw
        self.port: int = self.server_address[1]
        self.connections = self.sent = 0
        self.requests: list[bytes] = []
        self.asked_for: list[str | None] = []
        self.closing = threading.Event()
        if tls is not None:
            tls.sni_callback = lambda _, name, __: self.asked_for.append(name)
        threading.Thread(target=self.serve_forever, args=(0.01,)).start()

    def close(self) -> None:
        """End, and wait for all that is under way."""
        self.closing.set()
        self.shutdown()
        self.server_close()

    def send(self, connection: socket.socket, data: bytes) -> None:
        """Say something, and count it."""
        connection.sendall(data)
        self.sent += len(data)

    def verify_request(self, request: object, client_address: object) -> bool:
        self.connections += 1
        return True

    def finish_request(self, request: Any, client_address: object) -> None:
        request.settimeout(5)
        with suppress(OSError):  # the client has had enough
            if self.raw:
                self.behave(self, request)
                return
            with request if self.tls is None else self.tls.wrap_socket(request, server_side=True) as connection:
                self.requests.append(_read_request(connection))
                self.behave(self, connection)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or _gone()
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += connection.recv(65536) or _gone()
    return head + b"\r\n\r\n" + body


def _gone() -> bytes:
    raise ConnectionResetError


def answering(status: int = 200, body: bytes = b"", **headers: str) -> Behaviour:
    """A whole answer; in the headers' names _ stands for -."""
    lines = [f"HTTP/1.1 {status} Words", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    return saying("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def saying(*parts: bytes) -> Behaviour:
    """Exactly these bytes, then the end."""

    def behave(server: Server, connection: socket.socket) -> None:
        for part in parts:
            server.send(connection, part)

    return behave


def dripping(start: bytes, drop: bytes, every: float) -> Behaviour:
    """A start, and then a drop now and then, for ever."""

    def behave(server: Server, connection: socket.socket) -> None:
        server.send(connection, start)
        while not server.closing.wait(every):
            server.send(connection, drop)

    return behave


def pouring(start: bytes, chunk: bytes) -> Behaviour:
    """A start, and then the same chunk for ever, as fast as it is taken."""
    return dripping(start, chunk, 0)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour for each request, the last for all that follow."""

    def behave(server: Server, connection: socket.socket) -> None:
        behaviours[min(len(server.requests), len(behaviours)) - 1](server, connection)

    return behave


def deaf(server: Server, _: socket.socket) -> None:
    """Never says or reads anything."""
    server.closing.wait(5)


def sipping(server: Server, connection: socket.socket) -> None:
    """Reads 5 MB/s for ever."""
    while not server.closing.wait(0.05):
        connection.recv(2**18)


def greeting(words: bytes) -> Behaviour:
    """Says that, reads once, and is gone."""

    def behave(server: Server, connection: socket.socket) -> None:
        connection.sendall(words)
        server.requests.append(connection.recv(65536))

    return behave


class Internet(httpcore.SyncBackend):
    """Public addresses, led to servers here; every attempt to connect is noted. Others are connected to for real."""

    def __init__(self, loopback: Server | None = None) -> None:
        """`loopback` is where all loopback addresses lead, ::1 included, which not every machine has."""
        self._loopback = loopback
        self.servers: dict[tuple[Address, int], Server] = {}
        self.dialled: list[tuple[Address, int]] = []

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: object, **__: object
    ) -> httpcore.NetworkStream:
        address = ip_address(host)
        self.dialled.append((address, port))
        server = self.servers.get((address, port)) or (self._loopback if address.is_loopback else None)
        if server is None and not address.is_loopback:
            raise httpcore.ConnectError
        return super().connect_tcp("127.0.0.1" if server else host, server.port if server else port, timeout)


class Names(Resolver):
    """A resolver with a table: for each name its answers in turn, the last for ever; `otherwise` for all others."""

    def __init__(self, table: Mapping[str, Sequence[Sequence[str]]], otherwise: Sequence[str] = ()) -> None:
        self._answers = {name: [*answers] for name, answers in table.items()}
        self._otherwise = otherwise
        self.asked: list[str] = []

    def resolve(self, host: str, seconds: float) -> Sequence[Address]:
        self.asked.append(host)
        answers = self._answers.get(host, [self._otherwise])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(address) for address in answer]
