"""Faces that lie elsewhere than in the photos' records: what indexing asks of a service that keeps them instead, and
what deletion asks of whatever keeps any.

The record stays the truth about the photo: a face there whose photo has none here is shown to nobody.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from PIL import Image


class Region(NamedTuple):
    """A part of a photo, or a face's place in it, in fractions of the photo's width and height."""

    left: float
    top: float
    width: float
    height: float


WHOLE = Region(0, 0, 1, 1)


@dataclass(frozen=True)
class PhotoFile:
    """A photo on its way to that service.

    Attributes:
        whole: the photo as a JPEG that fits into one call.
        cut: the same of parts of it; reads the photo once more, for photos with more faces than one call takes.
    """

    whole: bytes
    cut: Callable[[Sequence[Region]], list[bytes]]


class OutsideFaces(Protocol):
    """What indexing asks. A face is known by the id that the service has given it."""

    def add(self, event_id: int, image_id: uuid.UUID, photo: PhotoFile) -> list[str]:
        """Have every face of a photo found from now on; the same photo again has no face twice. Ids of its faces.

        Raises:
            UnusableImage: the service cannot read it.
        """

    def discard(self, event_id: int, face_ids: Iterable[str]) -> int:
        """Delete these faces; how many of them were there."""

    def forget(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        """Delete every face of these photos; how many there were."""

    def forget_event(self, event_id: int) -> int:
        """Delete every face of an event, and what holds them; how many there were."""


@dataclass(frozen=True)
class OutsideIndexing:
    """What indexing needs of the service.

    Attributes:
        model: what records of photos name in the place of one of our models, none of which has looked at them.
        parts_of: parts of a decoded picture as files that the service takes.
    """

    model: str
    faces: OutsideFaces
    parts_of: "Callable[[Image.Image, Sequence[Region]], list[bytes]]"


class OutsideEraser(Protocol):
    """What deletions ask; also of `erasure.OutsideItems`, which are copies of the records' faces."""

    def forget(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        """See `OutsideFaces.forget`."""

    def forget_event(self, event_id: int) -> int:
        """See `OutsideFaces.forget_event`."""

    def count(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        """How many faces of these photos are there."""

    def count_event(self, event_id: int) -> int:
        """How many faces of the event are there; at least 1 as long as there is something to hold them."""


class _NothingOutside:
    def forget(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        return 0

    def forget_event(self, event_id: int) -> int:
        return 0

    def count(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        return 0

    def count_event(self, event_id: int) -> int:
        return 0


NOTHING_OUTSIDE: OutsideEraser = _NothingOutside()
"""Of a stack that keeps every face in its own table."""
