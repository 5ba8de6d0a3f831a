"""One event's faces in memory: what its snapshot holds, what came after, which of it counts, and who keeps it warm."""

import heapq
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.faces.engine import is_default
from facesearch.faces.index.cohort import LOOKED_AT, NOBODY, Cohort, draw
from facesearch.faces.index.port import FaceIndex, Hits
from facesearch.faces.index.snapshot import Snapshot, SnapshotError, SnapshotStore
from facesearch.faces.index.vectors import DIMENSIONS, Block, Probe, Values, inverse_norms, scan, take
from facesearch.faces.packing import values_of
from facesearch.models import Event, PhotoMatch
from facesearch.observability import count, logger
from facesearch.records import OVERLAP_MICROSECONDS, Photo, PhotoStore, is_unchanged

Scalar = TypeVar("Scalar", bound=np.generic)

CHANGE_BYTES = 200
"""About what a row of the change feed takes besides its faces."""
STALE_AFTER = 24 * 3600
"""Seconds after its last look at the table from which an index is opened again instead of brought up to date: a deleted
photo's tombstone lives two weeks (`photos.TOMBSTONE_SECONDS`), and a reader must not have been away for longer."""


class EventIndex(FaceIndex):
    """The faces of one event that one model made.

    Photos are numbered: the snapshot's first, then the later ones in the order in which they were read. A photo that
    changed again leaves its old number behind, which no search returns any more.
    """

    def __init__(self, event_id: int, model: str, base: Snapshot | None = None) -> None:
        self.event_id = event_id
        self.model = model
        self._base = base or Snapshot.empty(event_id, model)
        self._base_owners = np.repeat(np.arange(len(self._base.ids), dtype=np.int32), self._base.counts)
        # Ids are UUIDs of hashes: the first half alone tells all but one pair in 10^7 events of a million photos apart.
        self._base_keys = self._base.ids[:, :8].copy().view(">u8").astype(np.uint64).ravel()
        self._alive = _Growing(np.ones(len(self._base.ids), bool))
        self._tail_photos: list[Photo] = []
        self._tail_numbers: dict[bytes, int] = {}
        self._tail_owners = _Growing(np.empty(0, np.int32))
        self._tail_values = _Growing(np.empty((0, DIMENSIONS), np.int8))
        self._tail_norms = _Growing(np.empty(0, np.float32))
        # What levelling knows was measured on today's engine; faces of others score as they did.
        self._cohort = None if is_default(model) else NOBODY
        self._drawn_to = b""
        self.complete_until = self._base.watermark
        self.erasures = -1
        """The event's, when it was brought up to date last; -1 = it never was."""
        self.tail_bytes = 0

    @property
    def faces(self) -> int:
        """Vectors in memory, those that no longer count included."""
        return sum(map(len, self._blocks))

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        tail = (self._tail_owners.room, self._tail_values.room, self._tail_norms.room)
        return self._base.nbytes + sum(array.nbytes for array in (self._base_owners, self._base_keys, *tail))

    @property
    def _blocks(self) -> list[Block]:
        return [self._base.faces, Block(self._tail_values.rows, self._tail_norms.rows)]

    def refresh(self, store: PhotoStore, event: Event, pool: Executor) -> None:
        """Read what changed since the last time, every shard at once, strongly consistent."""
        started = time.time_ns() // 1000
        since = max(0, self.complete_until - OVERLAP_MICROSECONDS)

        def read(shard: int) -> list[Photo]:
            # One that is stamped anew while its shard is read may come again on a later page: the later one counts.
            changes = store.changes(event.event_id, shard, since)
            return list({change.image_id: change for change in changes if self._is_news(change)}.values())

        self.apply(change for news in list(pool.map(read, range(event.shards))) for change in news)
        self.complete_until = started

    def apply(self, changes: Iterable[Photo]) -> None:
        """Take in changes that are news, each photo's at most once."""
        first, alive, blobs = len(self._alive.rows), list[bool](), list[Values]()
        for number, change in enumerate(changes, first):
            image_id, faces = change.image_id.bytes, change.faces_by(self.model)
            if image_id <= self._drawn_to:
                self._cohort = None
            known = self._number(image_id)
            if known is not None:
                self._alive.rows[known] = False
            self._tail_photos.append(change)
            self._tail_numbers[image_id] = number
            alive.append(faces is not None)
            blobs.append(values_of(faces or b""))
            self.tail_bytes += CHANGE_BYTES + len(faces or b"")
        if blobs:
            values = np.concatenate(blobs)
            self._alive.append(np.array(alive))
            self._tail_owners.append(np.repeat(np.arange(first, number + 1, dtype=np.int32), list(map(len, blobs))))
            self._tail_values.append(values)
            self._tail_norms.append(inverse_norms(values))

    @override
    def search(self, probe: Probe, minimum: float, pool: Executor) -> Hits:
        blocks = self._blocks
        rows = scan(blocks, probe, minimum, pool)
        older, newer = rows[rows < len(blocks[0])], rows[rows >= len(blocks[0])]
        photos = np.concatenate([self._base_owners[older], self._tail_owners.rows[newer - len(blocks[0])]])
        alive = self._alive.rows[photos]
        return Hits.of(photos[alive], take(blocks, rows[alive]), probe, minimum)

    @property
    @override
    def cohort(self) -> Cohort:
        """It takes some 0.1 s of CPU when a photo that it is drawn from comes or goes, mostly none."""
        if self._cohort is None:
            faces, photos = self.first_faces(LOOKED_AT)
            self._cohort, looked_at = draw(faces)
            # Of fewer faces than could be drawn from, any further photo's are drawn from, too.
            everything = looked_at == len(faces) < LOOKED_AT
            self._drawn_to = b"\xff" * 16 if everything else self._id(int(photos[looked_at - 1]))
        return self._cohort

    def first_faces(self, most: int) -> tuple[Values, NDArray[np.int32]]:
        """The first so many faces of photos that count, by image_id, which is a hash: a fixed random sample. And the
        photo of each, one photo's side by side."""
        tail = self._tail_owners.rows  # rising; np.unique would import numpy.ma, 14 ms of a first search
        older, newer = (self._base.counts > 0).nonzero()[0], tail[np.diff(tail, prepend=-1) > 0]
        older, newer = (numbers[self._alive.rows[numbers]] for numbers in (older, newer))
        first = heapq.nsmallest(most, [*older[:most].tolist(), *newer.tolist()], key=self._id)
        numbers, owners = np.array(first, np.int64), self._owners
        begins, ends = (np.searchsorted(owners, numbers, side) for side in ("left", "right"))
        until = np.cumsum(ends - begins)
        found = (np.arange(until[-1] if len(until) else 0) + np.repeat(ends - until, ends - begins))[:most]
        return take(self._blocks, found), owners[found]

    @override
    def photo(self, number: int) -> PhotoMatch:
        if number < len(self._base.ids):
            width, height = self._base.sizes[number]
            return PhotoMatch(uuid.UUID(bytes=self._base.ids[number].tobytes()), int(width), int(height))
        change = self._tail_photos[number - len(self._base.ids)]
        return PhotoMatch(change.image_id, change.width, change.height)

    def to_snapshot(self) -> Snapshot:
        """Everything that counts, as of the last refresh."""
        numbers = np.flatnonzero(self._alive.rows)
        tail = self._tail_photos
        ids = np.frombuffer(b"".join(photo.image_id.bytes for photo in tail), np.uint8).reshape(-1, 16)
        ids = np.concatenate([self._base.ids, ids])[numbers]
        order = np.lexsort(ids.T[::-1])
        numbers, ids = numbers[order], ids[order]
        sizes = np.array([(photo.width, photo.height) for photo in tail], np.uint32).reshape(-1, 2)
        changed = np.array([photo.changed_at for photo in tail], np.int64)
        place = np.full(len(self._alive.rows), -1, np.int64)
        place[numbers] = np.arange(len(numbers))
        places = place[self._owners]
        rows = np.argsort(places, kind="stable")[np.count_nonzero(places < 0) :]
        return Snapshot(
            event_id=self.event_id,
            model=self.model,
            watermark=self.complete_until,
            ids=ids,
            changed_at=np.concatenate([self._base.changed_at, changed])[numbers],
            sizes=np.concatenate([self._base.sizes, sizes])[numbers],
            counts=np.bincount(places[rows], minlength=len(numbers)).astype(np.uint16),
            inverse_norms=np.concatenate([self._base.inverse_norms, self._tail_norms.rows])[rows],
            values=np.concatenate([self._base.values, self._tail_values.rows])[rows],
        )

    @property
    def _owners(self) -> NDArray[np.int32]:
        """The photo of each face."""
        return np.concatenate([self._base_owners, self._tail_owners.rows])

    def _id(self, number: int) -> bytes:
        older = len(self._base.ids)
        return self._base.ids[number].tobytes() if number < older else self._tail_photos[number - older].image_id.bytes

    def _is_news(self, change: Photo) -> bool:
        number, older = self._number(change.image_id.bytes), len(self._base.ids)
        if number is None:
            return True
        known = self._base.changed_at[number] if number < older else self._tail_photos[number - older].changed_at
        return bool(known < change.changed_at)

    def _number(self, image_id: bytes) -> int | None:
        number = self._tail_numbers.get(image_id)
        if number is not None:
            return number
        key = np.uint64(int.from_bytes(image_id[:8], "big"))
        place = int(np.searchsorted(self._base_keys, key))
        while place < len(self._base_keys) and self._base_keys[place] == key:
            if self._base.ids[place].tobytes() == image_id:
                return place
            place += 1
        return None


