"""The matcher's port: which photos of an event show the person of a selfie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

from typing_extensions import override

from facesearch.models import Event, FaceSetKind, PhotoMatch, SearchKey, SearchSummary

ProbeT = TypeVar("ProbeT")


class Matcher(Protocol[ProbeT]):
    """Two steps, so that a selfie which cannot be searched is refused before anything is stored or spent."""

    def probe_is_paid(self, event: Event) -> bool:
        """Whether somebody else is paid for the first step. It is made only with quota for it then, which comes back if
        the selfie is refused."""
        return False

    def probe(self, event: Event, selfies: Sequence[bytes], search: SearchKey, seconds: float) -> ProbeT:
        """Read the selfies.

        Args:
            event: where to look.
            selfies: whom to look for: one picture or several of one person, in the order in which they are numbered.
            search: on whose behalf; the same one again is a retry.
            seconds: how long probe and match may take together, for who waits for others.

        Raises:
            UnusableImage: not a readable picture within the limits.
            NoFaceFound: nobody in it.
            OtherPerson: one of several shows somebody else; as with the others, the message says which.
        """

    def match(self, event: Event, probe: ProbeT) -> list[PhotoMatch]:
        """Every photo at or above the event's confidence, most similar first, ties by image_id."""

    def summary(self, event: Event, probe: ProbeT, photos: Sequence[PhotoMatch]) -> SearchSummary:
        """What is kept of the match beside its photos."""
        return SearchSummary(len(photos), event.confidence)


@dataclass(frozen=True)
class ChosenMatcher(Matcher[Any]):
    """The matcher of an event's live face set. A search whose event changes it meanwhile stores no result."""

    of: Callable[[FaceSetKind], Matcher[Any]]

    @override
    def probe_is_paid(self, event: Event) -> bool:
        return self.of(event.faces.kind).probe_is_paid(event)

    @override
    def probe(self, event: Event, selfies: Sequence[bytes], search: SearchKey, seconds: float) -> Any:
        return self.of(event.faces.kind).probe(event, selfies, search, seconds)

    @override
    def match(self, event: Event, probe: Any) -> list[PhotoMatch]:
        return self.of(event.faces.kind).match(event, probe)

    @override
    def summary(self, event: Event, probe: Any, photos: Sequence[PhotoMatch]) -> SearchSummary:
        return self.of(event.faces.kind).summary(event, probe, photos)


@dataclass(frozen=True)
class StoredProbe:
    """A probe as bytes, to be matched again later; only against faces by the same model."""

    model: str
    values: bytes = field(repr=False)


@runtime_checkable
class StoringMatcher(Matcher[ProbeT], Protocol[ProbeT]):
    """A matcher whose probes can be kept. Not every engine gives its own away."""

    def keepable(self, event: Event, selfies: Sequence[bytes]) -> StoredProbe:
        """Read the selfies into something that can be kept.

        Raises:
            UnusableImage, NoFaceFound, OtherPerson: see `Matcher.probe`.
        """

    def recall(self, event: Event, kept: Sequence[StoredProbe]) -> Sequence[ProbeT]:
        """Kept probes by the event's model, ready to be matched against the event as it is now."""
