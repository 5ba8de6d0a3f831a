"""One event's faces: what its snapshot holds, what came after, and which of it still counts."""

import heapq
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.engine import is_default
from facesearch.faces.index.cohort import LOOKED_AT, NOBODY, Cohort, draw
from facesearch.faces.index.snapshot import Snapshot
from facesearch.faces.index.vectors import DIMENSIONS, Block, Probe, Values, cosines, inverse_norms, scan, take
from facesearch.faces.packing import values_of
from facesearch.models import Event, PhotoMatch
from facesearch.records import OVERLAP_MICROSECONDS, Photo, PhotoStore

Scalar = TypeVar("Scalar", bound=np.generic)

CHANGE_BYTES = 200
"""About what a row of the change feed takes besides its faces."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Faces of photos that count, whose cosine to a probe reached a minimum.

    Attributes:
        photos: shape (n,), the photo of each, as `EventIndex.photo` takes it.
        cosines: shape (n,), float64, exact for the stored vectors.
        values: shape (n, 128), int8, the stored vectors.
    """

    photos: NDArray[np.int32]
    cosines: NDArray[np.float64]
    values: Values


class EventIndex:
    """The faces of one event that one model made.

    Photos are numbered: the snapshot's first, then the later ones in the order in which they were read. A photo that
    changed again leaves its old number behind, which no search returns any more.
    """

    def __init__(self, event_id: int, model: str, base: Snapshot | None = None) -> None:
        self.event_id = event_id
        self.model = model
        self._base = base or _nothing(event_id, model)
        self._base_owners = np.repeat(np.arange(len(self._base.ids), dtype=np.int32), self._base.counts)
        # Ids are UUIDs of hashes: the first half alone tells all but one pair in 10^7 events of a million photos apart.
        self._base_keys = self._base.ids[:, :8].copy().view(">u8").astype(np.uint64).ravel()
        self._alive = np.ones(len(self._base.ids), bool)
        self._tail = _Tail()
        self._tail_photos: list[Photo] = []
        self._tail_numbers: dict[bytes, int] = {}
        # What levelling knows was measured on today's engine; faces of others score as they did.
        self._cohort = None if is_default(model) else NOBODY
        self._drawn_to = b""
        self.complete_until = self._base.watermark
        self.tail_bytes = 0

    @property
    def faces(self) -> int:
        """Vectors in memory, those that no longer count included."""
        return len(self._base.faces) + len(self._tail)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self._base.nbytes + self._base_owners.nbytes + self._base_keys.nbytes + self._tail.nbytes

    def refresh(self, store: PhotoStore, event: Event, pool: Executor) -> None:
        """Read what changed since the last time, every shard at once, strongly consistent."""
        started = time.time_ns() // 1000
        since = max(0, self.complete_until - OVERLAP_MICROSECONDS)

        def read(shard: int) -> list[Photo]:
            changes = store.changes(event.event_id, shard, since)
            return [change for change in changes if self._is_news(change)]

        self.apply(change for news in list(pool.map(read, range(event.shards))) for change in news)
        self.complete_until = started

    def apply(self, changes: Iterable[Photo]) -> None:
        """Take in changes that are news, each photo's at most once."""
        blobs: list[Values] = []
        numbers: list[int] = []
        for change in changes:
            if change.image_id.bytes <= self._drawn_to:
                self._cohort = None
            known = self._number(change.image_id.bytes)
            if known is not None:
                self._alive[known] = False
            number = len(self._base.ids) + len(self._tail_photos)
            faces = change.faces_by(self.model)
            self._tail_photos.append(change)
            self._tail_numbers[change.image_id.bytes] = number
            self._set_alive(number, searchable=faces is not None)
            self.tail_bytes += CHANGE_BYTES + len(faces or b"")
            if faces:
                blobs.append(values_of(faces))
                numbers.append(number)
        self._tail.append(blobs, numbers)

    def search(self, probe: Probe, minimum: float, pool: Executor) -> Hits:
        """Every face of a photo that counts with a cosine of at least `minimum` to the probe."""
        blocks = [self._base.faces, self._tail.block]
        rows = scan(blocks, probe, minimum, pool)
        older, newer = rows[rows < len(blocks[0])], rows[rows >= len(blocks[0])]
        photos = np.concatenate([self._base_owners[older], self._tail.owners[newer - len(blocks[0])]])
        alive = self._alive[photos]
        rows, photos = rows[alive], photos[alive]
        values = take(blocks, rows)
        exact = cosines(values, probe)
        enough = exact >= minimum
        return Hits(photos[enough], exact[enough], values[enough])

    @property
    def cohort(self) -> Cohort:
        """See `FaceIndex.cohort`; some 0.1 s of CPU when a photo that it is drawn from comes or goes, mostly none."""
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
        older = len(self._base.ids)
        photos = np.flatnonzero(self._alive[:older] & (self._base.counts > 0))[:most].tolist()
        newer = (
            older + place
            for place, each in enumerate(self._tail_photos)
            if self._alive[older + place] and each.faces_by(self.model)
        )
        photos += heapq.nsmallest(most, newer, key=self._id)
        numbers = np.array(sorted(photos, key=self._id), np.int64)
        owners = np.concatenate([self._base_owners, self._tail.owners])
        begins, ends = (np.searchsorted(owners, numbers, side) for side in ("left", "right"))
        until = np.cumsum(ends - begins)
        found = (np.arange(until[-1] if len(until) else 0) + np.repeat(ends - until, ends - begins))[:most]
        return take([self._base.faces, self._tail.block], found), owners[found]

    def photo(self, number: int) -> PhotoMatch:
        """The photo of that number."""
        if number < len(self._base.ids):
            width, height = self._base.sizes[number]
            return PhotoMatch(uuid.UUID(bytes=self._base.ids[number].tobytes()), int(width), int(height))
        change = self._tail_photos[number - len(self._base.ids)]
        return PhotoMatch(change.image_id, change.width, change.height)

    def to_snapshot(self) -> Snapshot:
        """Everything that counts, as of the last refresh."""
        numbers = np.flatnonzero(self._alive)
        ids = np.concatenate([self._base.ids, self._tail_ids()])[numbers]
        order = np.lexsort(ids.T[::-1])
        numbers, ids = numbers[order], ids[order]
        sizes = np.array([(change.width, change.height) for change in self._tail_photos], np.uint32).reshape(-1, 2)
        changed = np.array([change.changed_at for change in self._tail_photos], np.int64)
        owners = np.concatenate([self._base_owners, self._tail.owners])
        place = np.full(len(self._alive), -1, np.int64)
        place[numbers] = np.arange(len(numbers))
        places = place[owners]
        rows = np.argsort(places, kind="stable")[np.count_nonzero(places < 0) :]
        block = self._tail.block
        return Snapshot(
            event_id=self.event_id,
            model=self.model,
            watermark=self.complete_until,
            ids=ids,
            changed_at=np.concatenate([self._base.changed_at, changed])[numbers],
            sizes=np.concatenate([self._base.sizes, sizes])[numbers],
            counts=np.bincount(places[rows], minlength=len(numbers)).astype(np.uint16),
            faces=Block(
                np.concatenate([self._base.faces.values, block.values])[rows],
                np.concatenate([self._base.faces.inverse_norms, block.inverse_norms])[rows],
            ),
        )

    def _id(self, number: int) -> bytes:
        older = len(self._base.ids)
        return self._base.ids[number].tobytes() if number < older else self._tail_photos[number - older].image_id.bytes

    def _tail_ids(self) -> NDArray[np.uint8]:
        joined = b"".join(change.image_id.bytes for change in self._tail_photos)
        return np.frombuffer(joined, np.uint8).reshape(-1, 16)

    def _is_news(self, change: Photo) -> bool:
        number = self._number(change.image_id.bytes)
        if number is None:
            return True
        if number < len(self._base.ids):
            return bool(self._base.changed_at[number] < change.changed_at)
        return self._tail_photos[number - len(self._base.ids)].changed_at < change.changed_at

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

    def _set_alive(self, number: int, *, searchable: bool) -> None:
        if number >= len(self._alive):
            self._alive = _grown(self._alive, number + 1)
        self._alive[number] = searchable


