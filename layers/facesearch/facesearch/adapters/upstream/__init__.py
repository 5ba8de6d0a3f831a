"""The `upstream` engine: an API that speaks this contract searches, and this deployment is a caching, idempotent front
for it (docs/operating/engines.md)."""

from facesearch.adapters.upstream.api import Upstream, new_http
from facesearch.adapters.upstream.breaker import Breaker
from facesearch.adapters.upstream.errors import UpstreamDownError, UpstreamRefusedError, UpstreamResponseError
from facesearch.adapters.upstream.key import KeySecret
from facesearch.adapters.upstream.matcher import PAGES_AT_ONCE, UpstreamMatcher

__all__ = [
    "PAGES_AT_ONCE",
    "Breaker",
    "KeySecret",
    "Upstream",
    "UpstreamDownError",
    "UpstreamMatcher",
    "UpstreamRefusedError",
    "UpstreamResponseError",
    "new_http",
]
