"""An event's whole gallery in order, so that any page of it is a slice.

A page far down a sorted list in DynamoDB costs reading all that lies before it. The gallery is small instead, 32 bytes
a photo: a warm environment keeps it and reads only what changed, one query a shard, all at once (half a read unit each
where nothing did). Only an environment that never saw the event reads all of it: see `docs/adr`.
"""

import struct
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Executor
from datetime import UTC, datetime

from facesearch.models import Event, PhotoMatch
from facesearch.pagination import Page
from facesearch.photos import OVERLAP_MICROSECONDS, TOMBSTONE_SECONDS, PhotoChange, PhotoStore

PHOTOS_KEPT = 1_000_000
"""Of all events together. A photo takes about 200 bytes of memory, most of it Python's."""

_RECORD = struct.Struct(">Q16sII")  # big-endian: the order of the bytes is the order of the gallery
_ID = slice(8, 24)
_NO_TIME = 2**64 - 1


class Gallery:
    """The photos of one event: by capture time, then image_id, and last those without a capture time."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._complete_until = 0
        self._changed_at: dict[bytes, int] = {}
        self._records: list[bytes] = []

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_stale(self) -> bool:
        """Whether deletions may have been forgotten since it was last brought up to date."""
        return self._complete_until < time.time_ns() // 1000 - TOMBSTONE_SECONDS * 500_000

    def refresh(self, store: PhotoStore, event_id: int, pool: Executor) -> None:
        """Read what changed since the last time, every shard at once, strongly consistent."""
        started = time.time_ns() // 1000
        since = self._complete_until

        def read(shard: int) -> list[PhotoChange]:
            return list(store.changes(event_id, shard, since, faces=False))

        self._apply(change for changes in pool.map(read, range(self._shards)) for change in changes)
        self._complete_until = started - OVERLAP_MICROSECONDS

    def cut(self, page: Page) -> list[PhotoMatch]:
        """The photos of a page."""
        records = map(_RECORD.unpack, self._records[page.start : page.stop])
        return [PhotoMatch(uuid.UUID(bytes=raw), width, height) for _, raw, width, height in records]

    def _apply(self, changes: Iterable[PhotoChange]) -> None:
        gone: set[bytes] = set()
        fresh: dict[bytes, bytes] = {}
        for change in changes:
            image_id = change.image_id.bytes
            known = self._changed_at.get(image_id)
            if known is not None and known >= change.changed_at:
                continue
            self._changed_at[image_id] = change.changed_at
            if known is not None:
                gone.add(image_id)
                fresh.pop(image_id, None)
            if change.status == "indexed":
                fresh[image_id] = _RECORD.pack(_seconds(change.taken_at), image_id, change.width, change.height)
        if gone:
            self._records = [record for record in self._records if record[_ID] not in gone]
        if fresh:
            self._records += fresh.values()
            self._records.sort()  # two runs: linear


class Galleries:
    """The galleries that this environment keeps, the least recently used dropped first."""

    def __init__(self, store: PhotoStore, pool: Executor) -> None:
        self._store = store
        self._pool = pool
        self._kept: OrderedDict[int, Gallery] = OrderedDict()

    def current(self, event: Event) -> Gallery:
        """The event's gallery with everything that was written before this call."""
        gallery = self._kept.pop(event.event_id, None)
        if gallery is None or gallery.is_stale:
            gallery = Gallery(event.shards)
        gallery.refresh(self._store, event.event_id, self._pool)  # one that fails half-way is not kept
        self._kept[event.event_id] = gallery
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > PHOTOS_KEPT:
            self._kept.popitem(last=False)
        return gallery


def _seconds(taken_at: datetime | None) -> int:
    """Since 1970 by the camera's own clock, whose zone nobody knows."""
    if taken_at is None:
        return _NO_TIME
    return max(0, int(taken_at.replace(tzinfo=UTC).timestamp()))
