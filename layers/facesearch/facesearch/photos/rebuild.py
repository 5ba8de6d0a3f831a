"""Rebuild: another face set of an event is built beside the live one, verified, switched to, and the old one deleted.

The event says what is under way, so that whatever is interrupted goes on when it is run again:

1. `building` is set. From now on indexing adds new photos to both face sets.
2. Photos that the new set's model has not looked at are commanded from the indexing function, until there are none.
3. What the records have and the set's place lacks is copied (`FaceSetStore.complete`), until nothing came, changed or
   was deleted meanwhile.
4. One conditional write switches: the new set is live, the old one is `leaving`.
5. Each photo's faces by the new model become its faces; then all that the old set had elsewhere goes, then `leaving`.

A rebuild that is cancelled names the set that it was building as `leaving`, too: then step 5 deletes that one.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

from facesearch.errors import InvalidRequest, NotFound
from facesearch.faces.engine import MODELS, UnknownModelError, engine_name, next_generation
from facesearch.faces.packing import FACE_BYTES
from facesearch.faces.sets import EventFaceSets, FaceSets, LaggingError
from facesearch.models import DEFAULT_MODEL, REKOGNITION, Event, FaceSet, FaceSetKind
from facesearch.photos.commands import CommandKind, IndexingCommands, commands_for
from facesearch.photos.objects import Objects
from facesearch.photos.places import find_moved
from facesearch.records import OVERLAP_MICROSECONDS, Photo, PhotoStore, original_prefix

STALL_SECONDS = 300.0
"""Without one more photo for so long, waiting ends: a full batch of large photos takes the function's 120 s."""
POLL_SECONDS = (0.25, 4.0)
"""First and longest pause between two looks; it doubles while nothing changes."""
ATTEMPTS = 10
"""At a face set that others keep changing while it is completed."""
LOOKED_UP_AT_ONCE = 100
SUBMITTED_AT_ONCE = 1_000


class StalledError(Exception):
    """Nothing more came for a long time; the live face set still answers. Run it again."""


@dataclass(frozen=True)
class Rebuilt:
    """What a run came to.

    Attributes:
        photos, faces: that the face set's model has looked at, and what is in the set.
        failed: image_id and reason of photos that keep no faces, because their originals are gone or unreadable.
    """

    event_id: int
    face_set: FaceSet
    photos: int
    faces: int
    failed: list[tuple[uuid.UUID, str]]
    switched: bool

    def to_json(self) -> dict[str, Any]:
        """The shape of `reindex --json`."""
        fields, failed = dict(vars(self)), [{"image_id": str(each), "reason": reason} for each, reason in self.failed]
        face_set = fields.pop("face_set")
        return fields | {"model": face_set.model, "kept_in": face_set.kind, "failed": failed}


