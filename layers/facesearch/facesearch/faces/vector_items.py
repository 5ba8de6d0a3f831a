"""Faces as items of their own, one a face: what the distributed index is made of, and who keeps it in step.

A photo's record is the truth; its face items only nominate it. So they may be written before the record and stay for a
moment after it: whoever writes them looks at the record and at the event once more afterwards (`FaceKeeper.settle`),
whoever deletes or switches writes first and removes the items then. Of two that race, one sees the other's write.
"""

import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.packing import FACE_BYTES
from facesearch.models import Event, IndexKind
from facesearch.records import Photo, PhotoChange, PhotoStore

TOP_K = 100
"""The most that one SearchVectors call returns."""


@dataclass(frozen=True)
class FacePlace:
    """Where the face items of one event lie that one model made: vectors of two models are never in one partition.

    Attributes:
        shards: number of partitions; all faces of a photo are in one.
    """

    event_id: int
    model: str
    shards: int

    def shard_of(self, image_id: uuid.UUID) -> int:
        """The partition of a photo's faces."""
        return image_id.int % self.shards


@dataclass(frozen=True)
class PhotoFaces:
    """The faces of one photo, packed by `packing.pack`."""

    image_id: uuid.UUID
    faces: bytes = field(repr=False)
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class ShardFaces:
    """Faces of one partition.

    Attributes:
        photos: of each face its photo.
        values: shape (n, 128), int8, the stored vectors.
    """

    photos: list[uuid.UUID]
    values: NDArray[np.int8]


class VectorItemStore(Protocol):
    """Face items."""

    @property
    def name(self) -> str:
        """Tells this store from another that took its place, and so lacks what was written before."""

    def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
        """Write these photos' faces; again is the same. Returns their number."""

    def forget(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> int:
        """Delete a photo's faces from number `beyond` on. Returns how many there were."""

    def forget_all(self, place: FacePlace, pool: Executor) -> int:
        """Delete every face. Returns how many there were."""

    def count(self, place: FacePlace, image_id: uuid.UUID) -> int:
        """How many faces of that photo are there, read strongly consistent."""

    def counts(self, place: FacePlace, pool: Executor) -> dict[uuid.UUID, int]:
        """How many faces of which photos are there, read strongly consistent."""

    def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
        """The `TOP_K` faces of a partition that the store's own search finds nearest by cosine, nearest first.

        It may be approximate, and some time behind what was written.
        """

    def read(self, place: FacePlace, shard: int, most: int | None = None) -> ShardFaces:
        """The faces of a partition by image_id and number, all or the first `most`, read strongly consistent."""


def keeps_items(event: Event, store_name: str) -> bool:
    """Whether photos of the event have face items in that store: they are searched, or will be."""
    return IndexKind.VECTORS in {event.index_kind, event.next_index_kind} and event.vector_table == store_name


def searches_items(event: Event, store_name: str) -> bool:
    """Whether searches of the event are answered from face items in that store."""
    return event.index_kind is IndexKind.VECTORS and event.vector_table == store_name


def place_of(event: Event) -> FacePlace:
    """Where the event's face items lie. Its model stays the same as long as it has any."""
    return FacePlace(event.event_id, event.model, event.face_shards)


def faces_of(photo: Photo | PhotoChange) -> PhotoFaces:
    """The faces of a photo's record."""
    return PhotoFaces(photo.image_id, photo.faces, photo.width, photo.height)


class FaceKeeper:
    """Keeps face items in step with single photos, for indexing and deletion."""

    def __init__(self, items: VectorItemStore, photos: PhotoStore, event_now: Callable[[int], Event | None]) -> None:
        """Take the parts; `event_now` reads an event strongly consistent."""
        self._items = items
        self._photos = photos
        self._event_now = event_now

    def write(self, event: Event, photo: Photo) -> bool:
        """Before a photo is recorded: write its face items if the event has such. `settle` must follow."""
        wanted = keeps_items(event, self._items.name) and photo.model == event.model
        if wanted:
            self._items.put(place_of(event), [faces_of(photo)])
        return wanted

    def settle(self, event_id: int, image_id: uuid.UUID, *, written: bool) -> None:
        """After a photo was recorded, or was found recorded: whatever its record and the event say now is done.

        The event may have begun to move to the other index since it was read, the photo may have been deleted.
        """
        event = self._event_now(event_id)
        if event is None:
            return
        wanted = keeps_items(event, self._items.name)
        if not wanted and not written:
            return
        photo = self._photos.get(event_id, event.shards, image_id)
        if wanted and photo is not None and photo.status == "indexed" and photo.model == event.model:
            if not written:
                self._items.put(place_of(event), [faces_of(photo)])
        else:
            self._items.forget(place_of(event), image_id)

    def replace(self, event: Event, photo: Photo) -> None:
        """A recorded photo's faces have changed: its items follow, and those that are too many go."""
        if self.write(event, photo):
            place = place_of(event)
            self._items.forget(place, photo.image_id, beyond=count_of(photo.faces))
        self.settle(event.event_id, photo.image_id, written=True)

    def forget(self, event: Event, image_id: uuid.UUID) -> int:
        """Delete a photo's face items, whatever the event's index is. Call it when the photo's record says that it is
        deleted, not before. Returns how many there were."""
        return self._items.forget(place_of(event), image_id)


def count_of(packed: bytes) -> int:
    """Number of packed faces."""
    return len(packed) // FACE_BYTES
