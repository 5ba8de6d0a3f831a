"""Moving an event from one kind of index to the other, without a search that is answered from half of one.

The event says which index answers (`index_kind`) and which is being built (`next_index_kind`). From the moment that it
says so, indexing keeps both; what was there before is copied from the photos' records, again and again until nothing is
new; then one conditional write switches, and only then is the old index deleted. Whatever is interrupted is finished by
running it again.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

from facesearch.errors import InvalidRequest, NotFound, Throttled
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.index.vectors import cosines, probe_of
from facesearch.faces.packing import unpack, values_of
from facesearch.faces.vector_items import (
    FacePlace,
    VectorItemStore,
    count_of,
    faces_of,
    keeps_items,
    place_of,
    searches_items,
)
from facesearch.models import FACE_SHARDS, Event, IndexKind
from facesearch.records import OVERLAP_MICROSECONDS, PhotoChange, PhotoStore

PHOTOS_AT_ONCE = 100
PASSES = 10
"""Passes over what is new before the switch at the latest. Each new photo is written by indexing too: a pass that finds
some has nothing to add to them, it only looks."""
CATCH_UP_SECONDS = 120.0
"""How long the service's index may be behind the last write before the migration is given up, to be run again."""
THROTTLED_ATTEMPTS, THROTTLED_SECONDS = 60, 1.0
"""A new table takes 4,000 writes a second and learns to take more within minutes."""


class EventIndexes(Protocol):
    """What a migration asks of the events' configuration; see `admin.EventAdmin`."""

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""

    def change_index(self, before: Event, after: Event) -> bool:
        """Change what says which index answers, unless somebody else has meanwhile."""


class LaggingError(Exception):
    """The service's own index has not caught up with what was written; the old index still answers. Run it again."""


@dataclass(frozen=True)
class Migration:
    """What a migration came to.

    Attributes:
        event: as it is now.
        faces: written into the new index; 0 if the event had it already, or all of them were there.
        deleted: items or files of the old index.
    """

    event: Event
    faces: int
    deleted: int


Progress = Callable[[int], None]
"""Called with a number of photos that are done."""


