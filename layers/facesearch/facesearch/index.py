"""The face index of a warm environment: an event's faces in one matrix, kept up with by reading only what is new."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from facesearch.engine import Embedding
from facesearch.models import Event, PhotoMatch
from facesearch.packing import unpack
from facesearch.photos import OVERLAP_MICROSECONDS, PhotoChange, PhotoStore

DIMENSIONS = 128

Scalar = TypeVar("Scalar", bound=np.generic)


class EventIndex:
    """The faces of one event that one model made.

    The matrix grows by doubling. A photo that changed again leaves its old faces behind as dead rows, which no match
    returns.
    """

    def __init__(self, model: str, shards: int) -> None:
        self._model = model
        self._shards = shards
        self._complete_until = 0
        self._vectors = np.empty((0, DIMENSIONS), np.float32)
        self._owner = np.empty(0, np.int32)
        self._faces = 0
        self._photos: list[PhotoMatch] = []
        self._alive = np.empty(0, bool)
        self._known: dict[uuid.UUID, tuple[int, int]] = {}

    @property
    def vectors(self) -> Embedding:
        """Embeddings, shape (faces, 128)."""
        return self._vectors[: self._faces]

    @property
    def bytes(self) -> int:
        """Memory that the matrix takes, spare rows included."""
        return self._vectors.nbytes + self._owner.nbytes

    def refresh(self, store: PhotoStore, event_id: int, pool: Executor) -> None:
        """Read what changed since the last time, every shard at once, strongly consistent."""
        started = time.time_ns() // 1000
        since = self._complete_until

        def read(shard: int) -> list[PhotoChange]:
            return [change for change in store.changes(event_id, shard, since) if self._is_news(change)]

        news = list(pool.map(read, range(self._shards)))
        self._apply([change for changes in news for change in changes])
        self._complete_until = started - OVERLAP_MICROSECONDS

    def best_by_photo(self, scores: NDArray[np.float32], floor: float) -> dict[int, tuple[float, int]]:
        """For each photo with a face at or above `floor`: its best score and that face's row, by photo number.

        Args:
            scores: shape (faces,), one for each row of `vectors`.
            floor: lowest score of interest.
        """
        rows = np.flatnonzero(scores >= floor)
        rows = rows[self._alive[self._owner[rows]]]
        rows = rows[np.argsort(scores[rows], kind="stable")]  # ascending, so that the best is written last
        return {int(self._owner[row]): (float(scores[row]), int(row)) for row in rows}

    def photo(self, number: int) -> PhotoMatch:
        """The photo of that number, as `best_by_photo` counts them."""
        return self._photos[number]

    def _is_news(self, change: PhotoChange) -> bool:
        known = self._known.get(change.image_id)
        return known is None or known[1] < change.changed_at

    def _apply(self, changes: list[PhotoChange]) -> None:
        blobs, counts = [], []
        for change in changes:
            if change.image_id in self._known:
                self._alive[self._known[change.image_id][0]] = False
            searchable = change.status == "indexed" and change.model == self._model
            number = len(self._photos)
            self._photos.append(PhotoMatch(change.image_id, change.width, change.height))
            self._known[change.image_id] = (number, change.changed_at)
            self._set_alive(number, searchable=searchable)
            vectors = unpack(change.faces) if searchable else np.empty((0, DIMENSIONS), np.float32)
            blobs.append(vectors)
            counts.append((number, len(vectors)))
        self._append(blobs, counts)

    def _set_alive(self, number: int, *, searchable: bool) -> None:
        if number >= len(self._alive):
            self._alive = _grown(self._alive, number + 1)
        self._alive[number] = searchable

    def _append(self, blobs: list[Embedding], counts: Iterable[tuple[int, int]]) -> None:
        added = sum(len(vectors) for vectors in blobs)
        if not added:
            return
        if self._faces + added > len(self._vectors):
            self._vectors = _grown(self._vectors, self._faces + added)
            self._owner = _grown(self._owner, self._faces + added)
        np.concatenate(blobs, out=self._vectors[self._faces : self._faces + added])
        numbers, lengths = zip(*counts, strict=True)
        self._owner[self._faces : self._faces + added] = np.repeat(numbers, lengths)
        self._faces += added


class IndexCache:
    """The indexes that this environment keeps, the least recently used dropped first when they outgrow the budget."""

    def __init__(self, store: PhotoStore, model: str, megabytes: int, pool: Executor) -> None:
        self._store = store
        self._model = model
        self._budget = megabytes * 2**20
        self._pool = pool
        self._indexes: OrderedDict[int, EventIndex] = OrderedDict()

    def current(self, event: Event) -> EventIndex:
        """The event's index with everything that was written before this call. An event larger than the budget is kept
        until another is asked for."""
        index = self._indexes.setdefault(event.event_id, EventIndex(self._model, event.shards))
        self._indexes.move_to_end(event.event_id)
        index.refresh(self._store, event.event_id, self._pool)
        while len(self._indexes) > 1 and sum(kept.bytes for kept in self._indexes.values()) > self._budget:
            self._indexes.popitem(last=False)
        return index


def _grown(array: NDArray[Scalar], needed: int) -> NDArray[Scalar]:
    larger = np.empty((max(needed, 2 * len(array), 64), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
