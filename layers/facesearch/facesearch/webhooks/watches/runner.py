"""Watches are begun and looked through.

A later photo that shows the person makes a new search, a child of the one that is watched: its id follows from its set
of photos, so that a message that comes twice, or a worker that dies anywhere, ends in the same child, told once. In
this order: the child is entered, its result stored, the watch looked for once more, the child told, the watch noted.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic

from facesearch.errors import SearchInProgress
from facesearch.faces.matching import ProbeT, StoredProbe, StoringMatcher
from facesearch.models import Event, Job, Page
from facesearch.observability import count, log_unexpected, logger
from facesearch.reading import Reader, Wanted
from facesearch.search.face_search import SelfieSource
from facesearch.search.results import OutdatedError, ResultStore
from facesearch.webhooks.commands import SearchCommands, WatchCommand
from facesearch.webhooks.jobs import Announcer, JobEnd, end_of
from facesearch.webhooks.watches.watch import LostProbeError, Probes, Watch, WatchStore, child_of

FIRST = Page(1, 1)
PAGE = 20
"""Watches to one refresh of the event's index."""
ENOUGH_SECONDS = 10
"""A page takes 1 to 5 s; with less left the rest of the round is another message's."""
AFRESH_AT_MOST = 3
"""How often a watch begins, or a page is looked through, afresh because something was deleted meanwhile."""
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class WatchRunner(Generic[ProbeT]):
    """The use case."""

    matcher: StoringMatcher[ProbeT]
    probes: Probes
    watches: WatchStore
    reader: Reader
    results: ResultStore
    announcer: Announcer
    commands: SearchCommands
    clock: Callable[[], float] = time.time

    def watch(self, job: Job, selfies: SelfieSource) -> Callable[[], None] | None:
        """Keep the probe of a job's finished search; None if there is nothing to watch any more, or no room.

        What is returned looks for photos that were indexed before the watch was there and after its search had looked.
        It raises OutdatedError if something was deleted meanwhile.

        Raises:
            SearchInProgress: photos are being deleted from the event all the time.
            UnusableImage, NoFaceFound, OtherPerson, and what `selfies` raises.
        """
        for _ in range(AFRESH_AT_MOST):
            known = self.reader.read(Wanted(event_id=job.search.event_id, search=job.search, page=FIRST))
            event, result = known.event, known.result
            # Other engines give no probe away.
            if event is None or event.closing or not event.faces.is_ours or result is None:
                return None
            watch = self.watches.get(job.search)
            if watch is None:
                watch = self._new(event, job, end_of(job, result), selfies())
                if not self.watches.keep(watch):
                    count("WatchesRefused")
                    logger.warning("the event has as many watches as it may")
                    return None
            # A deletion says so first and then looks for watches: it has found this one, or is seen here.
            known = self.reader.read(Wanted(event_id=event.event_id, job=job.search))
            is_over = known.event is None or known.event.closing or known.job is None
            if known.event is not None and not is_over and known.event.erasures == event.erasures:
                count("WatchesKept")
                return partial(self._catch_up, watch)
            self.watches.delete(job.search)
            if is_over:
                return None
        raise SearchInProgress("Photos are being deleted from the event. Try again.", RETRY_AFTER_SECONDS)

    def _catch_up(self, watch: Watch) -> None:
        event = self._event(watch.search.event_id)
        if event is not None:
            self._look_through(event, [watch], last=False)

    def run(self, command: WatchCommand, seconds_left: Callable[[], float], *, last: bool = False) -> None:
        """Look through an event's watches, or as many of them as there is time for in the invocation.

        Whatever stands in the way of one of them is raised, for the command to be delivered again. At its `last`
        delivery it is logged, and the others have their turn.
        """
        event = self._event(command.event_id)
        if event is None or event.org_id != command.org_id:
            return
        if not event.keeps_faces:
            self.watches.delete_watches(event.event_id)
            return
        after, counted = command.after, command.counted
        while True:  # each message looks through a page at least, so that a round ends however slow its workers are
            page = self.watches.page(command.event_id, after, PAGE)
            counted += self._page(command.event_id, page, last=last)
            if len(page) < PAGE:
                self.watches.recount(command.event_id, counted)
                return
            after = page[-1].search.request_id
            if seconds_left() < ENOUGH_SECONDS:
                break
        self.commands.send(replace(command, after=after, counted=counted))

    def _page(self, event_id: int, page: Sequence[Watch], *, last: bool) -> int:
        """Look through a page of watches; how many of them live."""
        outdated = 0
        while (event := self._event(event_id)) is not None:
            try:
                return self._look_through(event, page, last=last)
            except OutdatedError:
                outdated += 1
                if outdated == AFRESH_AT_MOST:
                    raise
        return 0

    def _look_through(self, event: Event, watches: Sequence[Watch], *, last: bool) -> int:
        probes = [(watch, kept) for watch in watches if (kept := self._opened(event, watch)) is not None]
        if not probes or not (event.event_enabled and event.selfie_search):
            return len(probes)
        recalled = self.matcher.recall(event, [kept for _, kept in probes])
        for (watch, _), probe in zip(probes, recalled, strict=True):
            try:
                self._look(event, watch, probe)
            except OutdatedError:
                raise
            except Exception as error:
                if not last:
                    raise
                log_unexpected(error)
                count("WatchesFailed")
        return len(probes)

    def _look(self, event: Event, watch: Watch, probe: ProbeT) -> None:
        photos = self.matcher.match(event, probe)
        child = child_of(watch.search, photos)
        if child.request_id == watch.last:
            return
        last = replace(watch.search, request_id=watch.last)
        if self.reader.read(Wanted(search=last, page=FIRST)).result is None:
            self._delete(watch, "its search is gone")
            return
        if {photo.image_id for photo in photos}.issubset(self.results.photos(last)):
            return
        summary = self.matcher.summary(event, probe, photos)
        self.watches.enter(watch, child)
        self.results.enter(child)
        self.results.save(child, summary, photos, event.erasures)
        if self.watches.get(watch.search) is None:  # ended meanwhile, and maybe before the child was entered
            self.results.hide(child)
            self.results.delete(child)
            return
        end = JobEnd(child, "face_search.updated", watch.callback_url, watch.metadata, summary)
        self.announcer.announce(replace(end, parent_request_id=watch.search.request_id))
        self.watches.note(watch, child)
        count("WatchUpdates")
        logger.info("later photos found", matches=summary.total)

    def _opened(self, event: Event, watch: Watch) -> StoredProbe | None:
        """The probe; None if the watch is over, which is then deleted."""
        if watch.expires_at <= self.clock():
            self._delete(watch, "its time is over")
        elif watch.model != event.model:
            # The selfie is gone and the probe cannot be compared with the new faces: it is of no use to anybody.
            self._delete(watch, "the event's model is another one")
        else:
            try:
                return self.probes.open(watch)
            except LostProbeError:
                self._delete(watch, "its probe cannot be decrypted any more")
        return None

    def _delete(self, watch: Watch, reason: str) -> None:
        self.watches.delete(watch.search)
        count("WatchesEnded")
        logger.info("watch ended", reason=reason)

    def _event(self, event_id: int) -> Event | None:
        event = self.reader.read(Wanted(event_id=event_id)).event
        return None if event is None or event.closing else event

    def _new(self, event: Event, job: Job, expires_at: int, selfies: Sequence[bytes]) -> Watch:
        kept = self.matcher.keepable(event, selfies)
        return Watch(
            search=job.search,
            model=kept.model,
            probe=self.probes.seal(job.search, kept),
            callback_url=job.callback_url,
            metadata=job.metadata,
            created_at=job.created_at,
            expires_at=expires_at,
            last=job.search.request_id,
        )
