"""What makes a search happen once."""

from collections.abc import Callable
from typing import Protocol

from facesearch.models import SearchKey, SearchSummary


class AlreadyRunningError(Exception):
    """Another invocation holds the claim on this search."""


class Idempotency(Protocol):
    """Remembers which searches run, and which are done.

    A run that raises gives its claim back. A run that is killed leaves a claim that expires with the time which its
    invocation had left, and is then taken over by the next caller.
    """

    def run(self, search: SearchKey, seconds_left: float, work: Callable[[], SearchSummary]) -> SearchSummary:
        """Run `work`, which may raise anything, unless this search is done; either way its summary.

        Raises:
            AlreadyRunningError: another invocation is at it.
            StoreUnavailable: the claim could not be written, or the record of a finished run.
        """

    def holds(self, search: SearchKey) -> bool:
        """Whether the search is done, or running, or was killed."""

    def delete(self, search: SearchKey) -> None:
        """Delete the record of a finished search, so that it can be done again. One that is running keeps its claim."""
