"""The face set that DynamoDB's vector index searches: one item a face, nominated by their photos' records."""

import time
import uuid
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.errors import Throttled
from facesearch.faces.index.vectors import Values, cosines, probe_of
from facesearch.faces.packing import FACE_BYTES, unpack, values_of
from facesearch.faces.sets import FaceSetStore, LaggingError, PhotoFaces
from facesearch.models import Event, FaceSet
from facesearch.records import OVERLAP_MICROSECONDS, Photo, PhotoStore

TOP_K = 100
"""The most that one SearchVectors call returns."""
PHOTOS_AT_ONCE = 100
PASSES = 10
"""Passes over what is new at the most. Each new photo is written by indexing too: a pass that finds some has nothing to
add to them, it only looks."""
CATCH_UP_SECONDS = 120.0
"""How long the service's index may be behind the last write."""
THROTTLED_ATTEMPTS, THROTTLED_SECONDS = 60, 1.0
"""A new table takes 4,000 writes a second and learns to take more within minutes."""


@dataclass(frozen=True)
class FacePlace:
    """The partitions of the vector items of one event that one model made; all faces of a photo are in one."""

    event_id: int
    model: str
    shards: int

    def shard_of(self, image_id: uuid.UUID) -> int:
        """The partition of a photo's faces."""
        return image_id.int % self.shards


@dataclass(frozen=True, eq=False)
class ShardFaces:
    """Faces of one partition: of each its photo and its stored vector."""

    photos: list[uuid.UUID]
    values: Values


class VectorItemStore(Protocol):
    """Vector items."""

    @property
    def name(self) -> str:
        """Tells this store from another that took its place, and so lacks what was written before."""

    def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
        """Write these photos' faces; again is the same. Returns their number."""

    def delete(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> int:
        """Delete a photo's faces from number `beyond` on. Returns how many there were."""

    def delete_all(self, place: FacePlace, pool: Executor) -> int:
        """Delete every face. Returns how many there were."""

    def count(self, place: FacePlace, image_id: uuid.UUID) -> int:
        """How many faces of that photo are there, read strongly consistent."""

    def counts(self, place: FacePlace, pool: Executor) -> dict[uuid.UUID, int]:
        """How many faces of which photos are there, read strongly consistent."""

    def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
        """The `TOP_K` faces of a partition that the store's own search finds nearest by cosine, nearest first: maybe
        approximately, and some time behind what was written."""

    def read(self, place: FacePlace, shard: int, most: int | None = None) -> ShardFaces:
        """The faces of a partition by image_id and number, all or the first `most`, read strongly consistent."""


def place_of(event: Event, face_set: FaceSet | None = None) -> FacePlace:
    """Where the vector items of a face set of the event lie; of its live one unless given."""
    return FacePlace(event.event_id, (face_set or event.faces).model, event.face_shards)


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
            for copied in self.pool.map(partial(self._copy_shard, there, advance), range(self.event.shards)):
                last.update(copied)
            if not number:
                self._delete_dead(sorted(there.keys() - self._done.keys()))
            if sum(self._done.values()) == before:  # a sum of times: it grows with every change
                break
        self._await_service(last)
        return True

    def _copy_shard(self, there: dict[uuid.UUID, int], advance: Callable[[int], None], shard: int) -> dict[int, Photo]:
        """Copy what changed in a partition of photos; of each partition of items the last photo with faces."""
        last, since = dict[int, Photo](), self._since.get(shard, 0)
        changes = self.photos.changes(self.event.event_id, shard, max(0, since - OVERLAP_MICROSECONDS))
        news = (change for change in changes if self._done.get(change.image_id) != change.changed_at)
        while some := list(islice(news, PHOTOS_AT_ONCE)):
            self._copy(some, there)
            for change in some:
                self._done[change.image_id] = change.changed_at
                if values_of(change.faces_by(self.face_set.model) or b"")[:1].any():
                    last[self.place.shard_of(change.image_id)] = change
            self._since[shard] = max(since, some[-1].changed_at)
            advance(len(some))
        return last

    def _copy(self, changes: list[Photo], there: dict[uuid.UUID, int]) -> None:
        missing = [
            PhotoFaces.of(change, self.face_set.model)
            for change in changes
            if (faces := change.faces_by(self.face_set.model)) is not None
            and there.get(change.image_id, 0) != len(faces) // FACE_BYTES
        ]
        for attempt in range(THROTTLED_ATTEMPTS + 1):
            try:
                self.items.put(self.place, missing)
                break
            except Throttled:
                if attempt == THROTTLED_ATTEMPTS:
                    raise
                self.sleep(THROTTLED_SECONDS)
        for photo in missing:
            if photo.image_id in there:  # as somebody lost a face while an earlier run was dead
                self.items.delete(self.place, photo.image_id, beyond=len(photo.faces) // FACE_BYTES)
        self._delete_dead([change.image_id for change in changes])

    def _delete_dead(self, image_ids: list[uuid.UUID]) -> None:
        """Remove the items of photos that do not count. Called after a write: a photo that is still alive then is
        deleted, if it is, by somebody who removes its items afterwards."""
        alive = self.photos.get_many(self.event.event_id, self.event.shards, image_ids)
        for image_id in image_ids:
            record = alive.get(image_id)
            if record is None or record.faces_by(self.face_set.model) is None:
                self.items.delete(self.place, image_id)

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
