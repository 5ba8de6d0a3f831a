"""Deletion on a stack with the distributed index: whatever happens to a photo's record happens to its face items."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor

from facesearch.faces.vector_items import FaceKeeper, FacePlace, VectorItemStore, place_of
from facesearch.models import Event
from facesearch.records import Photo, PhotoChange, PhotoEraser, Tombstone


class PhotosWithItems:
    """`PhotoEraser` that takes the face items along. The record first: it is what counts, items only nominate it."""

    def __init__(
        self,
        photos: PhotoEraser,
        items: VectorItemStore,
        event_now: Callable[[int], Event | None],
    ) -> None:
        """Take the parts; `event_now` reads an event strongly consistent."""
        self._photos = photos
        self._event_now = event_now
        self._keeper = FaceKeeper(items, photos, event_now)
        # What changes nothing is the inner store's own.
        self.get: Callable[[int, int, uuid.UUID], Photo | None] = photos.get
        self.get_many: Callable[[int, int, Iterable[uuid.UUID]], dict[uuid.UUID, Photo]] = photos.get_many
        self.add = photos.add
        self.remove = photos.remove
        self.set_originals = photos.set_originals
        self.finish = photos.finish
        self.touch = photos.touch
        self.put_next = photos.put_next
        self.drop_next = photos.drop_next
        self.fold = photos.fold
        self.tombstones = photos.tombstones
        self.purge = photos.purge  # an event's items go at once, by `OutsideItems`
        self.count = photos.count
        self.tombstone: Callable[[int, int, uuid.UUID], Tombstone | None] = photos.tombstone

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[PhotoChange]:
        """See `PhotoStore.changes`."""
        return self._photos.changes(event_id, shard, since, faces=faces)

    def bury(self, event_id: int, shards: int, image_id: uuid.UUID) -> int | None:
        """See `PhotoEraser.bury`. Items that a crash has left of one that was buried before are `OutsideItems`'."""
        faces = self._photos.bury(event_id, shards, image_id)
        if faces is not None:
            self._keeper.settle(event_id, image_id, written=True)
        return faces

    def replace_faces(
        self, event_id: int, shards: int, change: PhotoChange, faces: bytes, model: str | None = None
    ) -> bool:
        """See `PhotoEraser.replace_faces`."""
        replaced = self._photos.replace_faces(event_id, shards, change, faces, model)
        event, photo = self._event_now(event_id), self._photos.get(event_id, shards, change.image_id)
        if replaced and event is not None and photo is not None:
            self._keeper.replace(event, photo)
        return replaced


class OutsideItems:
    """`OutsideEraser` of face items: copies of the faces in the records, and what a crash has left of others."""

    def __init__(self, items: VectorItemStore, event_now: Callable[[int], Event | None], pool: Executor) -> None:
        """Take the parts as `PhotosWithItems` does."""
        self._items = items
        self._event_now = event_now
        self._pool = pool

    def forget(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        """See `OutsideEraser.forget`."""
        return self._sum(event_id, self._items.forget, image_ids)

    def forget_event(self, event_id: int) -> int:
        """See `OutsideEraser.forget_event`."""
        event = self._event_now(event_id)
        return 0 if event is None else self._items.forget_all(place_of(event), self._pool)

    def count(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> int:
        """See `OutsideEraser.count`."""
        return self._sum(event_id, self._items.count, image_ids)

    def count_event(self, event_id: int) -> int:
        """See `OutsideEraser.count_event`."""
        event = self._event_now(event_id)
        return 0 if event is None else sum(self._items.counts(place_of(event), self._pool).values())

    def _sum(self, event_id: int, each: Callable[[FacePlace, uuid.UUID], int], image_ids: Iterable[uuid.UUID]) -> int:
        event = self._event_now(event_id)
        if event is None:
            return 0
        place = place_of(event)
        return sum(self._pool.map(lambda image_id: each(place, image_id), image_ids))
