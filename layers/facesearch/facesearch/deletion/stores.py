"""What deletions work on."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from facesearch.admin.ports import EventLifecycle
from facesearch.deletion.log import ErasureLog
from facesearch.deletion.search import SearchDeletion
from facesearch.faces.exact_set import SnapshotBuilder
from facesearch.faces.index.snapshot import SnapshotInfo, SnapshotStore
from facesearch.faces.sets import FaceSets
from facesearch.models import Event, FaceSet, FaceSetKind
from facesearch.photos.objects import Objects
from facesearch.records import PhotoEraser
from facesearch.search.idempotency import Idempotency
from facesearch.search.results import ResultStore
from facesearch.webhooks.callbacks.callback import CallbackStore
from facesearch.webhooks.jobs import JobStore
from facesearch.webhooks.watches.watch import Probes, WatchStore

ATTEMPTS = 10
"""How often a snapshot is written anew because somebody else wrote one meanwhile; each of theirs takes seconds."""
INVALIDATED_AT_ONCE = 1_000


class CdnCache(Protocol):
    """Caches between the renditions and the world."""

    def delete(self, paths: Sequence[str]) -> None:
        """Serve these paths no more; a `*` at the end stands for anything."""


class _NoCache(CdnCache):
    @override
    def delete(self, paths: Sequence[str]) -> None:
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
    jobs: JobStore
    claims: Idempotency
    selfies: Objects
    renditions: Objects
    originals: Objects
    snapshots: SnapshotStore
    builder: SnapshotBuilder
    events: EventLifecycle
    callbacks: CallbackStore
    watches: WatchStore
    probes: Probes
    pool: Executor
    sets: FaceSets
    edge: CdnCache = NO_CACHE

    @property
    def searches(self) -> SearchDeletion:
        """All that belongs to searches."""
        return SearchDeletion(
            results=self.results,
            idempotency=self.claims,
            jobs=self.jobs,
            watches=self.watches,
            selfies=self.selfies,
            callbacks=self.callbacks,
            pool=self.pool,
        )

    def rewrite_snapshot(self, event: Event) -> int:
        """Have a current snapshot with nothing in it that is deleted by now, and no other file; how many went.

        Even if there was none: whoever writes the event's first one at this moment began before the deletion.

        Raises:
            RuntimeError: others kept writing.
        """
        searched = _in_memory(event)
        if searched is None:
            return self.snapshots.delete(event.event_id)
        replaced = int(self._current(event) is not None)  # a save deletes the file that it replaces
        for _ in range(ATTEMPTS):
            if self.builder.compact(event, searched, at_least=0).written:
                return replaced + self.snapshots.delete(event.event_id, self._current(event))
        raise RuntimeError("the event's snapshot is being written by others all the time")

    def old_snapshots(self, event: Event) -> int:
        """Files of the event's faces other than the current one."""
        return self.snapshots.count(event.event_id, self._current(event))

    def _current(self, event: Event) -> SnapshotInfo | None:
        searched = _in_memory(event)
        return None if searched is None else self.snapshots.current(event.event_id, searched.model)


def _in_memory(event: Event) -> FaceSet | None:
    """The face set that has a snapshot, or will have one."""
    return next((face_set for face_set in event.face_sets if face_set.kind is FaceSetKind.EXACT), None)
