"""The face set that DynamoDB's vector index searches: one item a face, nominated by their photos' records."""

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import islice

from typing_extensions import override

from facesearch.errors import Throttled
from facesearch.faces.index.vectors import cosines, probe_of
from facesearch.faces.packing import FACE_BYTES, unpack, values_of
from facesearch.faces.sets import FaceSetStore, LaggingError, PhotoFaces
from facesearch.faces.vector_items import FacePlace, VectorItemStore, place_of
from facesearch.models import Event, FaceSet
from facesearch.records import OVERLAP_MICROSECONDS, Photo, PhotoStore

PHOTOS_AT_ONCE = 100
PASSES = 10
"""Passes over what is new at the most. Each new photo is written by indexing too: a pass that finds some has nothing to
add to them, it only looks."""
CATCH_UP_SECONDS = 120.0
"""How long the service's index may be behind the last write."""
THROTTLED_ATTEMPTS, THROTTLED_SECONDS = 60, 1.0
"""A new table takes 4,000 writes a second and learns to take more within minutes."""


@dataclass(frozen=True, kw_only=True)
class VectorFaces(FaceSetStore):
    """A face set in vector items: copies of the faces in the photos' records.

    `pool` runs requests side by side. What is completed is not looked at twice by one of these.
    """

    event: Event
    face_set: FaceSet
    items: VectorItemStore
    photos: PhotoStore
    pool: Executor
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _done: dict[uuid.UUID, int] = field(default_factory=dict, repr=False)
    _since: dict[int, int] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> FacePlace:
        """Where its items lie."""
        return place_of(self.event, self.face_set)

    @override
    def add(self, photos: Iterable[PhotoFaces]) -> int:
        some = list(photos)
        written = self.items.put(self.place, some)
        for photo in some:
            self.items.delete(self.place, photo.image_id, beyond=len(photo.faces) // FACE_BYTES)
        return written

    @override
    def delete_photos(self, image_ids: Collection[uuid.UUID]) -> int:
        return sum(self.pool.map(lambda image_id: self.items.delete(self.place, image_id), image_ids))

    @override
    def delete(self) -> int:
        return self.items.delete_all(self.place, self.pool)

    @override
    def count(self, image_ids: Collection[uuid.UUID] | None = None) -> int:
        if image_ids is None:
            return sum(self.items.counts(self.place, self.pool).values())
        return sum(self.pool.map(lambda image_id: self.items.count(self.place, image_id), image_ids))

    @override
    def complete(self, advance: Callable[[int], None] = lambda _: None) -> bool:
        """Copy what the records have, in passes until nothing is new, and wait until the service's search knows it."""
        there = {} if self._done else self.items.counts(self.place, self.pool)
        last: dict[int, Photo] = {}
        for number in range(PASSES):
            before = sum(self._done.values())
            self._copy_all(there, last, advance)
            if not number:
                self._delete_dead(sorted(there.keys() - self._done.keys()))
            if sum(self._done.values()) == before:  # a sum of times: it grows with every change
                break
        self._await_service(last)
        return True

    def _copy_all(self, there: dict[uuid.UUID, int], last: dict[int, Photo], advance: Callable[[int], None]) -> None:
        """Everything that changed since the last pass, every photo partition at once."""

        def copy(shard: int) -> None:
            since = max(0, self._since.get(shard, 0) - OVERLAP_MICROSECONDS)
            changes = self.photos.changes(self.event.event_id, shard, since)
            news = (change for change in changes if self._done.get(change.image_id) != change.changed_at)
            for some in _slices(news, PHOTOS_AT_ONCE):
                last.update(self._copy(some, there))
                self._done.update({change.image_id: change.changed_at for change in some})
                self._since[shard] = max(self._since.get(shard, 0), some[-1].changed_at)
                advance(len(some))

        for _ in self.pool.map(copy, range(self.event.shards)):
            pass

    def _copy(self, changes: list[Photo], there: dict[uuid.UUID, int]) -> dict[int, Photo]:
        """Copy some photos; of each partition the last that has faces."""
        faces = {change.image_id: change.faces_by(self.face_set.model) for change in changes}
        wanted = [change for change in changes if faces[change.image_id] is not None]
        missing = [
            PhotoFaces.of(change, self.face_set.model)
            for change in wanted
            if there.get(change.image_id, 0) != len(faces[change.image_id] or b"") // FACE_BYTES
        ]
        self._patiently(lambda: self.items.put(self.place, missing))
        for photo in missing:
            if photo.image_id in there:  # as somebody lost a face while an earlier run was dead
                self.items.delete(self.place, photo.image_id, beyond=len(photo.faces) // FACE_BYTES)
        self._delete_dead([change.image_id for change in changes])
        return {
            self.place.shard_of(change.image_id): change
            for change in wanted
            if values_of(faces[change.image_id] or b"")[:1].any()
        }

    def _delete_dead(self, image_ids: list[uuid.UUID]) -> None:
        """Remove the items of photos that do not count. Called after a write: a photo that is still alive then is
        deleted, if it is, by somebody who removes its items afterwards."""
        alive = self.photos.get_many(self.event.event_id, self.event.shards, image_ids)
        for image_id in image_ids:
            record = alive.get(image_id)
            if record is None or record.faces_by(self.face_set.model) is None:
                self.items.delete(self.place, image_id)

    def _patiently(self, write: Callable[[], int]) -> int:
        for _ in range(THROTTLED_ATTEMPTS):
            try:
                return write()
            except Throttled:
                self.sleep(THROTTLED_SECONDS)
        return write()

    def _await_service(self, last: dict[int, Photo]) -> None:
        """Wait until the service's own search finds the face that was written last in every partition: it follows
        writes in their order."""
        deadline = self.clock() + CATCH_UP_SECONDS
        for shard, change in last.items():
            probe = probe_of(unpack(change.faces_by(self.face_set.model) or b"")[0])
            while True:
                found = self.items.nearest(self.place, shard, probe.exact)
                same = cosines(found.values, probe) > 1 - 1e-6
                if change.image_id in found.photos or (len(same) and same.all()):
                    break
                record = self.photos.get(self.event.event_id, self.event.shards, change.image_id)
                if record is None or record.faces_by(self.face_set.model) != change.faces_by(self.face_set.model):
                    break  # deleted meanwhile, or it has lost faces
                if self.clock() >= deadline:
                    raise LaggingError("The vector index has not caught up with what was written.")
                self.sleep(1)


def _slices(changes: Iterator[Photo], size: int) -> Iterator[list[Photo]]:
    while some := list(islice(changes, size)):
        yield some
