"""The face set that is searched in memory, and compaction: what came after its snapshot is folded into a new one, so
that the next cold start reads one file."""

import uuid
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from typing_extensions import override

from facesearch.faces.health import Alikeness, alike_together
from facesearch.faces.index.event import open_index
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.packing import FACE_BYTES
from facesearch.faces.sets import FaceSetStore, PhotoFaces
from facesearch.models import Event, FaceSet, FaceSetKind
from facesearch.records import Photo, PhotoStore, face_bytes

SNAPSHOT_ATTEMPTS = 10
"""How often a snapshot is written anew because somebody else wrote one meanwhile; each of theirs takes seconds."""


@dataclass(frozen=True)
class Compaction:
    """What became of one request; none is `written` if the tail behind the snapshot that was there is short, or if
    somebody else wrote one meanwhile."""

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
        written, photos = False, 0
        if index.tail_bytes >= (self.tail_bytes if at_least is None else at_least):
            snapshot = index.to_snapshot()
            written, photos = self.snapshots.save(snapshot, replaces) is not None, len(snapshot.ids)
        return Compaction(written, photos, index.faces, index.tail_bytes, alike_together(index))

    def rewrite(self, event: Event, face_set: FaceSet) -> bool:
        """Write a new snapshot however short the tail is; False if others kept writing theirs meanwhile."""
        return any(self.compact(event, face_set, at_least=0).written for _ in range(SNAPSHOT_ATTEMPTS))


class SnapshotRequests(Protocol):
    """How indexing says that an event's photos have changed."""

    def request(self, event_id: int) -> None:
        """Have the event's snapshot looked at soon; asked often at a time is asked once."""


@dataclass(frozen=True, kw_only=True)
class ExactFaces(FaceSetStore):
    """The face set that is searched in memory: in the photos' records, which are written anyway, and a snapshot."""

    event: Event
    face_set: FaceSet
    photos: PhotoStore
    builder: SnapshotBuilder | None = None

    @override
    def add(self, photos: Iterable[PhotoFaces]) -> int:
        return sum(len(photo.faces) // FACE_BYTES for photo in photos)

    @override
    def delete_photos(self, image_ids: Collection[uuid.UUID]) -> int:
        return 0

    @override
    def delete(self) -> int:
        """Of the event's snapshots only that of its live face set stays, if it has one."""
        event_id, live = self.event.event_id, self.event.faces
        if self.builder is not None:
            snapshots = self.builder.snapshots
            has_other = live.kind is FaceSetKind.EXACT and live != self.face_set
            snapshots.delete(event_id, snapshots.current(event_id, live.model) if has_other else None)
        return 0

    @override
    def count(self, image_ids: Collection[uuid.UUID] | None = None) -> int:
        event, photos = self.event, self.photos
        some: Iterable[Photo]
        if image_ids is None:
            some = chain.from_iterable(photos.changes(event.event_id, shard, 0) for shard in range(event.shards))
        else:
            some = photos.get_many(event.event_id, event.shards, image_ids).values()
        return sum(map(face_bytes, some)) // FACE_BYTES

    @override
    def complete(self, advance: Callable[[int], None] = lambda _: None) -> bool:
        """A snapshot; without one nothing is missing, but the first search reads all records."""
        return self.builder is None or self.builder.rewrite(self.event, self.face_set)
