"""The indexes that a warm environment keeps, and how one is opened."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from facesearch.faces.index.event import EventIndex
from facesearch.faces.index.snapshot import SnapshotError, SnapshotStore
from facesearch.models import Event
from facesearch.observability import count, logger
from facesearch.records import PhotoStore

STALE_AFTER = 24 * 3600
"""Seconds after its last look at the table from which an index is opened again instead of brought up to date: a deleted
photo's tombstone lives two weeks (`photos.TOMBSTONE_SECONDS`), and a reader must not have been away for longer."""


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
        """The event's index with everything that was written before this call. An event larger than the budget is kept
        until another is asked for.

        One call at a time: a search that was refused leaves its own running, and the next must not load the same again.
        """
        with self._lock:
            index = self._indexes.pop(event.event_id, None)
            too_old = (self.clock() - STALE_AFTER) * 1_000_000
            if index is None or index.model != event.model or index.complete_until < too_old:
                self._make_room(keeping=0)
                index = open_index(event, self.snapshots, self.pool)
            index.refresh(self.photos, event, self.pool)  # one that fails half-way is not kept
            _ = index.cohort  # drawn here, where the selfie is embedded meanwhile
            self._indexes[event.event_id] = index
            self._make_room(keeping=1)
            return index

    def _make_room(self, keeping: int) -> None:
        budget = self.megabytes * 2**20
        while len(self._indexes) > keeping and sum(kept.nbytes for kept in self._indexes.values()) > budget:
            self._indexes.popitem(last=False)
