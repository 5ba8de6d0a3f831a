"""What the matcher asks of an event's faces, wherever they lie."""

from concurrent.futures import Executor
from typing import Protocol

from facesearch.faces.index.cohort import Cohort
from facesearch.faces.index.event import Hits
from facesearch.faces.index.vectors import Probe
from facesearch.models import Event, PhotoMatch


class IndexMovedError(Exception):
    """The event changed to another face set by the same model while this one was searched, which then may have lacked
    something: search the one that `event` names now."""

    def __init__(self, event: Event) -> None:
        super().__init__(f"event {event.event_id} is searched by {event.faces} now")
        self.event = event


class FaceIndex(Protocol):
    """The faces of one event that one model made."""

    @property
    def cohort(self) -> Cohort:
        """Faces of the event that are surely different people, by which scores are levelled."""

    def search(self, probe: Probe, minimum: float, pool: Executor) -> Hits:
        """Faces of photos that count with a cosine of at least `minimum` to the probe; `pool` is for computing.

        Raises:
            IndexMovedError: ask the other index.
        """

    def photo(self, number: int) -> PhotoMatch:
        """The photo that hits know by that number."""


class FaceIndexes(Protocol):
    """Finds the index that answers for an event."""

    def current(self, event: Event) -> FaceIndex:
        """The event's index, with everything that was written before this call."""
