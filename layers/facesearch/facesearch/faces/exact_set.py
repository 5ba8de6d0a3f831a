"""The face set that is searched in memory."""

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from typing_extensions import override

from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.packing import FACE_BYTES
from facesearch.faces.sets import FaceSetStore, PhotoFaces
from facesearch.models import Event, FaceSet, FaceSetKind
from facesearch.records import PhotoStore, face_bytes

SNAPSHOT_ATTEMPTS = 10
"""At a snapshot that others write at the same time."""


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
        if self.builder is not None:
            snapshots, live = self.builder.snapshots, self.event.faces
            has_other = live.kind is FaceSetKind.EXACT and live != self.face_set
            snapshots.delete(
                self.event.event_id, snapshots.current(self.event.event_id, live.model) if has_other else None
            )
        return 0

    @override
    def count(self, image_ids: Collection[uuid.UUID] | None = None) -> int:
        event = self.event
        if image_ids is None:
            changes = (self.photos.changes(event.event_id, shard, 0) for shard in range(event.shards))
            return sum(face_bytes(change) for some in changes for change in some) // FACE_BYTES
        return (
            sum(map(face_bytes, self.photos.get_many(event.event_id, event.shards, image_ids).values())) // FACE_BYTES
        )

    @override
    def complete(self, advance: Callable[[int], None] = lambda _: None) -> bool:
        """A snapshot; without one nothing is missing, but the first search reads all records."""
        if self.builder is None:
            return True
        return any(
            self.builder.compact(self.event, self.face_set, at_least=0).written for _ in range(SNAPSHOT_ATTEMPTS)
        )
