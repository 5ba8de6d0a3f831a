"""Where finished searches are kept."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from facesearch.models import PhotoMatch, SearchKey, SearchSummary


class OutdatedError(Exception):
    """Photos or faces of the event, or the search itself, were deleted since it began; nothing of it was kept."""


@dataclass(frozen=True)
class ConsentRecord:
    """What a guest has agreed to, and when. `version` names the text; `at` in seconds since the epoch."""

    version: str
    at: int


@dataclass(frozen=True)
class FinishedSearch:
    """What is known of a search beside what it has found. Times in seconds since the epoch.

    Attributes:
        consent: None = none was sent.
    """

    search: SearchKey
    summary: SearchSummary
    created_at: int
    expires_at: int
    consent: ConsentRecord | None = None


class ResultStore(Protocol):
    """Where finished searches are kept."""

    def enter(self, search: SearchKey) -> None:
        """Put a search on its event's list, before anything else of it is kept: there a deletion finds it, also what a
        run that was killed has left."""

    def save(
        self,
        search: SearchKey,
        summary: SearchSummary,
        photos: Sequence[PhotoMatch],
        erasures: int | None = None,
        cancelled: str | None = None,
        consent: str = "",
        settle: Callable[[], None] = lambda: None,
    ) -> bool:
        """Keep a finished search, which was entered, for its retention time; False if there is one already, which then
        stays.

        Args:
            erasures: of the event, read before the search looked at its faces; None = keep it whatever was deleted.
            cancelled: the search's last cancellation when it was asked for; None = keep it whatever came since.
            consent: version of the text that the guest agreed to; empty = none was sent.
            settle: is called when only the result's own last write is missing; what it raises ends this without one.

        Raises:
            OutdatedError: the event's erasures are others by now, the search was cancelled since, or a deletion took
                this result along.
        """

    def searches(self, event_id: int, begin: str = "", most: int | None = None) -> Iterator[SearchKey]:
        """Every search of the event that is kept, or was about to be; of those whose request_id begins so, by
        request_id, and `most` at the most."""

    def finished(self, searches: Sequence[SearchKey]) -> list[FinishedSearch]:
        """Those of the searches whose result can be read, in no particular order."""

    def holds(self, search: SearchKey) -> bool:
        """Whether there is anything of this search, even if its result is hidden."""

    def photos(self, search: SearchKey, *, whole: bool = False) -> list[uuid.UUID]:
        """What the stored search names; with `whole` only if it is a result that can be read."""

    def hide(self, search: SearchKey) -> None:
        """From now on there is no result. What it names is still known, so that a second run finds it."""

    def cancel(self, search: SearchKey) -> None:
        """`hide` it; and of who has asked for it before, nobody may keep one any more."""

    def delete(self, search: SearchKey) -> None:
        """Delete what a hidden search names, and that there was one; not one saved anew since."""
