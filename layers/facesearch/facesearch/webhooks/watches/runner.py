"""Watches are begun and looked through.

A later photo that shows the person makes a new search, a child of the one that is watched: its id follows from its set
of photos, so that a message that comes twice, or a worker that dies anywhere, ends in the same child, told once. In
this order: the child is entered, its result stored, the watch looked for once more, the child told, the watch noted.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic
from uuid import UUID

from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.errors import SearchInProgress
from facesearch.faces.matching import ProbeT, StoredProbe, StoringMatcher
from facesearch.models import Event, Job, Page, SearchKey, SearchSummary
from facesearch.observability import count, log_unexpected, logger
from facesearch.reading import Reader, Wanted
from facesearch.search.results import OutdatedError, ResultStore
from facesearch.webhooks.announcing import Announcer, JobEnd
from facesearch.webhooks.watches.commands import WatchCommand, WatchCommands
from facesearch.webhooks.watches.watch import LostProbeError, Probes, Watch, WatchStore, child_of

FIRST = Page(1, 1)
PAGE = 20
"""Watches to one refresh of the event's index."""
ENOUGH_MILLISECONDS = 10_000
"""A page takes 1 to 5 s; with less left the rest of the round is another message's."""
AFRESH_AT_MOST = 3
"""How often a watch begins, or a page is looked through, afresh because something was deleted meanwhile."""
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True)
class WatchInvocation:
    """One delivery of an order: milliseconds that are left, by a clock, and whether it will be delivered again."""

    left: Callable[[], int]
    last: bool = False


