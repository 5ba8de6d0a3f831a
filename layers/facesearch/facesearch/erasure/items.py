"""Deletion on a stack with the distributed index: whatever happens to a photo's record happens to its face items."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor

from facesearch.faceitems import FaceItemStore, FaceKeeper, place_of
from facesearch.models import Event
from facesearch.photos import Photo, PhotoChange, PhotoEraser, Tombstone


class PhotosWithItems:
    """`PhotoEraser` that takes the face items along. The record first: it is what counts, items only nominate it."""

    def __init__(
        self,
        photos: PhotoEraser,
        items: FaceItemStore,
        event_now: Callable[[int], Event | None],
        pool: Executor,
    ) -> None:
        """Take the parts; `event_now` reads an event strongly consistent, `pool` runs leaf calls side by side."""
        self._photos = photos
        self._items = items
        self._event_now = event_now
        self._pool = pool
        self._keeper = FaceKeeper(items, photos, event_now)
        # What changes nothing is the inner store's own.
        self.get: Callable[[int, int, uuid.UUID], Photo | None] = photos.get
        self.get_many: Callable[[int, int, Iterable[uuid.UUID]], dict[uuid.UUID, Photo]] = photos.get_many
        self.add = photos.add
        self.remove = photos.remove
        self.note_etag = photos.note_etag
        self.finish = photos.finish
        self.touch = photos.touch
        self.put_next = photos.put_next
        self.drop_next = photos.drop_next
        self.fold = photos.fold
        self.tombstone: Callable[[int, int, uuid.UUID], Tombstone | None] = photos.tombstone

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[PhotoChange]:
        """See `PhotoStore.changes`."""
        return self._photos.changes(event_id, shard, since, faces=faces)

    def bury(self, event_id: int, shards: int, image_id: uuid.UUID) -> int | None:
        """See `PhotoEraser.bury`; also of a photo that was buried before, whose items a crash may have left."""
        faces = self._photos.bury(event_id, shards, image_id)
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

    def purge(self, event_id: int, shard: int) -> int:
        """See `PhotoEraser.purge`."""
        photos = self._photos.purge(event_id, shard)
        event = self._event_now(event_id)
        if event is not None:
            self._items.forget_all(place_of(event), self._pool)
        return photos

    def count(self, event_id: int, shard: int) -> int:
        """See `PhotoEraser.count`; the items count with the first shard."""
        event = self._event_now(event_id)
        left = 0
        if event is not None and shard == 0:
            left = sum(self._items.counts(place_of(event), self._pool).values())
        return self._photos.count(event_id, shard) + left
