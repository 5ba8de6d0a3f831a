"""Fetching selfies and posting callbacks."""

import math
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.outbound.resolving import Resolver
from facesearch.adapters.outbound.urls import Target, follow, parse_url, require_reachable
from facesearch.webhooks.outbound import FetchFailedError, Outbound, PostResult, RefusedUrlError

if TYPE_CHECKING:
    import httpcore

    from facesearch.adapters.outbound.wire import Deadline, Route

LONGEST_FETCH_WAIT = 3600
LONGEST_DELIVERY_WAIT = 86_400
"""Seconds of a `Retry-After` that are believed."""

_REDIRECTS = {301, 302, 303, 307, 308}
_PASSING = {408, 425, 429}
"""Statuses below 500 after which asking again makes sense."""

_DRAIN_BYTES = 4096
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True)
class OutboundLimits:
    """Everything that is bounded."""

    fetch_bytes: int = 15 * 2**20  # the largest selfie
    fetch_seconds: float = 10.0  # for a fetch with all its redirects
    redirects: int = 3  # the most that are followed in one fetch
    post_seconds: float = 15.0  # for a delivery
    lookup_seconds: float = 5.0  # for each host name, within the above
    head_bytes: int = 64 * 2**10  # status line, headers and interim responses of one response


LIMITS = OutboundLimits()


@dataclass(frozen=True, kw_only=True)
class HttpOutbound(Outbound):
    """Threads may share it: nothing is kept between two calls."""

    resolver: Resolver
    allow_local: bool = False  # also http, and loopback addresses
    limits: OutboundLimits = LIMITS
    network: "httpcore.NetworkBackend | None" = None  # connects to addresses; None = the system's sockets
    tls: ssl.SSLContext | None = None  # instead of the public authorities

    @override
    def check(self, url: str) -> None:
        parse_url(url, self.allow_local)

    @override
    def fetch(self, url: str) -> bytes:
        # Before the clock starts: a cold start is not the host's fault.
        from facesearch.adapters.outbound.wire import Deadline, exchange

        target = parse_url(url, self.allow_local)
        deadline = Deadline(self.limits.fetch_seconds)
        route = self._route(target, deadline)
        # Twice the size: chunks have headers of their own, and one of a byte each is not worth reading.
        most = 2 * self.limits.fetch_bytes
        redirects = 0
        while True:
            with exchange(route, "GET", {}, None, most) as response:
                location = _header(response.headers, b"location")
                if response.status not in _REDIRECTS or location is None:
                    return self._body(response)
            redirects += 1
            if redirects > self.limits.redirects:
                raise FetchFailedError(f"The URL redirects more than {self.limits.redirects} times.", retryable=False)
            try:
                route = self._route(follow(route.target, location, self.allow_local), deadline)
            except RefusedUrlError as refused:
                raise RefusedUrlError(f"A redirect was not followed. {refused.reason}") from None

    @override
    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        from facesearch.adapters.outbound.wire import ENDS, Deadline, exchange

        target = parse_url(url, self.allow_local)
        deadline = Deadline(self.limits.post_seconds)
        with exchange(self._route(target, deadline), "POST", headers, body, _DRAIN_BYTES) as response:
            result = PostResult(response.status, _retry_after(response.headers, LONGEST_DELIVERY_WAIT))
            deadline.shorten(_DRAIN_SECONDS)
            with suppress(*ENDS):  # some receivers take a connection that is cut short for a failure
                response.read()
        return result

    def _body(self, response: "httpcore.Response") -> bytes:
        if response.status != 200:
            raise FetchFailedError(
                f"The host responded with {response.status}.",
                retryable=response.status in _PASSING or response.status >= 500,
                retry_after=_retry_after(response.headers, LONGEST_FETCH_WAIT),
            )
        most = self.limits.fetch_bytes
        too_large = FetchFailedError(f"The file is larger than {most / 2**20:g} MiB.", retryable=False)
        if int(_header(response.headers, b"content-length") or 0) > most:
            raise too_large
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > most:
                raise too_large
        return bytes(body)

    def _route(self, target: Target, deadline: "Deadline") -> "Route":
        """The one place where a target's name is looked up."""
        from facesearch.adapters.outbound.wire import Route

        addresses = [target.address] if target.address is not None else []
        if not addresses:
            addresses += self.resolver.resolve(target.host, min(deadline.left(), self.limits.lookup_seconds))
        if not addresses:
            raise FetchFailedError("The URL's host name could not be found.", retryable=False)
        require_reachable(addresses, self.allow_local)
        tls = self._tls if target.scheme == "https" else None
        return Route(target, addresses, tls, deadline, self.limits.head_bytes, self.network)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        from facesearch.adapters.outbound.wire import tls_context

        return self.tls or tls_context()


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name.lower() == wanted), None)


def _retry_after(headers: Iterable[tuple[bytes, bytes]], longest: int) -> int | None:
    """`Retry-After` as whole seconds from now, `longest` at most."""
    value = _header(headers, b"retry-after")
    if value is None:
        return None
    from facesearch_client.retries import seconds_of  # only now: the client package costs a cold start 0.3 s

    seconds = seconds_of(value.decode("latin-1").strip())
    return None if seconds is None else math.ceil(min(longest, seconds))