Progress = Callable[[int, int], None]
"""Called with how many photos are done, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """The use case of `reindex`."""

    events: EventFaceSets
    photos: PhotoStore
    originals: Objects
    sets: FaceSets
    commands: IndexingCommands
    pool: Executor
    progress: Progress = lambda done, total: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(
        self, event_id: int, model: str | None = None, kind: FaceSetKind | None = None, *, wait: bool = True
    ) -> Rebuilt:
        """Begin, or go on with what an earlier run has begun.

        Args:
            model: one of `engine.MODELS`; None = the event's own, and if the kind stays the same too, once more by
                whatever settings are deployed.
            kind: where the faces are to be kept; None = where they are.
            wait: until the event has gone over; if not, only command what is missing.

        Raises:
            NotFound: no such event.
            UnknownModelError: no such model.
            InvalidRequest: the event is on its way to another face set, or keeps no faces, or the deployment has
                nothing to keep them in.
            StalledError, LaggingError: see there.
        """
        event = self._event(event_id)
        if model is not None and model not in MODELS:
            raise UnknownModelError(f"There is no face model {model!r}; there are: {', '.join(MODELS)}.")
        has_switched = event.leaving is not None and event.leaving != event.building
        if event.leaving is not None:
            event = self._finish(event)
        live = self.sets.actual(event, event.faces)
        target = self._target(event, live, model, kind)
        if event.building is None:
            if target == live == event.faces or (has_switched and model is kind is None):
                return self._result(event, event.faces)
            event = self._begin(event, live, target)
        self._find_moved(event)
        if not wait:
            survey = _Survey(self.photos, event, target.model, self.pool)
            survey.refresh()
            self._command(survey)
            return self._result(event, target)
        if target != event.faces:
            try:
                self._prepare(event, target)
                event = self._change(event, replace(event, faces=target, building=None, leaving=event.faces))
            except (InvalidRequest, NotFound, LaggingError, StalledError):
                self._clear_unwanted(event, target)
                raise
            event = self._finish(event)
        return self._result(event, target)

    def cancel(self, event_id: int) -> Event:
        """End a rebuild that has not switched yet, and delete what it has made. Also after an interrupted cancel.

        Raises:
            NotFound: no such event.
            InvalidRequest: it has switched.
        """
        event = self._event(event_id)
        if event.leaving is not None and event.leaving != event.building:
            raise InvalidRequest(
                f"Event {event_id} is searched by {event.faces} already. Run reindex to finish; then reindex it back."
            )
        if event.building is None:
            return event
        return self._finish(self._change(event, replace(event, leaving=event.building)))

    def _target(self, event: Event, live: FaceSet, model: str | None, kind: FaceSetKind | None) -> FaceSet:
        """The face set that is meant; the model as its stored faces are named."""
        if (building := event.building) is not None:
            other_model = model is not None and (not building.is_ours or engine_name(building.model) != model)
            if other_model or kind not in (None, building.kind):
                raise InvalidRequest(
                    f"Event {event.event_id} is being rebuilt as {building}. Finish that, or --cancel it."
                )
            self.sets.require(building.kind)
            return building
        if kind is None and live == REKOGNITION:
            raise InvalidRequest(
                f"Rekognition keeps the faces of event {event.event_id}: say by --faces where ours go."
            )
        self.sets.require(kind or live.kind)
        if kind is FaceSetKind.REKOGNITION:
            if model is not None:
                raise InvalidRequest("Rekognition finds the faces by a model of its own: give no --model with it.")
            return REKOGNITION
        if live == REKOGNITION:
            model = model or DEFAULT_MODEL
        elif model is None:
            model = next_generation(live.model) if kind is None else live.model
        elif engine_name(live.model) == model:
            model = live.model
        return FaceSet(model, kind or live.kind)

    def _begin(self, event: Event, live: FaceSet, target: FaceSet) -> Event:
        if target == live:  # what it was is lost, and what is left of it answers already
            return self._change(event, replace(event, faces=live))
        table = self.sets.vector_table if target.kind is FaceSetKind.VECTORS else event.vector_table
        models = event.vector_models | {each.model for each in (live, target) if each.kind is FaceSetKind.VECTORS}
        after = replace(event, faces=live, building=target, vector_table=table, vector_models=models)
        return self._change(event, after)

    def _find_moved(self, event: Event) -> None:
        """An original that was moved must be found before it is looked at: faces whose original is gone are dropped."""
        listing = dict(self.originals.etags_under(original_prefix(event.org_id, event.event_id)))
        for shard in range(event.shards):
            find_moved(self.photos, event, self.photos.records(event.event_id, shard), listing)

    def _prepare(self, event: Event, target: FaceSet) -> None:
        """Have the face set lack nothing."""
        survey = _Survey(self.photos, event, target.model, self.pool)
        store = self.sets.open(event, target)
        for _ in range(ATTEMPTS):
            self._look_again(survey, lambda now: target in now.face_sets)
            erasures, copied = self._event(event.event_id).erasures, 0

            def advance(count: int) -> None:
                nonlocal copied
                copied += count
                self.progress(min(copied, survey.photos), survey.photos)

            is_complete = store.complete(advance)
            survey.refresh()
            # Nothing came, changed or was deleted while it was completed. A deletion that counts itself later deletes
            # from it; one that did before has maybe left a face in it, which would outlive the tombstone.
            if is_complete and not survey.lacking and self._event(event.event_id).erasures == erasures:
                return
        raise LaggingError(f"Photos of event {event.event_id} are added and deleted all the time.")

    def _look_again(self, survey: "_Survey", is_wanted: Callable[[Event], bool]) -> None:
        """Command what is missing, and again what was changed meanwhile, until nothing is."""
        done, pause, last = -1, POLL_SECONDS[0], self.clock()
        while True:
            survey.refresh()
            self.progress(survey.done, survey.photos)
            if not survey.lacking:
                return
            if self._command(survey) or survey.done != done:
                done, pause, last = survey.done, POLL_SECONDS[0], self.clock()
            elif self.clock() - last >= STALL_SECONDS:
                raise StalledError(
                    f"{len(survey.lacking)} photos have no faces by {survey.model} yet, and nothing more came for"
                    f" {STALL_SECONDS / 60:.0f} minutes: see the indexing function's log. Running it again goes on."
                )
            self.sleep(pause)
            pause = min(2 * pause, POLL_SECONDS[1])
            if not is_wanted(self._event(survey.event.event_id)):
                raise InvalidRequest("The rebuild was cancelled meanwhile.")

    def _command(self, survey: "_Survey") -> bool:
        """Command what lacks faces and was not commanded yet; whether there was any."""
        commands = commands_for(CommandKind.FACES, survey.event.event_id, survey.uncommanded(), survey.model)
        if commands:
            self.commands.send(commands)
        return bool(commands)

    def _finish(self, event: Event) -> Event:
        """Have nothing left of the face set that is leaving."""
        live = event.faces
        if event.leaving is not None:
            survey = _Survey(self.photos, event, live.model, self.pool)

            def unclean() -> list[Photo]:
                self._look_again(survey, lambda now: now.faces == live)
                return [row for row in self._rows(event) if row.model != live.model or row.built_model]

            while rows := unclean():
                for start in range(0, len(rows), SUBMITTED_AT_ONCE):
                    list(self.pool.map(lambda row: self._clean(event, row), rows[start : start + SUBMITTED_AT_ONCE]))
            if live.kind is FaceSetKind.VECTORS:  # what a writer killed between its two writes has left behind
                self.sets.open(event, live).complete()
            self.sets.open(event, event.leaving).delete()
        return self._change(event, replace(event, building=None, leaving=None))

    def _clear_unwanted(self, event: Event, target: FaceSet) -> None:
        """Delete what was added to a face set after another command had cancelled it or deleted the event."""
        now = self.events.event(event.event_id)
        if now is None or now.closing:
            self.sets.open(event, target).delete()
            return
        if now.building is None and target not in (now.faces, now.leaving):
            # Named again, so that a further rebuild to it waits until it is empty.
            now = self._change(now, replace(now, building=target, leaving=target))
        if now.leaving == target:
            self._finish(now)

    def _clean(self, event: Event, row: Photo) -> None:
        """Have a photo's record name the live model alone."""
        if row.model == event.model:
            self.photos.delete_faces(event.event_id, event.shards, row.image_id, row.built_model)
        else:
            self.photos.promote(event.event_id, event.shards, row.image_id, event.model)

    def _result(self, event: Event, target: FaceSet) -> Rebuilt:
        counts = {
            row.image_id: len(found) // FACE_BYTES
            for row in self._rows(event, faces=True)
            if (found := row.faces_by(target.model)) is not None
        }
        faces = self.sets.open(event, target).count() if counts and not target.is_ours else sum(counts.values())
        without = sorted(image_id for image_id, count in counts.items() if not count)
        failed: list[tuple[uuid.UUID, str]] = []
        for start in range(0, len(without), LOOKED_UP_AT_ONCE):
            some = without[start : start + LOOKED_UP_AT_ONCE]
            records = self.photos.get_many(event.event_id, event.shards, some)
            failed += [(image_id, records[image_id].reason) for image_id in some if image_id in records]
        failed = [(image_id, reason) for image_id, reason in failed if reason]
        return Rebuilt(event.event_id, target, len(counts), faces, failed, switched=event.faces == target)

    def _rows(self, event: Event, *, faces: bool = False) -> Iterator[Photo]:
        for shard in range(event.shards):
            for change in self.photos.changes(event.event_id, shard, 0, faces=faces):
                if change.status == "indexed":
                    yield change

    def _change(self, before: Event, after: Event) -> Event:
        if not self.events.change_face_sets(before, after):
            raise InvalidRequest(f"Event {before.event_id} was changed meanwhile. Run it again.")
        return self._event(before.event_id)

    def _event(self, event_id: int) -> Event:
        event = self.events.event(event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        if event.closing:
            raise InvalidRequest(f"Event {event_id} is being deleted.")
        if not event.keeps_faces:
            raise InvalidRequest(f"Event {event_id} keeps no faces any more.")
        return event


@dataclass
class _Survey:
    """Which photos lack a model's faces, kept up with by reading only what has changed."""

    photos_of: PhotoStore
    event: Event
    model: str
    pool: Executor
    lacking: dict[uuid.UUID, int] = field(default_factory=dict)
    """When each last changed."""
    _having: set[uuid.UUID] = field(default_factory=set)
    _commanded: dict[uuid.UUID, int] = field(default_factory=dict)
    _since: dict[int, int] = field(default_factory=dict)

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

        def read(shard: int) -> list[Photo]:
            since = max(0, self._since.get(shard, 0) - OVERLAP_MICROSECONDS)
            return list(self.photos_of.changes(self.event.event_id, shard, since, faces=False))

        for shard, changes in enumerate(list(self.pool.map(read, range(self.event.shards)))):
            for change in changes:
                self._since[shard] = max(self._since.get(shard, 0), change.changed_at)
                self._having.discard(change.image_id)
                self.lacking.pop(change.image_id, None)
                if change.faces_by(self.model) is not None:
                    self._having.add(change.image_id)
                elif change.status == "indexed":
                    self.lacking[change.image_id] = change.changed_at

    def uncommanded(self) -> list[uuid.UUID]:
        """What lacks them and was not commanded since it last changed; from now on it was."""
        new = sorted(each for each, at in self.lacking.items() if self._commanded.get(each) != at)
        self._commanded |= {each: self.lacking[each] for each in new}
        return new
