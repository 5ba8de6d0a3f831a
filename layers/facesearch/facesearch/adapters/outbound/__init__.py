"""What goes out to addresses that strangers give us: selfies fetched by URL, callbacks posted. Safe against SSRF.

A URL is refused unless it is https to a name or literal whose every address is public; the connection goes to the very
address that was checked, so a name that is rebound between the check and the call changes nothing. Redirects are
followed by hand, each with the same checks. Time and sizes are bounded from the look-up of the name to the last byte.

Checking a URL imports neither httpx nor httpcore; only what talks does.
"""

from facesearch.adapters.outbound.client import LIMITS, HttpOutbound, OutboundLimits
from facesearch.adapters.outbound.resolving import Resolver

__all__ = ["LIMITS", "HttpOutbound", "OutboundLimits", "Resolver"]
