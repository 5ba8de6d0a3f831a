"""An event's whole gallery in order, so that any page of it is a slice.

A page far down a sorted list in DynamoDB costs reading all that lies before it. The gallery is small instead, 32 bytes
a photo: a warm environment keeps it and reads only what changed, one query a shard, all at once (one read unit each
where nothing did). Only an environment that never saw the event reads all of it, over several calls if it must: see
`docs/adr`.
"""

import struct
import time
import uuid
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime

from facesearch.errors import GalleryLoading
from facesearch.models import Event, Page, PhotoMatch
from facesearch.records import OVERLAP_MICROSECONDS, TOMBSTONE_SECONDS, Photo, PhotoStore, is_unchanged

PHOTOS_KEPT = 1_000_000
"""Of all events together. A photo takes about 200 bytes of memory, most of it Python's."""

SPARE_SECONDS = 5.0
"""Kept of the invocation's time for the queries under way and for sorting, 0.3 s of CPU for 250,000 more."""
RETRY_AFTER_SECONDS = 1
"""Soon: the environment that has read the most is the one that is asked next, as long as few ask."""

_RECORD = struct.Struct(">Q16sII")  # big-endian: the order of the bytes is the order of the gallery
_TIME, _ID = slice(8), slice(8, 24)
_NO_TIME = 2**64 - 1


@dataclass
class _Shard:
    """What this environment knows of one shard. One thread reads it; what it read is kept wherever it stops."""

    fresh: dict[bytes, bytes] = field(default_factory=dict)
    gone: set[bytes] = field(default_factory=set)
    _since: int = 0
    _changed_at: dict[bytes, int] = field(default_factory=dict)

    def read(self, changes: Callable[[int], Iterable[Photo]], is_over: Callable[[], bool]) -> bool:
        """Go on where the last reading stopped, until there is no more or it `is_over`; says whether all was read."""
        complete_until = _microseconds() - OVERLAP_MICROSECONDS
        for change in changes(self._since):
            self._apply(change)
            self._since = min(change.changed_at, complete_until)  # before it, something may still become visible
            if is_over():
                return False
        self._since = complete_until
        return True

    def _apply(self, change: Photo) -> None:
        image_id = change.image_id.bytes
        known = self._changed_at.get(image_id)
        if known is not None and known >= change.changed_at:
            return
        self._changed_at[image_id] = change.changed_at
        if known is not None:
            self.gone.add(image_id)
            self.fresh.pop(image_id, None)
        if change.status == "indexed":
            self.fresh[image_id] = entry_of(change)


class Gallery:
    """The photos of one event: by capture time, then image_id, and last those without a capture time."""

    def __init__(self, shards: int) -> None:
        self._shards = [_Shard() for _ in range(shards)]
        self._as_of = _microseconds() - OVERLAP_MICROSECONDS
        self.looked_at = 0
        """When the last look began that saw all of it, in microseconds since the epoch; 0 = none has."""
        self.erasures = -1
        """The event's before that look."""
        self._records: list[bytes] = []

    def __len__(self) -> int:
        return len(self._records)

    @property
    def is_stale(self) -> bool:
        """Whether deletions may have been forgotten since it was whole, or since it was begun if it never was."""
        return self._as_of < _microseconds() - TOMBSTONE_SECONDS * 500_000

    def refresh(self, store: PhotoStore, event_id: int, pool: Executor, is_over: Callable[[], bool]) -> bool:
        """Read what changed since the last time, every shard at once, strongly consistent.

        Says whether that was all; if it `is_over` before, or fails, the next one goes on from there.
        """
        started = _microseconds()

        def read(number: int, shard: _Shard) -> bool:
            return shard.read(lambda since: store.changes(event_id, number, since, faces=False), is_over)

        readings = [pool.submit(read, number, shard) for number, shard in enumerate(self._shards)]
        wait(readings)  # for those that outlast one that failed, too: the next call reads the same shards
        self._merge()
        is_whole = False not in [reading.result() for reading in readings]  # of all: what failed is raised
        if is_whole:
            self._as_of, self.looked_at = started - OVERLAP_MICROSECONDS, started
        return is_whole

    def cut(self, page: Page) -> list[PhotoMatch]:
        """The photos of a page."""
        return self.select(range(page.start, min(page.stop, len(self))))

    def select(self, numbers: Iterable[int]) -> list[PhotoMatch]:
        """The photos of those places in the order, from 0."""
        return [match_of(self._records[number]) for number in numbers]

    def taken(self, number: int) -> int:
        """When that photo was taken: seconds since 1970 by the camera's own clock."""
        return int.from_bytes(self._records[number][_TIME])

    def image_id(self, number: int) -> bytes:
        return self._records[number][_ID]

    def taken_before(self, seconds: int) -> int:
        """How many photos were taken before that second by the camera's own clock; they are the first in the order."""
        return bisect_left(self._records, max(0, seconds).to_bytes(8))

    def _merge(self) -> None:
        """Bring what the shards have read into order."""
        gone = set[bytes]().union(*(shard.gone for shard in self._shards))
        if gone:
            self._records = [record for record in self._records if record[_ID] not in gone]
        known = len(self._records)
        for shard in self._shards:
            self._records += shard.fresh.values()
            shard.fresh, shard.gone = {}, set()
        if len(self._records) > known:
            self._records.sort()  # two runs: linear


@dataclass(frozen=True, kw_only=True)
class Galleries:
    """The galleries that this environment keeps, the least recently used dropped first."""

    photos: PhotoStore
    pool: Executor
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[int, Gallery] = field(default_factory=OrderedDict, repr=False)

    def current(self, event: Event, seconds: float) -> Gallery:
        """The event's gallery with everything that was written before the event was read. Where nothing was written
        since the last time, nothing is read.

        `seconds` are left of the invocation.

        Raises:
            GalleryLoading: it takes longer; what was read is kept, and the next call goes on.
        """
        deadline = self.clock() + seconds - SPARE_SECONDS
        gallery = self._kept.pop(event.event_id, None)
        if gallery is None or gallery.is_stale:
            gallery = Gallery(event.shards)
        self._kept[event.event_id] = gallery
        try:
            is_whole = gallery.erasures == event.erasures and is_unchanged(event, gallery.looked_at)
            if not is_whole:
                is_whole = gallery.refresh(self.photos, event.event_id, self.pool, lambda: self.clock() >= deadline)
                gallery.erasures = event.erasures if is_whole else -1
        finally:
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > PHOTOS_KEPT:
                self._kept.popitem(last=False)
        if not is_whole:
            raise GalleryLoading("The gallery of this event is still being read. Try again.", RETRY_AFTER_SECONDS)
        return gallery


def entry_of(photo: Photo) -> bytes:
    """A photo's 32 bytes, by whose order photos are in order."""
    return _RECORD.pack(_seconds(photo.taken_at), photo.image_id.bytes, photo.width, photo.height)


def match_of(entry: bytes) -> PhotoMatch:
    """The photo whose entry it is."""
    _, raw, width, height = _RECORD.unpack(entry)
    return PhotoMatch(uuid.UUID(bytes=raw), width, height)


def _microseconds() -> int:
    return time.time_ns() // 1000


def _seconds(taken_at: datetime | None) -> int:
    """Since 1970 by the camera's own clock, whose zone nobody knows."""
    return _NO_TIME if taken_at is None else max(0, int(taken_at.replace(tzinfo=UTC).timestamp()))