class _Tail:
    """Vectors that came after the snapshot, in arrays that grow by doubling."""

    def __init__(self) -> None:
        self._values = np.empty((0, DIMENSIONS), np.int8)
        self._inverse_norms = np.empty(0, np.float32)
        self._owners = np.empty(0, np.int32)
        self._faces = 0

    def __len__(self) -> int:
        return self._faces

    @property
    def nbytes(self) -> int:
        return self._values.nbytes + self._inverse_norms.nbytes + self._owners.nbytes

    @property
    def block(self) -> Block:
        return Block(self._values[: self._faces], self._inverse_norms[: self._faces])

    @property
    def owners(self) -> NDArray[np.int32]:
        return self._owners[: self._faces]

    def append(self, blobs: list[Values], numbers: list[int]) -> None:
        added = sum(len(values) for values in blobs)
        if not added:
            return
        end = self._faces + added
        if end > len(self._values):
            self._values = _grown(self._values, end)
            self._inverse_norms = _grown(self._inverse_norms, end)
            self._owners = _grown(self._owners, end)
        here = slice(self._faces, end)
        np.concatenate(blobs, out=self._values[here])
        self._inverse_norms[here] = inverse_norms(self._values[here])
        self._owners[here] = np.repeat(numbers, [len(values) for values in blobs])
        self._faces = end


def _nothing(event_id: int, model: str) -> Snapshot:
    return Snapshot(
        event_id=event_id,
        model=model,
        watermark=0,
        ids=np.empty((0, 16), np.uint8),
        changed_at=np.empty(0, np.int64),
        sizes=np.empty((0, 2), np.uint32),
        counts=np.empty(0, np.uint16),
        faces=Block(np.empty((0, DIMENSIONS), np.int8), np.empty(0, np.float32)),
    )


def _grown(array: NDArray[Scalar], needed: int) -> NDArray[Scalar]:
    larger = np.zeros((max(needed, 2 * len(array), 64), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
