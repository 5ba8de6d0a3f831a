"""Fetching selfies and posting callbacks."""

import email.utils
import math
import re
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.outbound.addresses import Address
from facesearch.adapters.outbound.connecting import Deadline, Dial, dial
from facesearch.adapters.outbound.resolving import Resolver
from facesearch.adapters.outbound.urls import Target, follow, parse_url, require_reachable
from facesearch.webhooks.outbound import FetchFailedError, Outbound, PostResult, RefusedUrlError

if TYPE_CHECKING:
    import httpcore

    from facesearch.adapters.outbound.wire import Route

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
    """Everything that is bounded.

    Attributes:
        fetch_bytes: the largest selfie.
        fetch_seconds: for a fetch with all its redirects.
        redirects: the most that are followed in one fetch.
        post_seconds: for a delivery.
        lookup_seconds: for each host name, within the above.
        head_bytes: status line, headers and interim responses of one response.
    """

    fetch_bytes: int = 15 * 2**20
    fetch_seconds: float = 10.0
    redirects: int = 3
    post_seconds: float = 15.0
    lookup_seconds: float = 5.0
    head_bytes: int = 64 * 2**10


LIMITS = OutboundLimits()


@dataclass(frozen=True)
class _Redirect:
    """A response that says where to look instead."""

    origin: Target
    location: bytes


@dataclass(frozen=True, kw_only=True)
class HttpOutbound(Outbound):
    """Threads may share it: nothing is kept between two calls.

    Attributes:
        allow_local: also allow http, and loopback addresses.
        tls: instead of the public authorities.
    """

    resolver: Resolver
    allow_local: bool = False
    limits: OutboundLimits = LIMITS
    dial: Dial = dial
    tls: ssl.SSLContext | None = None

    @override
    def check(self, url: str) -> None:
        parse_url(url, self.allow_local)

    @override
    def fetch(self, url: str) -> bytes:
        target = parse_url(url, self.allow_local)
        deadline = _begin(self.limits.fetch_seconds)
        found = self._get(target, deadline)
        for _ in range(self.limits.redirects):
            if isinstance(found, bytes):
                return found
            found = self._follow(found, deadline)
        if isinstance(found, bytes):
            return found
        raise FetchFailedError(f"The URL redirects more than {self.limits.redirects} times.", retryable=False)

    @override
    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        from facesearch.adapters.outbound.wire import drain, exchange

        target = parse_url(url, self.allow_local)
        deadline = _begin(self.limits.post_seconds)
        route = self._route(target, deadline)
        with exchange(route, "POST", headers, body, _DRAIN_BYTES) as response:
            result = PostResult(response.status, _retry_after(response.headers, LONGEST_DELIVERY_WAIT))
            deadline.shorten(_DRAIN_SECONDS)
            drain(response)
        return result

    def _follow(self, redirect: _Redirect, deadline: Deadline) -> bytes | _Redirect:
        try:
            return self._get(follow(redirect.origin, redirect.location, self.allow_local), deadline)
        except RefusedUrlError as refused:
            raise RefusedUrlError(f"A redirect was not followed. {refused.reason}") from None

    def _get(self, target: Target, deadline: Deadline) -> bytes | _Redirect:
        from facesearch.adapters.outbound.wire import exchange

        # Twice the size: chunks have headers of their own, and one of a byte each is not worth reading.
        most = 2 * self.limits.fetch_bytes
        with exchange(self._route(target, deadline), "GET", {}, None, most) as response:
            location = _header(response.headers, b"location")
            if response.status in _REDIRECTS and location is not None:
                return _Redirect(target, location)
            if response.status != 200:
                raise FetchFailedError(
                    f"The host responded with {response.status}.",
                    retryable=response.status in _PASSING or response.status >= 500,
                    retry_after=_retry_after(response.headers, LONGEST_FETCH_WAIT),
                )
            return self._body(response)

    def _body(self, response: "httpcore.Response") -> bytes:
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

    def _route(self, target: Target, deadline: Deadline) -> "Route":
        from facesearch.adapters.outbound.wire import Route

        addresses = self._addresses(target, deadline)
        tls = self._tls if target.scheme == "https" else None
        return Route(target, addresses, tls, self.dial, deadline, self.limits.head_bytes)

    def _addresses(self, target: Target, deadline: Deadline) -> Sequence[Address]:
        """Where the target may be connected to. The one place where its name is looked up."""
        if target.address is not None:
            return [target.address]
        seconds = min(deadline.left(), self.limits.lookup_seconds)
        addresses = [*self.resolver.resolve(target.host, seconds)]
        if not addresses:
            raise FetchFailedError("The URL's host name could not be found.", retryable=False)
        require_reachable(addresses, self.allow_local)
        return addresses

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        from facesearch.adapters.outbound.wire import tls_context

        return self.tls or tls_context()


def _begin(seconds: float) -> Deadline:
    """Start the clock, once everything is loaded: a cold start is not the host's fault."""
    import facesearch.adapters.outbound.wire  # noqa: F401

    return Deadline(seconds)


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name.lower() == wanted), None)


def _retry_after(headers: Iterable[tuple[bytes, bytes]], longest: int) -> int | None:
    """`Retry-After` as whole seconds from now, `longest` at most; it may be a number or an HTTP date.

    The client package reads it too, but importing that costs a cold start 0.3 s.
    """
    text = (_header(headers, b"retry-after") or b"").decode("latin-1").strip()
    if re.fullmatch("[0-9]+", text):
        return longest if len(text) > 9 else min(longest, int(text))
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # the parser was written for polite mail
        return None
    if when.tzinfo is None:  # "-0000", or no zone at all; HTTP dates are in GMT
        when = when.replace(tzinfo=UTC)
    return min(longest, max(0, math.ceil(when.timestamp() - time.time())))
