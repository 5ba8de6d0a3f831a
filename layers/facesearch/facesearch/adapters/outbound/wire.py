"""One request over one connection of its own, to an address that was checked.

httpx's transport, httpcore, is used directly. `httpx.Client` would take the URL apart a second time, write it to the
log at INFO, keep cookies, inflate what is compressed and look into the environment for proxies; here there is nothing
to switch off. The connection's stream is ours too, because httpcore's timeouts are for single reads and writes: one
byte a second would keep it busy for days.
"""

import logging
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpcore
import httpx
from typing_extensions import override

from facesearch.adapters.outbound.addresses import Address
from facesearch.adapters.outbound.connecting import Deadline, Dial, connect
from facesearch.adapters.outbound.urls import Target
from facesearch.webhooks.outbound import FetchFailedError

# At DEBUG it would write down hosts and what they say.
logging.getLogger("httpcore").setLevel(logging.WARNING)


def tls_context() -> ssl.SSLContext:
    """Checks certificates and names against certifi's authorities, whatever the environment says."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass
class Allowance:
    """Bytes that may still be read off a connection, whatever they are called."""

    room: int


@dataclass(frozen=True)
class Route:
    """How to get to a host.

    Attributes:
        addresses: where the host may be connected to; all of them checked.
        tls: for https; the certificate must be for the target's host.
        head_bytes: the most that status line, headers and interim responses may have.
    """

    target: Target
    addresses: Sequence[Address]
    tls: ssl.SSLContext | None
    dial: Dial
    deadline: Deadline
    head_bytes: int


@contextmanager
def exchange(
    route: Route, method: str, headers: Mapping[str, str], body: bytes | None, response_bytes: int
) -> Iterator[httpcore.Response]:
    """Send a request; the block reads its response: about `response_bytes` of the body at most, never inflated.

    Raises:
        FetchFailedError: no connection, no response, or not in time; also from reading inside the block.
    """
    allowance = Allowance(route.head_bytes)
    target = route.target
    host, scheme = target.host.encode("ascii"), target.scheme.encode("ascii")
    # The origin's host is what TLS asks for and checks; the backend decides alone where to connect.
    connection = httpcore.HTTPConnection(
        httpcore.Origin(scheme, host, target.port),
        ssl_context=route.tls,
        network_backend=_PinnedBackend(route, allowance),
    )
    if body is not None:
        headers = {**headers, "content-length": str(len(body))}
    request = httpcore.Request(
        method,
        httpcore.URL(scheme=scheme, host=host, port=target.port, target=target.path.encode("ascii")),
        headers=[*_with_ours(headers, target).items()],
        content=body,
    )
    try:
        response = connection.handle_request(request)
        allowance.room = response_bytes
        yield response
    except httpcore.NetworkError:
        raise FetchFailedError("The host closed the connection.", retryable=True) from None
    except httpcore.RemoteProtocolError:
        raise FetchFailedError("The host's response is incomplete or not HTTP.", retryable=True) from None
    finally:
        connection.close()


def drain(response: httpcore.Response) -> None:
    """Read what is allowed of a body that nobody wants: some receivers take a connection cut short for a failure."""
    with suppress(FetchFailedError, httpcore.NetworkError, httpcore.RemoteProtocolError):
        for _ in response.iter_stream():
            pass


def _with_ours(headers: Mapping[str, str], target: Target) -> dict[str, str]:
    ours = {
        "host": target.authority,
        "user-agent": "face-search",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
    }
    return ours | {name.lower(): value for name, value in headers.items() if name.lower() not in ours}


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to the route's addresses, whatever host it is asked for."""

    def __init__(self, route: Route, allowance: Allowance) -> None:
        self._route = route
        self._allowance = allowance

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        route = self._route
        opened = connect(route.addresses, route.target.port, route.deadline, route.dial)
        return _BoundedStream(opened, route.deadline, self._allowance)


class _BoundedStream(httpcore.NetworkStream):
    """A connection whose every step ends with the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline, allowance: Allowance) -> None:
        self._connection = connection
        self._deadline = deadline
        self._allowance = allowance

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._allowance.room <= 0:
            raise FetchFailedError("The host's response is too large.", retryable=False)
        self._connection.settimeout(self._deadline.left())
        try:
            data = self._connection.recv(min(max_bytes, self._allowance.room))
        except TimeoutError:
            raise self._deadline.passed() from None
        except OSError:
            raise httpcore.ReadError from None
        self._allowance.room -= len(data)
        return data

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._connection.settimeout(self._deadline.left())
            try:
                rest = rest[self._connection.send(rest) :]
            except TimeoutError:
                raise self._deadline.passed() from None
            except OSError:
                raise httpcore.WriteError from None  # httpcore then looks whether there is a response all the same

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._connection.settimeout(self._deadline.left())
            secured = ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise self._tls_failure(error) from None
            raise
        return _BoundedStream(secured, self._deadline, self._allowance)

    @override
    def close(self) -> None:
        self._connection.close()

    def _tls_failure(self, error: OSError) -> FetchFailedError:
        if isinstance(error, TimeoutError):
            return self._deadline.passed()
        if isinstance(error, ssl.SSLCertVerificationError):
            return FetchFailedError("The host's certificate is not valid for it.", retryable=False)
        return FetchFailedError("Could not make a secure connection to the host.", retryable=True)
