"""What belongs to a search, and the one order in which it goes: with its own deletion, with a photo or a person that it
shows, and with its event.

1. Its watch, which would go on to find later photos for it.
2. Its job, and which webhook has started it: nothing begins the search any more, and a worker that is at it sees at the
   end that its job is gone.
3. If the search itself is to go: its children, which tell what its watch has found, each as a search of its own.
4. Its result is hidden, before anything that makes up the result goes. If the search itself is to go, it is cancelled:
   no run of it that began before can keep a result any more. With a photo, a person or an event, the event's count of
   erasures sees to that, and such a run is done afresh.
5. Its claim, with which its request_id is free. Not before its result is hidden: a search that begins under it then
   keeps what it finds.
6. Its selfies: those of the search, and those that came with its webhook and wait.
7. What its result names, and that there was one. A second run after a crash finds the search by that, so it goes last.
   Of a search that was found by a selfie alone, the selfies go last, for the same reason.

A search that fails undoes what it has kept itself, within its claim (see `FaceSearch`): steps 4, 6 and 7.

What was told of a search, its callbacks, goes with its event or expires. An upload that no search has named yet belongs
to none: it goes with its event, or with the person that it shows. On the last day of an event's faces only the watches
go (see `retention`): results name photos, which stay.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from facesearch.deletion.receipts import Counts
from facesearch.errors import NoSuchSearch
from facesearch.models import Event, SearchKey
from facesearch.photos.objects import Objects
from facesearch.search.idempotency import Idempotency
from facesearch.search.results import ResultStore
from facesearch.search.selfies import job_prefix, selfie_keys, selfie_prefixes
from facesearch.webhooks.callbacks.callback import CallbackStore
from facesearch.webhooks.jobs import JobStore
from facesearch.webhooks.watches.watch import WatchStore

T = TypeVar("T")
SWEEPS = 3
"""An upload or a search that was under way when a deletion began may keep something behind its back, and undoes it or
is found by the next sweep; each after the first is mostly empty."""


@dataclass(frozen=True, kw_only=True)
class SearchDeletion:
    """The use case, and the part of every other one that deletes searches.

    A run that is killed is finished by the next one. Every step may find nothing.

    Attributes:
        selfies: files of the bucket of selfies.
        pool: runs leaf calls side by side.
    """

    results: ResultStore
    idempotency: Idempotency
    jobs: JobStore
    watches: WatchStore
    selfies: Objects
    callbacks: CallbackStore
    pool: Executor

    def delete(self, search: SearchKey) -> None:
        """Delete one search, whether it is done, runs, waits, or was killed, and its children.

        Raises:
            NotFound: there is nothing of it.
        """
        watched, asked = self.watches.delete(search), self.jobs.holds(search)
        children = self.watches.children(search)
        if not (watched or asked or children or self.results.holds(search) or self._is_begun(search)):
            raise NoSuchSearch
        self.delete_rest(search)

    def delete_rest(self, search: SearchKey) -> None:
        """The same of what there may be nothing of."""
        self.watches.delete(search)
        self.jobs.delete(search)
        self._delete(self.watches.children(search), self.results.hide)
        self.watches.delete_children(search)
        self._delete([search], self.results.cancel)

    def delete_many(self, searches: Sequence[SearchKey], deleted: Counts, *, found_by_selfie: bool = False) -> None:
        """Delete searches that show what is being deleted, and count it all; their children show it, or they stay.
        Afterwards each request_id is free again.

        `found_by_selfie`: a second run finds them by their selfies, not by what their results name.
        """
        deleted.results += sum(self._each(self.results.holds, searches))
        deleted.selfies += len(self.selfies.etags(_keys(searches)))
        deleted.probes += sum(self._each(self.watches.delete, searches))
        deleted.jobs += sum(self._each(self.jobs.delete, searches))
        deleted.selfies += self._delete(searches, self.results.hide, found_by_selfie=found_by_selfie)

    def delete_of_event(self, event: Event, deleted: Counts) -> None:
        """Delete every search of a closed event, begun or not, with callbacks and uploads, and count it all."""
        self.delete_many(list(self.results.searches(event.event_id)), deleted)
        deleted.jobs += sum(self._each(self.jobs.delete, list(self.jobs.jobs(event.event_id))))
        deleted.selfies += self.selfies.delete(self.selfies_of(event))
        deleted.callbacks += self.callbacks.delete_all(event.org_id, event.event_id)
        deleted.probes += self.watches.delete_all(event.event_id)

    def count_of_event(self, event: Event, left: Counts) -> None:
        """Count what there is of it all."""
        left.results += sum(1 for _ in self.results.searches(event.event_id))
        left.jobs += sum(1 for _ in self.jobs.jobs(event.event_id))
        left.selfies += sum(1 for _ in self.selfies_of(event))
        left.callbacks += self.callbacks.count(event.org_id, event.event_id)
        left.probes += self.watches.count(event.event_id)

    def naming(self, event_id: int, image_ids: Iterable[uuid.UUID], *, whole: bool = False) -> list[SearchKey]:
        """Stored searches that name one of the photos; with `whole` without those that nobody can read (yet)."""
        wanted = frozenset(image_ids)

        def named(search: SearchKey) -> SearchKey | None:
            return None if wanted.isdisjoint(self.results.photos(search, whole=whole)) else search

        return [found for found in self.pool.map(named, self.results.searches(event_id)) if found is not None]

    def count(self, searches: Sequence[SearchKey], left: Counts) -> None:
        """Count jobs and selfies of searches that were deleted."""
        free = [search for search in searches if self.is_free(search)]
        left.jobs += sum(map(self.jobs.holds, free))
        left.selfies += len(self.selfies.etags(_keys(free)))

    def is_free(self, search: SearchKey) -> bool:
        """Whether the search's request_id is free. Else another search under it has begun, which keeps its own."""
        return not self.idempotency.holds(search)

    def _is_begun(self, search: SearchKey) -> bool:
        """Whether it is running, or what was killed in its midst has left a selfie."""
        prefixes = selfie_keys(search)[0], job_prefix(search)
        return not self.is_free(search) or any(True for prefix in prefixes for _ in self.selfies.under(prefix))

    def _delete(
        self, searches: Sequence[SearchKey], hide: Callable[[SearchKey], None], *, found_by_selfie: bool = False
    ) -> int:
        """Steps 4 to 7; how many selfies there were that came with webhooks."""
        self._each(hide, searches)
        self._each(self.idempotency.delete, searches)
        if found_by_selfie:
            self._each(self.results.delete, searches)
        self.selfies.delete(_keys(searches))
        waiting = sum(self.selfies.delete(self.selfies.under(job_prefix(search))) for search in searches)
        if not found_by_selfie:
            self._each(self.results.delete, searches)
        return waiting

    def selfies_of(self, event: Event) -> Iterator[str]:
        for prefix in selfie_prefixes(event.org_id, event.event_id):
            yield from self.selfies.under(prefix)

    def _each(self, step: Callable[[SearchKey], T], searches: Sequence[SearchKey]) -> list[T]:
        return list(self.pool.map(step, searches))


def _keys(searches: Sequence[SearchKey]) -> list[str]:
    return [key for search in searches for key in selfie_keys(search)]
