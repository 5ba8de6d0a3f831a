"""Re-indexing: an event's faces by another model, or by the same one with new settings, beside those that are searched.

The event says what is under way, so that whatever is interrupted goes on when it is run again:

1. `next_model` is set. From now on indexing gives new photos faces by both models.
2. Photos that lack the next model's faces are ordered from the indexing function, until there are none.
3. The next model's snapshot is written.
4. One conditional write switches: `model` is the next one, `previous_model` the old one.
5. Each photo's next faces become its faces, and the old ones go; then the old snapshots, then `previous_model`.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Protocol

from facesearch.errors import InvalidRequest, NotFound
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.engine import DEFAULT_MODEL, FIRST_MODEL, MODELS, UnknownModelError, engine_name, next_generation
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.packing import FACE_BYTES
from facesearch.models import Event, IndexKind
from facesearch.photos.nextfaces import PHOTOS_PER_ORDER, IndexingCommand
from facesearch.photos.objects import Objects
from facesearch.photos.places import find_moved
from facesearch.records import OVERLAP_MICROSECONDS, Photo, PhotoRecords, PhotoStore, original_prefix

STALL_SECONDS = 300.0
"""Without one more photo for so long, waiting ends: a full batch of large photos takes the function's 120 s."""
POLL_SECONDS = (0.25, 4.0)
"""First and longest pause between two looks; it doubles while nothing changes."""
ATTEMPTS = 10
"""At a snapshot that others write at the same time."""
LOOKED_UP_AT_ONCE = 100
SUBMITTED_AT_ONCE = 1_000


class EventModels(Protocol):
    """What re-indexing asks of events; see `admin.EventAdmin` and `admin.ModelAdmin`."""

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""

    def change_models(self, before: Event, after: Event) -> bool:
        """Change the models from those of `before` to those of `after`, unless they are others by now."""


class Records(PhotoStore, PhotoRecords, Protocol):
    """Records of photos, one by one and all of them."""


class IndexingCommands(Protocol):
    """How the indexing function is told what to do."""

    def send(self, commands: list[IndexingCommand]) -> None:
        """Have them carried out."""


class StalledError(Exception):
    """Nothing more came for a long time; the old model still answers. Run it again."""


@dataclass(frozen=True)
class Reindexed:
    """What a run came to.

    Attributes:
        photos, faces: that have been looked at by the model, and what it has found.
        failed: image_id and reason of photos that keep no faces, because their originals are gone or unreadable.
        switched: searches are answered by the model.
    """

    event_id: int
    model: str
    photos: int
    faces: int
    failed: list[tuple[uuid.UUID, str]]
    switched: bool

    def to_json(self) -> dict[str, Any]:
        """The shape of `reindex --json`."""
        return {
            "event_id": self.event_id,
            "model": self.model,
            "photos": self.photos,
            "faces": self.faces,
            "failed": [{"image_id": str(image_id), "reason": reason} for image_id, reason in self.failed],
            "switched": self.switched,
        }


Progress = Callable[[int, int], None]
"""Called with how many photos are done, and how many there are."""


def _nobody(done: int, total: int) -> None:
    pass


