"""What deletions work on, and the list of those under way: written before one begins, emptied as its last step."""

import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from facesearch.admin.ports import EventLifecycle
from facesearch.deletion.search import SearchDeletion
from facesearch.faces.exact_set import SnapshotBuilder
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.sets import FaceSets, FaceWriter
from facesearch.models import Event
from facesearch.photos.objects import Objects
from facesearch.records import Original, PhotoEraser
from facesearch.webhooks.watches.watch import Probes


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


class CdnCache:
    """Caches between the renditions and the world; of this class itself: none."""

    def delete(self, paths: Sequence[str]) -> None:
        """Serve these paths no more; a `*` at the end stands for anything."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Everything that holds something of a photo or a person. `pool` runs leaf calls side by side."""

    photos: PhotoEraser
    log: ErasureLog
    searches: SearchDeletion
    renditions: Objects
    originals: Objects
    snapshots: SnapshotStore
    builder: SnapshotBuilder
    events: EventLifecycle
    probes: Probes
    sets: FaceSets
    pool: Executor
    cdn_cache: CdnCache = field(default_factory=CdnCache)

    def now(self, event: Event) -> Event:
        """The event as it is: a rebuild may have given it another face set."""
        return self.events.event(event.event_id) or event

    @property
    def writer(self) -> FaceWriter:
        return FaceWriter(sets=self.sets, photos=self.photos, event_now=self.events.event)
