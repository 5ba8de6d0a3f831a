"""The matcher's port: which photos of an event show the person of a selfie."""

from typing import Protocol, TypeVar

from facesearch.models import Event, PhotoMatch

ProbeT = TypeVar("ProbeT")


class Matcher(Protocol[ProbeT]):
    """Two steps, so that a selfie which cannot be searched is refused before anything is stored or spent."""

    def probe(self, event: Event, selfie: bytes) -> ProbeT:
        """Read the selfie.

        Raises:
            UnusableImage: not a readable picture within the limits.
            NoFaceFound: nobody in it.
        """

    def match(self, event: Event, probe: ProbeT) -> list[PhotoMatch]:
        """Every photo at or above the event's confidence, most similar first, ties by image_id."""
