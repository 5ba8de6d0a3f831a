"""What browsers need to be told: who may call from which page (CORS), and to be careful with our responses."""

from collections.abc import Sequence

from aws_lambda_powertools.event_handler import CORSConfig

ALLOWED_HEADERS = ["Content-Type", "X-API-Key"]
EXPOSED_HEADERS = ["Idempotent-Replayed", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"]
"""Beyond those that every page may read."""
METHODS = "DELETE,GET,OPTIONS,POST"
PREFLIGHT_SECONDS = 7200
"""The longest that any browser remembers a preflight (Chromium)."""

SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""On every response: it is data about people, never a page."""


def headers_for(origin: str, allowed: Sequence[str]) -> dict[str, str]:
    """Headers of a response to a page of that origin, empty if the request came from none.

    Without credentials: the key is in a header that the page itself sets, so a foreign page has nothing to borrow.
    """
    if not allowed:
        return dict(SECURITY)
    cors = CORSConfig(
        "*" if "*" in allowed else allowed[0],
        list(allowed[1:]),
        ALLOWED_HEADERS,
        EXPOSED_HEADERS,
        PREFLIGHT_SECONDS,
    ).to_dict(origin or None)
    if "*" in allowed and cors:
        cors["Access-Control-Allow-Origin"] = "*"
    return SECURITY | cors | ({"Access-Control-Allow-Methods": METHODS} if cors else {}) | {"Vary": "Origin"}
