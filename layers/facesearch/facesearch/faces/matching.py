"""The matcher's port: which photos of an event show the person of a selfie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from facesearch.models import Event, PhotoMatch, SearchKey, SearchSummary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ProbeT = TypeVar("ProbeT")


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike a selfie's owner and single faces are.

    Attributes:
        model: of the faces that it knows.
        minimum, sure: cosines from which a face is taken for the owner's, and surely so.
        is_alike: strangers in the event look like the owner, so that a single face proves little.
        cosines: of packed faces, shape (n,).
    """

    model: str
    minimum: float
    sure: float
    is_alike: bool
    cosines: Callable[[bytes], NDArray[np.float64]] = field(repr=False)


class Matcher(Protocol[ProbeT]):
    """Two steps, so that a selfie which cannot be searched is refused before anything is stored or spent."""

    def probe_is_paid(self, event: Event) -> bool:
        """Whether somebody else is paid for the first step. It is made only with quota for it then, which comes back if
        the selfie is refused."""
        return False

    def probe(
        self,
        event: Event,
        selfies: Sequence[bytes],
        search: SearchKey,
        seconds: float,
        accepted: Callable[[], None],
    ) -> ProbeT:
        """Read one picture or several of one person, in the order in which they are numbered.

        Args:
            search: on whose behalf; the same one again is a retry.
            seconds: how long probe and match may take together, for who waits for others.
            accepted: is called as soon as none of the errors below can come any more, if that is before the end.

        Raises:
            UnusableImage, NoFaceFound, OtherPerson: the message says which selfie it is about.
        """

    def match(self, event: Event, probe: ProbeT) -> list[PhotoMatch]:
        """Every photo at or above the event's confidence, most similar first, ties by image_id."""

    def likeness(self, event: Event, probe: ProbeT) -> Likeness | None:
        """What tells the owner's faces in photos' records from others'; None where there are none in them."""
        return None

    def summary(self, event: Event, probe: ProbeT, photos: Sequence[PhotoMatch]) -> SearchSummary:
        """What is kept of the match beside its photos."""
        return SearchSummary(len(photos), event.confidence)


@dataclass(frozen=True)
class StoredProbe:
    """A probe as bytes, to be matched again later; only against faces by the same model."""

    model: str
    values: bytes = field(repr=False)


@runtime_checkable
class StoringMatcher(Matcher[ProbeT], Protocol[ProbeT]):
    """A matcher whose probes can be kept. Not every engine gives its own away."""

    def keepable(self, event: Event, selfies: Sequence[bytes]) -> StoredProbe:
        """Read the selfies into something that can be kept; raises as `probe` does."""

    def recall(self, event: Event, kept: Sequence[StoredProbe]) -> Sequence[ProbeT]:
        """Kept probes by the event's model, ready to be matched against the event as it is now."""
