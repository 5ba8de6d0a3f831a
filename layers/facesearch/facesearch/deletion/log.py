"""The list of the deletions under way: written before one begins, emptied as its last step."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from facesearch.records import Original


@dataclass(frozen=True)
class Erasing:
    """A photo that is being deleted, or that loses faces.

    Attributes:
        whole: the photo itself goes; if not, only what names it does.
        places: where its original lies, as far as it is known.
        renditions, originals: whether these files go, too.
    """

    image_id: uuid.UUID
    whole: bool
    places: tuple[Original, ...] = ()
    renditions: bool = False
    originals: bool = False


class ErasureLog(Protocol):
    """The list."""

    def begin(self, event_id: int, each: Iterable[Erasing]) -> None:
        """Enter what is about to be deleted."""

    def pending(self, event_id: int) -> list[Erasing]:
        """All that was begun and is not over."""

    def end(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> None:
        """These are over."""
