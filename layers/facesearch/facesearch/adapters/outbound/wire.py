"""One request over one connection of its own, to an address that was checked.

httpx's transport, httpcore, is used directly. `httpx.Client` would take the URL apart a second time, write it to the
log at INFO, keep cookies, inflate what is compressed and look into the environment for proxies; here there is nothing
to switch off. Its connections are wrapped, because its timeouts are for single reads and writes: one byte a second
would keep it busy for days.
"""

import logging
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import httpcore
import httpx
from typing_extensions import override

from facesearch.adapters.outbound.urls import Address, Target
from facesearch.webhooks.outbound import FetchFailedError

MOST_TRIED = 4
"""Addresses of one host that are tried before it counts as unreachable."""
TLS_RECORD = 2**14
"""Bytes of one write, which is then one step of TLS: httpcore's timeout is for each step, not for all of them."""

ENDS = (FetchFailedError, httpcore.NetworkError, httpcore.RemoteProtocolError, httpcore.TimeoutException)
"""How reading a response can end early."""

# At DEBUG it would write down hosts and what they say.
logging.getLogger("httpcore").setLevel(logging.WARNING)


def tls_context() -> ssl.SSLContext:
    """Checks certificates and names against certifi's authorities, whatever the environment says."""
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Debian's Python leaves that to the system's settings
    return context


class Deadline:
    """The end of a whole call: look-up, connection, TLS, headers, bodies and redirects share it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds to go, more than 0.

        Raises:
            FetchFailedError: there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> FetchFailedError:
        """What to raise when it is over."""
        return FetchFailedError(f"The host sent no complete response within {self._seconds:g} seconds.", retryable=True)

    def shorten(self, seconds: float) -> None:
        """End in so many seconds, if it would not sooner."""
        self._end = min(self._end, time.monotonic() + seconds)


@dataclass
class Route(httpcore.NetworkBackend):
    """How to get to a host, whatever host httpcore asks for."""

    target: Target
    addresses: Sequence[Address]  # where the host may be connected to; all of them checked
    tls: ssl.SSLContext | None  # for https; the certificate must be for the target's host
    deadline: Deadline
    room: int  # bytes that may still be read, whatever they are called
    network: httpcore.NetworkBackend | None = None  # None = sockets; gets addresses, so no name is looked up again

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that takes a connection; each gets its share of the time that is left."""
        network = self.network or httpcore.SyncBackend()
        tried = self.addresses[:MOST_TRIED]
        for number, address in enumerate(tried):
            seconds = self.deadline.left() / (len(tried) - number)
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _BoundedStream(network.connect_tcp(str(address), self.target.port, seconds), self)
        raise FetchFailedError("Could not connect to the host.", retryable=True)


@contextmanager
def exchange(
    route: Route, method: str, headers: Mapping[str, str], body: bytes | None, response_bytes: int
) -> Iterator[httpcore.Response]:
    """Send a request; the block reads its response: about `response_bytes` of the body at most, never inflated.

    Raises:
        FetchFailedError: no connection, no response, or not in time; also from reading inside the block.
    """
    target = route.target
    host, scheme = target.host.encode("ascii"), target.scheme.encode("ascii")
    url = httpcore.URL(scheme=scheme, host=host, port=target.port, target=target.path.encode("ascii"))
    # The origin's host is what TLS asks for and checks; the route decides alone where to connect.
    connection = httpcore.HTTPConnection(url.origin, ssl_context=route.tls, network_backend=route)
    try:
        all_headers = [*_with_ours(headers, target).items()]
        with connection, connection.stream(method, url, headers=all_headers, content=body) as response:
            route.room = response_bytes
            yield response
    except httpcore.TimeoutException:
        raise route.deadline.passed() from None
    except httpcore.ConnectError as error:  # of TLS: a route that does not connect has its own words
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise FetchFailedError("The host's certificate is not valid for it.", retryable=False) from None
        raise FetchFailedError("Could not make a secure connection to the host.", retryable=True) from None
    except httpcore.NetworkError:
        raise FetchFailedError("The host closed the connection.", retryable=True) from None
    except httpcore.RemoteProtocolError:
        raise FetchFailedError("The host's response is incomplete or not HTTP.", retryable=True) from None


def _with_ours(headers: Mapping[str, str], target: Target) -> dict[str, str]:
    """Headers of which nobody else decides who is meant and how it is sent; the length is httpcore's."""
    ours = {"host": target.authority, "user-agent": "face-search", "accept": "*/*"}
    ours |= {"accept-encoding": "identity", "connection": "close"}
    theirs = {name.lower(): value for name, value in headers.items()}
    theirs.pop("content-length", None)
    return theirs | ours


@dataclass(frozen=True)
class _BoundedStream(httpcore.NetworkStream):
    """A connection whose every step ends with the deadline, and which reads no more than there is room for."""

    stream: httpcore.NetworkStream
    route: Route

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.route.room <= 0:
            raise FetchFailedError("The host's response is too large.", retryable=False)
        data = self.stream.read(min(max_bytes, self.route.room), self.route.deadline.left())
        self.route.room -= len(data)
        return data

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), TLS_RECORD):
            self.stream.write(buffer[start : start + TLS_RECORD], self.route.deadline.left())

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(ssl_context, server_hostname, self.route.deadline.left())
        return replace(self, stream=secured)

    @override
    def close(self) -> None:
        self.stream.close()