class WatchRunner(Generic[ProbeT]):
    """The use case."""

    def __init__(
        self,
        *,
        matcher: StoringMatcher[ProbeT],
        probes: Probes,
        watches: WatchStore,
        reader: Reader,
        results: ResultStore,
        announcer: Announcer,
        orders: WatchCommands,
        retention_days: int,
    ) -> None:
        """Take the parts; `retention_days`: of results, which no watch outlives."""
        self._matcher = matcher
        self._probes = probes
        self._watches = watches
        self._reader = reader
        self._results = results
        self._announcer = announcer
        self._orders = orders
        self._retention_days = retention_days

    def keep(self, job: Job, selfies: Callable[[], Sequence[bytes]]) -> Watch | None:
        """Keep the probe of a job's finished search; None if there is nothing to watch any more, or no room.

        Raises:
            SearchInProgress: things are being deleted from the event all the time.
            UnusableImage, NoFaceFound, OtherPerson, and what `selfies` raises.
        """
        for _ in range(AFRESH_AT_MOST):
            event = self._event(job.search.event_id)
            if event is None or not event.faces.is_ours:  # others give no probe away
                return None
            watch = self._watches.get(job.search)
            if watch is None:
                watch = self._new(event, job, selfies())
                if not self._watches.keep(watch):
                    count("WatchesRefused")
                    logger.warning("the event has as many watches as it may")
                    return None
            # Whoever deletes says so first and then looks for watches: this one was found, or the deletion is seen.
            known = self._reader.read(Wanted(event_id=event.event_id, job=job.search))
            if known.event is not None and not known.event.closing and known.job is not None:
                if known.event.erasures == event.erasures:
                    count("WatchesKept")
                    return watch
                self._watches.end(job.search)
                continue
            self._watches.end(job.search)
            return None
        raise SearchInProgress("Photos are being deleted from the event all the time.", RETRY_AFTER_SECONDS)

    def catch_up(self, watch: Watch) -> None:
        """Look for photos that were indexed before the watch was there and after its search had looked.

        Raises:
            OutdatedError: something was deleted meanwhile; try again.
        """
        event = self._event(watch.search.event_id)
        if event is not None:
            self._look_through(event, [watch], last=False)

    def run(self, order: WatchCommand, turn: WatchInvocation) -> None:
        """Look through an event's watches, or as many of them as there is time for.

        Raises:
            Exception: whatever stood in the way of one of them, for the order to be delivered again. At its last
                delivery the others come first.
        """
        event = self._event(order.event_id)
        if event is None or event.org_id != order.org_id:
            return
        if not event.keeps_faces:
            self._watches.purge(event.event_id)
            return
        after, counted = order.after, order.counted
        while True:  # each message looks through a page at least, so that a round ends however slow its workers are
            page = self._watches.page(order.event_id, after, PAGE)
            counted += self._page(order.event_id, page, last=turn.last)
            if len(page) < PAGE:
                self._watches.recount(order.event_id, counted)
                return
            after = page[-1].search.request_id
            if turn.left() < ENOUGH_MILLISECONDS:
                break
        self._orders.send(replace(order, after=after, counted=counted))

    def _page(self, event_id: int, page: Sequence[Watch], *, last: bool) -> int:
        """Look through a page of watches; how many of them live."""
        for attempt in range(AFRESH_AT_MOST):
            event = self._event(event_id)
            if event is None:
                return 0
            try:
                return self._look_through(event, page, last=last)
            except OutdatedError:
                if attempt == AFRESH_AT_MOST - 1:
                    raise
        raise AssertionError

    def _look_through(self, event: Event, watches: Sequence[Watch], *, last: bool) -> int:
        probes = [(watch, kept) for watch in watches if (kept := self._opened(event, watch)) is not None]
        if not probes or not (event.event_enabled and event.selfie_search):
            return len(probes)
        recalled = self._matcher.recall(event, [kept for _, kept in probes])
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
        photos = self._matcher.match(event, probe)
        child = child_of(watch.search, photos)
        if child.request_id == watch.last:
            return
        told = self._told(watch)
        if told is None:
            self._end(watch, "its search is gone")
            return
        if {photo.image_id for photo in photos} <= told:
            return
        summary = self._matcher.summary(event, probe, photos)
        self._watches.enter(watch, child)
        self._results.save(child, summary, photos, event.erasures)
        if self._watches.get(watch.search) is None:  # ended meanwhile, and maybe before the child was entered
            self._results.withdraw(child)
            self._results.delete(child)
            return
        self._announcer.announce(_updated(watch, child, summary))
        self._watches.note(watch, child)
        count("WatchUpdates")
        logger.info("later photos found", matches=summary.total)

    def _opened(self, event: Event, watch: Watch) -> StoredProbe | None:
        """The probe; None if the watch is over, which is then forgotten."""
        if watch.expires_at <= time.time():
            self._end(watch, "its time is over")
        elif watch.model != event.model:
            # The selfie is gone and the probe cannot be compared with the new faces: it is of no use to anybody.
            self._end(watch, "the event's model is another one")
        else:
            try:
                return self._probes.open(watch)
            except LostProbeError:
                self._end(watch, "its probe cannot be decrypted any more")
        return None

    def _end(self, watch: Watch, reason: str) -> None:
        self._watches.end(watch.search)
        count("WatchesEnded")
        logger.info("watch ended", reason=reason)

    def _told(self, watch: Watch) -> set[UUID] | None:
        last = replace(watch.search, request_id=watch.last)
        if self._reader.read(Wanted(search=last, page=FIRST)).result is None:
            return None
        return set(self._results.photos(last))

    def _event(self, event_id: int) -> Event | None:
        event = self._reader.read(Wanted(event_id=event_id)).event
        return None if event is None or event.closing else event

    def _new(self, event: Event, job: Job, selfies: Sequence[bytes]) -> Watch:
        kept = self._matcher.keepable(event, selfies)
        now = int(time.time())
        days = min(job.watch_days or 0, self._retention_days)
        return Watch(
            search=job.search,
            model=kept.model,
            probe=self._probes.seal(job.search, kept),
            callback_url=job.callback_url,
            metadata=job.metadata,
            created_at=job.created_at or now,
            expires_at=now + days * SECONDS_PER_DAY,
            last=job.search.request_id,
        )


def _updated(watch: Watch, child: SearchKey, summary: SearchSummary) -> JobEnd:
    return JobEnd(
        org_id=child.org_id,
        event_id=child.event_id,
        request_id=child.request_id,
        type="face_search.updated",
        total=summary.total,
        confidence=summary.confidence,
        reason=None,
        metadata=watch.metadata,
        callback_url=watch.callback_url,
        parent_request_id=watch.search.request_id,
    )
