"""The face-search quota of an organisation: a token bucket that only real face matches take from.

The bucket is kept as the generic cell rate algorithm keeps it (ITU-T I.371): one number, the moment at which the bucket
will be full again. A search moves it one interval on; there is no search while it lies a whole bucket ahead.
Nothing has to fill the bucket up, and two searches at once cannot overwrite each other's.
"""

import time
from typing import Protocol

from facesearch.errors import QuotaExceeded
from facesearch.models import MICROSECONDS, QuotaLimits, QuotaState


class TokenBucketStore(Protocol):
    """Where buckets are kept."""

    def take(self, org_id: int, limits: QuotaLimits, seen: QuotaState) -> QuotaState:
        """Take one search out of the bucket; `seen` is what was last read of it, a hint. The bucket afterwards.

        Raises:
            BucketEmptyError: with the bucket as it is.
        """

    def give_back(self, org_id: int, limits: QuotaLimits) -> None:
        """Put one search back."""


class BucketEmptyError(Exception):
    """There is no search left in the bucket, whose state this is."""

    def __init__(self, state: QuotaState) -> None:
        super().__init__("empty")
        self.state = state


class Meter:
    """One request's view of its organisation's quota."""

    def __init__(self, bucket: TokenBucketStore, org_id: int, limits: QuotaLimits, state: QuotaState) -> None:
        """`limits`: the deployment's, which the state may override."""
        self._bucket = bucket
        self._org_id = org_id
        self._limits = state.override or limits
        self._state = state

    def check(self) -> None:
        """Refuse by QuotaExceeded, before it costs anything, what could not be paid for when the state was read."""
        if self._until_next() > 0:
            raise self._exceeded()

    def take(self) -> None:
        """Pay for one face match, or raise QuotaExceeded."""
        try:
            self._state = self._bucket.take(self._org_id, self._limits, self._state)
        except BucketEmptyError as error:
            self._state = error.state
            raise self._exceeded() from None

    def give_back(self) -> None:
        """The match did not happen."""
        self._bucket.give_back(self._org_id, self._limits)
        self._state = QuotaState(self._state.full_at - self._limits.interval, self._state.override)

    @property
    def headers(self) -> dict[str, str]:
        """What the caller is told: the bucket's size, the searches left in it, and seconds until it is full."""
        burst, ahead = self._limits.burst, self._ahead()
        left = max(0, burst - -(-ahead // self._limits.interval))
        values = {"Limit": burst, "Remaining": left, "Reset": _seconds(ahead)}
        return {f"RateLimit-{name}": str(value) for name, value in values.items()}

    def _exceeded(self) -> QuotaExceeded:
        message = "The organisation's face-search quota is used up. Retry with the same request_id."
        return QuotaExceeded(message, retry_after=max(1, _seconds(self._until_next())))

    def _until_next(self) -> int:
        """Microseconds until one search is left; 0 or less = there is one."""
        return self._ahead() - (self._limits.burst - 1) * self._limits.interval

    def _ahead(self) -> int:
        return max(0, self._state.full_at - time.time_ns() // 1000)


NOBODYS = {"RateLimit-Limit": "0", "RateLimit-Remaining": "0", "RateLimit-Reset": "0"}
"""A caller that is no organisation's has no searches, and learns nobody else's."""


def _seconds(microseconds: int) -> int:
    return -(-microseconds // MICROSECONDS)
