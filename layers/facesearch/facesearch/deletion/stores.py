"""What deletions work on."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol, Unpack

from facesearch.admin.models import EndedEvent, EventChanges
from facesearch.deletion.log import ErasureLog
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.index import SnapshotInfo, SnapshotStore
from facesearch.faces.sets import FaceSets
from facesearch.models import Event, FaceSet, FaceSetKind, SearchKey
from facesearch.photos.objects import Objects
from facesearch.records import PhotoEraser
from facesearch.search.results import ResultStore
from facesearch.webhooks.jobs import JobEraser
from facesearch.webhooks.watches.watch import Probes, WatchEraser

ATTEMPTS = 10
"""How often a snapshot is written anew because somebody else wrote one meanwhile; each of theirs takes seconds."""
INVALIDATED_AT_ONCE = 1_000


class Events(Protocol):
    """What deletions ask of events; see `admin.EventAdmin` and `admin.EndingAdmin`."""

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""

    def update_event(self, event_id: int, **changes: Unpack[EventChanges]) -> Event:
        """Change what is given, leave the rest."""

    def count_erasure(self, event_id: int) -> None:
        """Say that photos or faces were deleted."""

    def close_event(self, event_id: int) -> Event:
        """Switch the event off for good."""

    def remove_event(self, event: Event) -> None:
        """Remove a closed event."""

    def ended_events(self, today: dt.date) -> list[EndedEvent]:
        """Events whose last day is before today, as long as something of them may be left."""

    def forget_ended(self, ended: EndedEvent) -> None:
        """Nothing of its faces is left."""


class FinishedClaims(Protocol):
    """The part of `search.Claims` that remembers finished searches."""

    def forget(self, search: SearchKey) -> None:
        """Forget that a search is done, so that it can be done again."""

    def holds(self, search: SearchKey) -> bool:
        """Whether the search is done or running."""


class EventCallbacks(Protocol):
    """The part of `callbacks.callback.CallbackLists` that deletes."""

    def count(self, org_id: int, event_id: int) -> int:
        """How many callbacks of an event are kept."""

    def purge(self, org_id: int, event_id: int) -> int:
        """Forget an event's callbacks; how many there were."""


class CdnCache(Protocol):
    """Caches between the renditions and the world."""

    def forget(self, paths: Sequence[str]) -> None:
        """Serve these paths no more; a `*` at the end stands for anything."""


class _NoCache:
    def forget(self, paths: Sequence[str]) -> None:
        pass


NO_CACHE: CdnCache = _NoCache()


@dataclass(frozen=True)
class Stores:
    """Everything that holds something of a photo or a person.

    Attributes:
        pool: runs leaf calls side by side.
    """

    photos: PhotoEraser
    log: ErasureLog
    results: ResultStore
    jobs: JobEraser
    claims: FinishedClaims
    selfies: Objects
    renditions: Objects
    originals: Objects
    snapshots: SnapshotStore
    builder: SnapshotBuilder
    events: Events
    callbacks: EventCallbacks
    watches: WatchEraser
    probes: Probes
    pool: Executor
    sets: FaceSets
    edge: CdnCache = NO_CACHE

    def rewrite_snapshot(self, event: Event) -> int:
        """Have a current snapshot with nothing in it that is deleted by now, and no other file; how many went.

        Even if there was none: whoever writes the event's first one at this moment began before the deletion.

        Raises:
            RuntimeError: others kept writing.
        """
        searched = _in_memory(event)
        if searched is None:
            return self.snapshots.forget(event.event_id)
        replaced = int(self._current(event) is not None)  # a save deletes the file that it replaces
        for _ in range(ATTEMPTS):
            if self.builder.compact(event, searched, at_least=0).written:
                return replaced + self.snapshots.forget(event.event_id, self._current(event))
        raise RuntimeError("the event's snapshot is being written by others all the time")

    def old_snapshots(self, event: Event) -> int:
        """Files of the event's faces other than the current one."""
        return self.snapshots.count(event.event_id, self._current(event))

    def naming(self, event_id: int, image_ids: Iterable[uuid.UUID], *, whole: bool = False) -> list[SearchKey]:
        """Stored searches that name one of the photos; with `whole` without those that nobody can read (yet)."""
        wanted = frozenset(image_ids)

        def named(search: SearchKey) -> SearchKey | None:
            return None if wanted.isdisjoint(self.results.photos(search, whole=whole)) else search

        return [found for found in self.pool.map(named, self.results.searches(event_id)) if found is not None]

    def _current(self, event: Event) -> SnapshotInfo | None:
        searched = _in_memory(event)
        return None if searched is None else self.snapshots.current(event.event_id, searched.model)


def _in_memory(event: Event) -> FaceSet | None:
    """The face set that has a snapshot, or will have one."""
    return next((face_set for face_set in event.face_sets if face_set.kind is FaceSetKind.EXACT), None)
