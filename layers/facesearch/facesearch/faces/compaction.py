"""Compaction: fold what came after an event's snapshot into a new one, so that the next cold start reads one file."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol

from facesearch.faces.health import Alikeness, alike_together
from facesearch.faces.index.cache import open_index
from facesearch.faces.index.event import EventIndex
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.models import Event, FaceSet
from facesearch.records import PhotoStore


@dataclass(frozen=True)
class Compaction:
    """What became of one request.

    Attributes:
        written: a new snapshot is current; if not, the tail was short, or somebody else wrote one meanwhile.
        photos, faces: in the index, searchable or not.
        tail_bytes: read after the snapshot that was there.
        together: how alike faces of one photo are; None if there are too few pairs.
    """

    written: bool
    photos: int
    faces: int
    tail_bytes: int
    together: Alikeness | None


@dataclass(frozen=True, kw_only=True)
class SnapshotBuilder:
    """The use case of the snapshots function, and of deletions, which must not leave anything in an old file.

    `tail_bytes`: how long a tail is folded in; a page of a DynamoDB query is 1 MB, and shorter costs no less.
    """

    photos: PhotoStore
    snapshots: SnapshotStore
    pool: Executor
    tail_bytes: int = 1_000_000

    def compact(self, event: Event, face_set: FaceSet | None = None, *, at_least: int | None = None) -> Compaction:
        """Write a new snapshot of a face set, the live one unless given, if the tail has `at_least` so many bytes, not
        the usual number."""
        event = event if face_set is None else replace(event, faces=face_set)
        replaces = self.snapshots.current(event.event_id, event.model)
        index = open_index(event, self.snapshots, self.pool)
        index.refresh(self.photos, event, self.pool)
        if index.tail_bytes < (self.tail_bytes if at_least is None else at_least):
            return _report(index, photos=0, written=False)
        snapshot = index.to_snapshot()
        saved = self.snapshots.save(snapshot, replaces)
        return _report(index, photos=len(snapshot.ids), written=saved is not None)

    def delete(self, event_id: int) -> None:
        """Take back what was written for an event that was deleted meanwhile: its deletion may have looked already."""
        self.snapshots.delete(event_id)


def _report(index: EventIndex, *, photos: int, written: bool) -> Compaction:
    return Compaction(written, photos, index.faces, index.tail_bytes, alike_together(index))


class SnapshotRequests(Protocol):
    """How indexing says that an event's photos have changed."""

    def request(self, event_id: int) -> None:
        """Have the event's snapshot looked at soon; asked often at a time is asked once."""