class _Growing(Generic[Scalar]):
    """An array whose first axis grows by doubling."""

    def __init__(self, rows: NDArray[Scalar]) -> None:
        self.room = self.rows = rows

    def append(self, more: NDArray[Scalar]) -> None:
        before, end = len(self.rows), len(self.rows) + len(more)
        if not before:
            self.room = more
        elif end > len(self.room):
            self.room = np.empty((max(end, 2 * before), *more.shape[1:]), more.dtype)
            self.room[:before] = self.rows
        if before:
            self.room[before:end] = more
        self.rows = self.room[:end]


def open_index(event: Event, snapshots: SnapshotStore, pool: Executor) -> EventIndex:
    """The index of the event's model as of its snapshot; without a usable one empty, so that a refresh fills it from
    the table."""
    for _ in range(2):  # a snapshot that was replaced while it was read is gone: the next one is there
        info = snapshots.current(event.event_id, event.model)
        if info is None:
            break
        try:
            return EventIndex(event.event_id, event.model, snapshots.load(info, pool))
        except SnapshotError as error:
            count("SnapshotRejected")
            logger.warning("snapshot rejected", reason=str(error), event_id=event.event_id)
    return EventIndex(event.event_id, event.model)


@dataclass(frozen=True)
class IndexCache:
    """Indexes by event, of its model alone; the least recently used goes first when they outgrow the budget."""

    photos: PhotoStore
    snapshots: SnapshotStore
    megabytes: int
    pool: Executor
    clock: Callable[[], float] = time.time
    _indexes: OrderedDict[int, EventIndex] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def current(self, event: Event) -> EventIndex:
        """The event's index with everything that was written before the event was read; one larger than the budget is
        kept until another is asked for. Where nothing was written since the last time, nothing is read.

        One call at a time: a search that was refused leaves its own running.
        """
        with self._lock:
            index = self._indexes.pop(event.event_id, None)
            if index is None or index.model != event.model or self._is_stale(index, event):
                self._make_room(keeping=0)
                index = open_index(event, self.snapshots, self.pool)
            if not self._is_up_to_date(index, event):
                index.refresh(self.photos, event, self.pool)  # one that fails half-way is not kept
                index.erasures = event.erasures
            _ = index.cohort  # drawn here, where the selfie is embedded meanwhile
            self._indexes[event.event_id] = index
            self._make_room(keeping=1)
            return index

    def _is_stale(self, index: EventIndex, event: Event) -> bool:
        too_old = (self.clock() - STALE_AFTER) * 1_000_000
        return index.complete_until < too_old and not self._is_up_to_date(index, event)

    @staticmethod
    def _is_up_to_date(index: EventIndex, event: Event) -> bool:
        """A deletion counts itself as well, so that one by a command line of before `changing_until` is seen."""
        return index.erasures == event.erasures and is_unchanged(event, index.complete_until)

    def _make_room(self, keeping: int) -> None:
        budget = self.megabytes * 2**20
        while len(self._indexes) > keeping and sum(kept.nbytes for kept in self._indexes.values()) > budget:
            self._indexes.popitem(last=False)
