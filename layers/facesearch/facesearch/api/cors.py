"""What browsers need to be told: who may call from which page (CORS), and to be careful with our responses."""

from collections.abc import Sequence

SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""On every response: it is data about people, never a page."""
CORS = {
    "Access-Control-Allow-Headers": "Authorization,Content-Type,X-API-Key,X-Amz-Date,X-Amz-Security-Token",
    "Access-Control-Allow-Methods": "DELETE,GET,OPTIONS,POST",
    "Access-Control-Expose-Headers": "Face-Search-Error,Idempotent-Replayed,RateLimit-Limit,RateLimit-Remaining,"
    "RateLimit-Reset,Retry-After,Selfie-Faces",
    "Access-Control-Max-Age": "7200",  # the longest that any browser remembers a preflight (Chromium)
}


def headers_for(origin: str, allowed: Sequence[str]) -> dict[str, str]:
    """Headers of a response to a page of that origin, empty if the request came from none.

    Without credentials: the key is in a header that the page itself sets, so a foreign page has nothing to borrow.
    """
    if not allowed:
        return dict(SECURITY)
    told = {"*", origin} & set(allowed) if origin else set()
    cors = CORS | {"Access-Control-Allow-Origin": "*" if "*" in told else origin} if told else {}
    return SECURITY | cors | {"Vary": "Origin"}