class Reindexing:
    """The use case of `reindex`."""

    def __init__(  # noqa: PLR0913 - a use case's parts, each by its name
        self,
        *,
        events: EventModels,
        photos: Records,
        originals: Objects,
        snapshots: SnapshotStore,
        builder: SnapshotBuilder,
        orders: IndexingCommands,
        pool: Executor,
        progress: Progress = _nobody,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._events = events
        self._photos = photos
        self._originals = originals
        self._snapshots = snapshots
        self._builder = builder
        self._orders = orders
        self._pool = pool
        self._progress = progress
        self._clock = clock
        self._sleep = sleep

    def run(self, event_id: int, model: str | None = None, *, wait: bool = True) -> Reindexed:
        """Begin, or go on with what an earlier run has begun.

        Args:
            event_id: the event.
            model: one of `engine.MODELS`, nothing to do if the event has it; None = the event's own, once more, by
                whatever settings are deployed.
            wait: until the event has gone over; if not, only order what is missing.

        Raises:
            NotFound: no such event.
            UnknownModelError: no such model.
            InvalidRequest: the event is on its way to another model, or keeps no faces.
            StalledError: see there.
        """
        event = self._event(event_id)
        if IndexKind.VECTORS in (event.index_kind, event.next_index_kind):
            raise InvalidRequest(
                f"Event {event_id} is searched by the vector index, which holds faces of one model: first move it back "
                f"with: facesearch event update {event_id} --index exact"
            )
        if model is not None and model not in MODELS:
            raise UnknownModelError(f"There is no face model {model!r}; there are: {', '.join(MODELS)}.")
        finished = bool(event.previous_model)
        if finished:
            event = self._finish(event)
        has_it = finished if model is None else engine_name(event.model) == model
        if has_it and not event.next_model:
            return self._result(event, event.model)
        target = _target(event, model)
        if not event.next_model:
            event = self._change(event, replace(event, next_model=target))
        self._find_moved(event)
        if not wait:
            survey = _Survey(self._photos, event, target, self._pool)
            survey.refresh()
            self._order(event, target, survey.unordered())
            return self._result(event, target)
        self._prepare(event, target)
        event = self._change(event, replace(event, model=target, next_model="", previous_model=event.model))
        return self._result(self._finish(event), target)

    def cancel(self, event_id: int) -> Event:
        """End a re-indexing that has not switched yet, and remove what it has made. Also after an interrupted cancel.

        Raises:
            NotFound: no such event.
            InvalidRequest: it has switched.
        """
        event = self._event(event_id)
        if event.previous_model:
            raise InvalidRequest(
                f"Event {event_id} is searched by {event.model} already. Run reindex to finish; then reindex it back."
            )
        if event.next_model:
            event = self._change(event, replace(event, next_model=""))
        left = [(change.image_id, change.next_model) for change in self._rows(event) if change.next_model]

        def drop(each: tuple[uuid.UUID, str]) -> None:
            self._photos.drop_next(event_id, event.shards, *each)

        self._each(drop, left)
        self._forget_others(event)
        return event

    def _find_moved(self, event: Event) -> None:
        """An original that was moved must be found before it is ordered: faces whose original is gone are dropped."""
        listing = dict(self._originals.etags_under(original_prefix(event.org_id, event.event_id)))
        for shard in range(event.shards):
            find_moved(self._photos, event, self._photos.records(event.event_id, shard), listing)

    def _prepare(self, event: Event, target: str) -> None:
        """Have every photo's faces by the target, and its snapshot."""
        survey = _Survey(self._photos, event, target, self._pool)
        while True:
            self._complete(event, target, survey)
            erasures = self._event(event.event_id).erasures
            written = self._write_snapshot(replace(event, model=target))
            survey.refresh()
            # Nothing came, changed or was deleted while the snapshot was written. A deletion that counts itself later
            # deletes the file; one that did before has left a face in it, which would outlive the tombstone.
            if written and not survey.lacking and self._event(event.event_id).erasures == erasures:
                return

    def _complete(self, event: Event, target: str, survey: "_Survey") -> None:
        """Order what is missing, and again what was changed meanwhile, until nothing is."""
        done, pause, last = -1, POLL_SECONDS[0], self._clock()
        while True:
            survey.refresh()
            self._progress(survey.done, survey.photos)
            if not survey.lacking:
                return
            unordered = survey.unordered()
            self._order(event, target, unordered)
            if unordered or survey.done != done:
                done, pause, last = survey.done, POLL_SECONDS[0], self._clock()
            elif self._clock() - last >= STALL_SECONDS:
                raise StalledError(
                    f"{len(survey.lacking)} photos have no faces by {target} yet, and nothing more came for"
                    f" {STALL_SECONDS / 60:.0f} minutes: see the indexing function's log. Running it again goes on."
                )
            self._sleep(pause)
            pause = min(2 * pause, POLL_SECONDS[1])
            now = self._event(event.event_id)
            if target not in now.models:
                raise InvalidRequest("The re-indexing was cancelled meanwhile.")

    def _order(self, event: Event, model: str, image_ids: list[uuid.UUID]) -> None:
        orders = [
            IndexingCommand(event.event_id, model, tuple(image_ids[start : start + PHOTOS_PER_ORDER]))
            for start in range(0, len(image_ids), PHOTOS_PER_ORDER)
        ]
        if orders:
            self._orders.send(orders)

    def _write_snapshot(self, event: Event) -> bool:
        return any(self._builder.compact(event, at_least=0).written for _ in range(ATTEMPTS))

    def _finish(self, event: Event) -> Event:
        """Make the next faces the faces of each photo, and remove what is left of the previous model."""
        model = event.model
        survey = _Survey(self._photos, event, model, self._pool)
        while True:
            self._complete(event, model, survey)
            unfolded = [change.image_id for change in self._rows(event) if change.model != model]
            if not unfolded:
                break
            self._each(lambda image_id: self._photos.fold(event.event_id, event.shards, image_id, model), unfolded)
        self._forget_others(event)
        return self._change(event, replace(event, previous_model=""))

    def _forget_others(self, event: Event) -> None:
        self._snapshots.forget(event.event_id, self._snapshots.current(event.event_id, event.model))

    def _result(self, event: Event, model: str) -> Reindexed:
        photos = faces = 0
        without: list[uuid.UUID] = []
        for change in self._rows(event, faces=True):
            found = change.faces_by(model)
            if found is not None:
                photos += 1
                faces += len(found) // FACE_BYTES
                if not found:
                    without.append(change.image_id)
        records: dict[uuid.UUID, Photo] = {}
        for start in range(0, len(without), LOOKED_UP_AT_ONCE):
            some = without[start : start + LOOKED_UP_AT_ONCE]
            records |= self._photos.get_many(event.event_id, event.shards, some)
        failed = [(image_id, photo.reason) for image_id, photo in sorted(records.items()) if photo.reason]
        return Reindexed(event.event_id, model, photos, faces, failed, switched=event.model == model)

    def _rows(self, event: Event, *, faces: bool = False) -> Iterator[Any]:
        for shard in range(event.shards):
            for change in self._photos.changes(event.event_id, shard, 0, faces=faces):
                if change.status == "indexed":
                    yield change

    def _each(self, work: Callable[[Any], Any], inputs: list[Any]) -> None:
        for start in range(0, len(inputs), SUBMITTED_AT_ONCE):
            for _ in self._pool.map(work, inputs[start : start + SUBMITTED_AT_ONCE]):
                pass

    def _change(self, before: Event, after: Event) -> Event:
        if not self._events.change_models(before, after):
            raise InvalidRequest(f"Event {before.event_id} was changed meanwhile. Run it again.")
        return self._event(before.event_id)

    def _event(self, event_id: int) -> Event:
        event = self._events.event(event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        if event.closing:
            raise InvalidRequest(f"Event {event_id} is being deleted.")
        if not event.keeps_faces:
            raise InvalidRequest(f"Event {event_id} keeps no faces any more.")
        return event


def _target(event: Event, model: str | None) -> str:
    """The model's name for the stored faces."""
    if event.next_model:
        if model is not None and engine_name(event.next_model) != model:
            raise InvalidRequest(
                f"Event {event.event_id} is being re-indexed by {event.next_model}: finish that, or --cancel it."
            )
        return event.next_model
    if model is not None:
        return model
    return DEFAULT_MODEL if engine_name(event.model) == FIRST_MODEL else next_generation(event.model)


class _Survey:
    """Which photos lack a model's faces, kept up with by reading only what has changed."""

    def __init__(self, photos: PhotoStore, event: Event, model: str, pool: Executor) -> None:
        self.lacking: set[uuid.UUID] = set()
        self._having: set[uuid.UUID] = set()
        self._photos = photos
        self._event = event
        self._model = model
        self._pool = pool
        self._changed: dict[uuid.UUID, int] = {}
        self._ordered: dict[uuid.UUID, int] = {}
        self._since = [0] * event.shards

    @property
    def done(self) -> int:
        """How many have the faces."""
        return len(self._having)

    @property
    def photos(self) -> int:
        """How many there are."""
        return len(self._having) + len(self.lacking)

    def refresh(self) -> None:
        """Read what has changed since the last time."""

        def read(shard: int) -> list[Any]:
            since = max(0, self._since[shard] - OVERLAP_MICROSECONDS)
            return list(self._photos.changes(self._event.event_id, shard, since, faces=False))

        for shard, changes in enumerate(list(self._pool.map(read, range(self._event.shards)))):
            for change in changes:
                self._since[shard] = max(self._since[shard], change.changed_at)
                self._having.discard(change.image_id)
                self.lacking.discard(change.image_id)
                if change.status != "indexed":
                    continue
                if self._model in (change.model, change.next_model):
                    self._having.add(change.image_id)
                else:
                    self.lacking.add(change.image_id)
                    self._changed[change.image_id] = change.changed_at

    def unordered(self) -> list[uuid.UUID]:
        """What lacks them and was not ordered since it last changed; from now on it was."""
        new = [each for each in sorted(self.lacking) if self._ordered.get(each) != self._changed[each]]
        self._ordered |= {each: self._changed[each] for each in new}
        return new
