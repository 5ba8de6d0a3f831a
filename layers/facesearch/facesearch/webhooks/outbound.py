"""Hosts that are not ours: the calls to them, how such a call fails, and how many workers may wait for them."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

PART = 4
"""An organisation's hosts may hold up a quarter of a function's workers: three that hang leave another quarter."""


class RefusedUrlError(Exception):
    """The URL, or one that it redirects to, is not one that we call. Asking again helps only with another URL."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FetchFailedError(Exception):
    """The host could not be reached, or gave no response that is of use.

    Attributes:
        reason: in words that are safe to show: no URL, no host, and nothing of the response but its status.
        retryable: whether the same call may succeed later.
        retry_after: seconds that the response's `Retry-After` asks for, an hour at most; None if it has none.
    """

    def __init__(self, reason: str, *, retryable: bool, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after


@dataclass(frozen=True)
class PostResult:
    """What a receiver responded; `retry_after` in seconds, a day at most."""

    status: int
    retry_after: int | None = None


class Outbound(Protocol):
    """Calls to URLs that strangers gave us."""

    def check(self, url: str) -> None:
        """Raise RefusedUrlError if the URL will never be called, as far as can be said without looking anything up."""

    def fetch(self, url: str) -> bytes:
        """What is there, as it is sent: not inflated, and of whatever type.

        Raises:
            RefusedUrlError: the URL, or one that it redirects to, is not one that we call.
            FetchFailedError: there is no such thing, it is too large, or it took too long.
        """

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        """Send `body` and say what was responded, redirects included: none is followed.

        Raises:
            RefusedUrlError: the URL is not one that we call.
            FetchFailedError: nobody responded in time.
        """


class Shares(Protocol):
    """Slots, so many for each organisation; each lets a worker wait for the organisation's hosts."""

    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        """Take a slot for so long at most; None if all of the organisation's are taken. Closing it gives it back."""

    def is_free(self, org_id: int) -> bool:
        """Whether one of the organisation's slots seems to be free; a hint."""


def share_of(concurrency: int) -> int:
    """An organisation's slots, where so many invocations may run at once."""
    return max(1, concurrency // PART)
