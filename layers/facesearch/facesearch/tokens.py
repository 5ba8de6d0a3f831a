"""Publishable tokens, which guests' pages carry: what one looks like, how one is made, and the port to them.

A token is an API key that anybody may see. It is looked up as one, by its SHA-256, and does less: see `TokenRights`.
"""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from facesearch.models import MICROSECONDS, ApiKey, Event, QuotaLimits, Scope, TokenRights, digest_of

PREFIX = "fsp_"
"""Tells a token from an API key at sight, to people and to what scans for secrets."""
VISITOR_QUOTA = QuotaLimits(per_minute=6, burst=3)
SHORTEST_SECONDS, DEFAULT_SECONDS, LONGEST_SECONDS = 300, 3_600, 86_400
MAX_ORIGINS = 10
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
ORIGIN_PATTERN = rf"^https?://{_LABEL}(\.{_LABEL})*\.?(:({_PORT}))?$"
"""As browsers send it in `Origin`: in lower case, without a path."""
MAX_ORIGIN = len("https://:65535") + 253
"""Characters; 253 of them are a name's in DNS."""
NO_ORIGIN = "not an origin, such as https://run.example"


def web_origin(text: str) -> str | None:
    """The origin as browsers send it, which leave out a scheme's own port; None if it is none of the web."""
    if len(text) > MAX_ORIGIN or re.fullmatch(ORIGIN_PATTERN, text) is None:
        return None
    return text.removesuffix(":80" if text.startswith("http:") else ":443")


def new_token() -> str:
    """A token with 192 random bits, which is shown once; only its digest is stored."""
    return PREFIX + secrets.token_urlsafe(24)


class TokenStore(Protocol):
    """Where tokens are kept: with the API keys."""

    def put(self, digest: str, key: ApiKey) -> None:
        """Keep a token, or put it in the place of what has this `digest`, SHA-256 in hex."""


@dataclass(frozen=True)
class CreatedToken:
    """A new token. `expires_at`: seconds since the epoch."""

    token: str
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class VisitorTokens:
    """The use case of a site's server: a token for one visitor of its page. `clock`: seconds since the epoch."""

    tokens: TokenStore
    clock: Callable[[], float] = time.time

    def create(
        self, event: Event, seconds: int, origins: tuple[str, ...], *, originals: bool, watch: bool
    ) -> CreatedToken:
        token, now = new_token(), self.clock()
        made = CreatedToken(token, int(now) + seconds)
        rights = TokenRights(
            event.event_id,
            VISITOR_QUOTA,
            created_at=int(now * MICROSECONDS),
            origins=origins,
            originals=originals,
            watch=watch,
        )
        scopes = frozenset({Scope.SEARCH, Scope.READ})
        key = ApiKey(secrets.token_hex(8), event.org_id, True, scopes, made.expires_at, rights)
        self.tokens.put(digest_of(token), key)
        return made
