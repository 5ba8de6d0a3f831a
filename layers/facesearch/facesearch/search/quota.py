"""Face-search quotas: token buckets. Only real face matches take from an organisation's; each look at selfies takes
from a publishable token's.

The bucket is kept as the generic cell rate algorithm keeps it (ITU-T I.371): one number, the moment at which the bucket
will be full again. A search moves it one interval on; there is no search while it lies a whole bucket ahead.
Nothing has to fill the bucket up, and two searches at once cannot overwrite each other's.
"""

import time
from contextlib import ExitStack
from typing import Protocol

from facesearch.errors import QuotaExceeded, StoreUnavailable, TokenQuotaExceeded
from facesearch.models import MICROSECONDS, QuotaLimits, QuotaState
from facesearch.observability import count, log_unexpected


class TokenBucketStore(Protocol):
    """Where buckets are kept. `owner`: an organisation's number, `of_token`, or `of_refused`."""

    def take(self, owner: str, limits: QuotaLimits, seen: QuotaState) -> QuotaState:
        """Take one search out of the bucket; `seen` is what was last read of it, a hint. The bucket afterwards.

        Raises:
            BucketEmptyError: with the bucket as it is.
        """

    def give_back(self, owner: str, limits: QuotaLimits) -> None:
        """Put one search back."""


_TOKEN = "TOKEN#"  # noqa: S105 - whose bucket it is
_REFUSED = "REFUSED#"
REFUSED_AT_ONCE = 9
"""Refused selfies that are free after a rest. From then on a tenth of the quota's rate is."""
REFUSED_SHARE = 10


def of_token(digest: str) -> str:
    """Names the owner of a publishable token's bucket. `digest`: SHA-256 of the token in hex."""
    return f"{_TOKEN}{digest}"


def is_tokens(owner: str) -> bool:
    """Whether the bucket is a publishable token's, which ends some day, and not an organisation's."""
    return owner.startswith(_TOKEN)


def of_refused(owner: str) -> str:
    """Names the owner of an organisation's bucket of refused selfies."""
    return f"{_REFUSED}{owner}"


def is_passing(owner: str) -> bool:
    """Whether the bucket means nothing once it is full: it has no limits of its own, or its token ends some day."""
    return owner.startswith((_TOKEN, _REFUSED))


class BucketEmptyError(Exception):
    """There is no search left in the bucket, whose state this is."""

    def __init__(self, state: QuotaState) -> None:
        super().__init__("empty")
        self.state = state


class Account:
    """One bucket as one request sees it."""

    def __init__(self, buckets: TokenBucketStore, owner: str, limits: QuotaLimits, state: QuotaState) -> None:
        """`limits`: those of the deployment or of the token, which the state may override."""
        self._buckets = buckets
        self._owner = owner
        self._limits = state.override or limits
        self._state = state

    def check(self) -> None:
        if self._until_next() > 0:
            raise self._exceeded()

    def take(self) -> None:
        try:
            self._state = self._buckets.take(self._owner, self._limits, self._state)
        except BucketEmptyError as error:
            self._state = error.state
            raise self._exceeded() from None

    def give_back(self) -> None:
        self._buckets.give_back(self._owner, self._limits)
        self._state = QuotaState(self._state.full_at - self._limits.interval, self._state.override)

    def refuse(self) -> None:
        """Count a refused selfie: free out of a bucket of their own, and taken from this one once that is empty."""
        limits = QuotaLimits(max(1, self._limits.per_minute // REFUSED_SHARE), REFUSED_AT_ONCE)
        try:
            self._buckets.take(of_refused(self._owner), limits, QuotaState())
        except BucketEmptyError:
            self.take()

    @property
    def headers(self) -> dict[str, str]:
        burst, ahead = self._limits.burst, self._ahead()
        left = max(0, burst - -(-ahead // self._limits.interval))
        values = {"Limit": burst, "Remaining": left, "Reset": _seconds(ahead)}
        return {f"RateLimit-{name}": str(value) for name, value in values.items()}

    def _exceeded(self) -> QuotaExceeded:
        retry_after = max(1, _seconds(self._until_next()))
        if is_tokens(self._owner):
            count("TokenQuotaUsedUp")
            message = "Too many searches by this link at the moment. Retry with the same request_id."
            return TokenQuotaExceeded(message, retry_after)
        message = "The organisation's face-search quota is used up. Retry with the same request_id."
        return QuotaExceeded(message, retry_after)

    def _until_next(self) -> int:
        """Microseconds until one search is left; 0 or less = there is one."""
        return self._ahead() - (self._limits.burst - 1) * self._limits.interval

    def _ahead(self) -> int:
        return max(0, self._state.full_at - time.time_ns() // 1000)


class Meter:
    """What one request may take from: its token's bucket, if it has one, and its organisation's."""

    def __init__(self, *accounts: Account) -> None:
        """The organisation's last: what its token is refused costs it nothing."""
        self._accounts = accounts

    @property
    def token(self) -> "Meter":
        """Of its token's bucket alone; of none for an API key, and then it refuses nothing."""
        return Meter(*self._accounts[:-1])

    @property
    def organisation(self) -> "Meter":
        """Of its organisation's bucket alone."""
        return Meter(*self._accounts[-1:])

    def check(self) -> None:
        """Refuse by QuotaExceeded, before it costs anything, what could not be paid for when the state was read."""
        for account in self._accounts:
            account.check()

    def take(self) -> None:
        """Pay for one face match, or raise QuotaExceeded."""
        with ExitStack() as taken:
            for account in self._accounts:
                account.take()
                taken.callback(_given_back, account)
            taken.pop_all()

    def refuse(self) -> None:
        """Count a refused selfie for the organisation, unless a token has paid for it."""
        if len(self._accounts) == 1:
            self._accounts[0].refuse()

    def give_back(self) -> None:
        """The match did not happen."""
        for account in self._accounts:
            _given_back(account)

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told: the bucket's size, the searches left in it, and seconds until it is full.

        Of the token's bucket if there is one: guests learn nothing of what others search.
        """
        return self._accounts[0].headers


def _given_back(account: Account) -> None:
    """Give a search back, if the store can be reached."""
    try:
        account.give_back()
    except StoreUnavailable as error:  # one search less until the bucket has filled up by itself
        log_unexpected(error)


NOBODYS = {"RateLimit-Limit": "0", "RateLimit-Remaining": "0", "RateLimit-Reset": "0"}
"""A caller that is no organisation's has no searches, and learns nobody else's."""


def _seconds(microseconds: int) -> int:
    return -(-microseconds // MICROSECONDS)