class IndexMigration:
    """The use case of `event update --index`."""

    def __init__(  # noqa: PLR0913 - a use case's parts, each by its name
        self,
        *,
        events: EventIndexes,
        photos: PhotoStore,
        items: VectorItemStore | None,
        snapshots: SnapshotStore,
        builder: SnapshotBuilder,
        pool: Executor,
        face_shards: int = FACE_SHARDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the parts; `items` is None on a stack without a vector index, `pool` is for single requests."""
        self._events = events
        self._photos = photos
        self._items = items
        self._snapshots = snapshots
        self._builder = builder
        self._pool = pool
        self._face_shards = face_shards
        self._clock = clock
        self._sleep = sleep

    def to(self, event_id: int, kind: IndexKind, progress: Progress = lambda photos: None) -> Migration:
        """Have the event's searches answered by that kind of index, and leave nothing of the other.

        Raises:
            NotFound: no such event.
            InvalidRequest: this stack has no vector index.
            LaggingError: see there.
        """
        if kind is IndexKind.VECTORS:
            if self._items is None:
                raise InvalidRequest(
                    "This stack has no vector index. Deploy it with the parameter VectorIndex=true first."
                )
            return self._to_vectors(event_id, self._items, progress)
        return self._to_exact(event_id, progress)

    def _to_vectors(self, event_id: int, items: VectorItemStore, progress: Progress) -> Migration:
        written = 0
        event = self._event(event_id)
        if event.next_model:
            raise InvalidRequest(
                f"Event {event_id} is being re-indexed by {event.next_model}: finish that first, with: "
                f"facesearch reindex {event_id}"
            )
        if not searches_items(event, items.name):
            event = self._change(
                event_id,
                lambda event: (
                    event
                    if keeps_items(event, items.name)
                    else replace(
                        event,
                        index_kind=IndexKind.EXACT,
                        next_index_kind=IndexKind.VECTORS,
                        vector_table=items.name,
                        face_shards=self._face_shards,
                    )
                ),
            )
            copy = _Copy(event, place_of(event), self._photos, items, self._sleep, progress)
            written = copy.run(items.counts(copy.place, self._pool))
            self._await_service(event, items, copy.last)
            event = self._change(event_id, _switched_to_vectors)
            # What a writer killed between its two writes left behind since the last pass.
            written += copy.one_pass()
        else:
            event = self._change(event_id, lambda event: replace(event, next_index_kind=None))
        return Migration(event, written, self._snapshots.forget(event_id))

    def _to_exact(self, event_id: int, progress: Progress) -> Migration:
        event = self._event(event_id)
        faces = 0
        if self._items is not None and searches_items(event, self._items.name):
            event = self._change(event_id, lambda event: replace(event, next_index_kind=IndexKind.EXACT))
            built = self._builder.compact(event, at_least=1)
            faces = built.faces
            progress(built.photos)
        event = self._change(event_id, lambda event: replace(event, index_kind=IndexKind.EXACT, next_index_kind=None))
        deleted = self._items.forget_all(place_of(event), self._pool) if self._items is not None else 0
        return Migration(event, faces, deleted)

    def _event(self, event_id: int) -> Event:
        event = self._events.event(event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        return event

    def _change(self, event_id: int, change: Callable[[Event], Event]) -> Event:
        """Change what says which index answers; again if somebody else did at the same moment."""
        while True:
            before = self._event(event_id)
            after = change(before)
            if after == before or self._events.change_index(before, after):
                return after

    def _await_service(self, event: Event, items: VectorItemStore, last: dict[int, PhotoChange]) -> None:
        """Wait until the service's own search finds the face that was written last in every partition: it follows
        writes in their order."""
        place = place_of(event)
        deadline = self._clock() + CATCH_UP_SECONDS
        for shard, change in last.items():
            probe = probe_of(unpack(change.faces)[0])
            while True:
                found = items.nearest(place, shard, probe.exact)
                same = cosines(found.values, probe) > 1 - 1e-6
                if change.image_id in found.photos or (len(same) and same.all()):
                    break
                record = self._photos.get(event.event_id, event.shards, change.image_id)
                if record is None or record.status != "indexed":
                    break  # deleted meanwhile
                if self._clock() >= deadline:
                    raise LaggingError("The vector index has not caught up with what was written.")
                self._sleep(1)


def _switched_to_vectors(event: Event) -> Event:
    if event.index_kind is IndexKind.VECTORS:
        return event
    if event.next_index_kind is not IndexKind.VECTORS:
        raise InvalidRequest("Somebody else has chosen another index meanwhile.")
    return replace(event, index_kind=IndexKind.VECTORS, next_index_kind=None)


class _Copy:
    """One run's copying of an event's photo records into face items.

    Attributes:
        last: of each partition of `place` the photo with faces that came last.
    """

    def __init__(
        self,
        event: Event,
        place: FacePlace,
        photos: PhotoStore,
        items: VectorItemStore,
        sleep: Callable[[float], None],
        progress: Progress,
    ) -> None:
        self.place = place
        self.last: dict[int, PhotoChange] = {}
        self._event = event
        self._photos = photos
        self._items = items
        self._sleep = sleep
        self._progress = progress
        self._there: dict[uuid.UUID, int] = {}
        self._done: dict[uuid.UUID, int] = {}
        self._since = [0] * event.shards

    def run(self, there: dict[uuid.UUID, int]) -> int:
        """Pass until nothing is new; `there` are the faces that an interrupted run has written. Returns those written
        now."""
        self._there = there
        written = self.one_pass()
        self._forget_dead(sorted(there.keys() - self._done.keys()))
        for _ in range(PASSES):
            before = sum(self._done.values())
            written += self.one_pass()
            if sum(self._done.values()) == before:  # a sum of times: it grows with every change
                break
        return written

    def one_pass(self) -> int:
        """Everything that changed since the last pass, every photo partition at once. Returns the faces written."""
        with ThreadPoolExecutor(self._event.shards, thread_name_prefix="copy") as pool:
            return sum(pool.map(self._shard, range(self._event.shards)))

    def _shard(self, shard: int) -> int:
        written = 0
        since = max(0, self._since[shard] - OVERLAP_MICROSECONDS)
        changes = self._photos.changes(self._event.event_id, shard, since)
        news = (change for change in changes if self._done.get(change.image_id) != change.changed_at)
        for some in _slices(news, PHOTOS_AT_ONCE):
            written += self._copy(some)
            self._done |= {change.image_id: change.changed_at for change in some}
            self._since[shard] = max(self._since[shard], some[-1].changed_at)
            self._progress(len(some))
        return written

    def _copy(self, changes: list[PhotoChange]) -> int:
        wanted = [change for change in changes if change.status == "indexed" and change.model == self.place.model]
        missing = [change for change in wanted if self._there.get(change.image_id) != count_of(change.faces)]
        written = self._patiently(lambda: self._items.put(self.place, map(faces_of, missing)))
        self.last |= {
            self.place.shard_of(change.image_id): change for change in wanted if values_of(change.faces)[:1].any()
        }
        self._forget_dead([change.image_id for change in changes])
        return written

    def _forget_dead(self, image_ids: list[uuid.UUID]) -> None:
        """Remove the items of photos that do not count. Called after a write: a photo that is still alive then is
        deleted, if it is, by somebody who removes its items afterwards."""
        alive = self._photos.get_many(self._event.event_id, self._event.shards, image_ids)
        for image_id in image_ids:
            record = alive.get(image_id)
            if record is None or record.status != "indexed" or record.model != self.place.model:
                self._items.forget(self.place, image_id)

    def _patiently(self, write: Callable[[], int]) -> int:
        for _ in range(THROTTLED_ATTEMPTS):
            try:
                return write()
            except Throttled:
                self._sleep(THROTTLED_SECONDS)
        return write()


def _slices(changes: Iterator[PhotoChange], size: int) -> Iterator[list[PhotoChange]]:
    while some := list(islice(changes, size)):
        yield some
