"""Real servers on 127.0.0.1 that behave well or badly, and an internet whose public addresses lead to them."""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address

import httpcore

from facesearch.adapters.outbound import Resolver
from facesearch.adapters.outbound.urls import Address

PUBLIC = ip_address("93.184.216.34")
OTHER_PUBLIC = ip_address("2606:2800:220:1:248:1893:25c8:1946")

Behaviour = Callable[["Server", socket.socket], None]


class Server:
    """Listens on 127.0.0.1; each connection, once its request is read, is given to `behave` in a thread of its own."""

    def __init__(
        self,
        behave: Behaviour,
        tls: ssl.SSLContext | None = None,
        *,
        deaf: bool = False,
        sipping: bool = False,
        greeting: bytes | None = None,
    ) -> None:
        """A `deaf` server takes connections and never says or reads anything; a `sipping` one reads 5 MB/s for ever.

        One with a `greeting` says that, reads once, and is gone, without TLS.
        """
        self._behave = behave
        self._tls = tls
        self._deaf = deaf
        self._greeting = greeting
        self._sipping = sipping
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.requests: list[bytes] = []
        self.asked_for: list[str | None] = []
        self.sent = 0
        self.closing = threading.Event()
        if tls is not None:
            tls.sni_callback = lambda _, name, __: self.asked_for.append(name)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """End, and wait for all that is under way."""
        self.closing.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes it up
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def send(self, connection: socket.socket, data: bytes) -> None:
        """Say something, and count it."""
        connection.sendall(data)
        self.sent += len(data)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.closing.is_set():
                connection.close()
                return
            self.connections += 1
            connection.settimeout(5)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._deaf:
                self.closing.wait(5)
                return
            while self._sipping and not self.closing.wait(0.05):
                connection.recv(2**18)
            if self._greeting is not None:
                connection.sendall(self._greeting)
                self.requests.append(connection.recv(65536))
                return
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self.requests.append(_read_request(connection))
            self._behave(self, connection)
        except OSError:
            pass  # the client has had enough
        finally:
            connection.close()


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
