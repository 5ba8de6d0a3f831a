"""The `upstream` engine: an API that speaks this contract searches, and this deployment is a caching, idempotent front
for it (docs/engines.md)."""

from facesearch.upstream.api import Upstream, new_http
from facesearch.upstream.breaker import Breaker
from facesearch.upstream.errors import UpstreamAnswerError, UpstreamDownError, UpstreamRefusedError
from facesearch.upstream.key import KeySecret
from facesearch.upstream.matcher import PAGES_AT_ONCE, UpstreamMatcher

__all__ = [
    "PAGES_AT_ONCE",
    "Breaker",
    "KeySecret",
    "Upstream",
    "UpstreamAnswerError",
    "UpstreamDownError",
    "UpstreamMatcher",
    "UpstreamRefusedError",
    "new_http",
]
