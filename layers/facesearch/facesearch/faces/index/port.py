"""What the matcher asks of an event's faces, wherever they lie."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.index.cohort import Cohort
from facesearch.faces.index.vectors import Probe, Values, cosines
from facesearch.models import Event, PhotoMatch


@dataclass(frozen=True, eq=False)
class Hits:
    """Faces of photos that count, whose cosine to a probe reached a minimum: of each the photo, as `FaceIndex.photo`
    takes it, the cosine, exact for the stored vector, and that vector."""

    photos: NDArray[np.int32]
    cosines: NDArray[np.float64]
    values: Values

    @classmethod
    def of(cls, photos: NDArray[np.int32], values: Values, probe: Probe, minimum: float) -> "Hits":
        """Those of such faces that reach the minimum."""
        exact = cosines(values, probe)
        enough = exact >= minimum
        return cls(photos[enough], exact[enough], values[enough])


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
        `IndexMovedError`: ask the other index."""

    def photo(self, number: int) -> PhotoMatch:
        """The photo that hits know by that number."""


IndexOf = Callable[[Event], FaceIndex]
"""Opens the index that an event has, with everything that was written before the event was read."""
