"""Running a webhook's search: by the same use case as POST, under the same claim, paid for by the same quota.

SQS delivers a command at least once and a worker may be killed at any step, so every step can be done again: the search
happens once by its claim, the end is told before it is noted, and told twice it is one announcement.
"""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from facesearch.errors import (
    Busy,
    FaceSearchError,
    NoFaceFound,
    NoSuchEvent,
    OtherPerson,
    QuotaExceeded,
    SearchDeleted,
    SearchInProgress,
    SelfieUnavailable,
    StoreUnavailable,
    Throttled,
    UnusableImage,
)
from facesearch.models import Feature, Job, JobStatus, Page, QuotaState, SearchKey, SearchSummary, require
from facesearch.observability import count, log_unexpected, logger
from facesearch.reading import Known, Reader, Wanted
from facesearch.search.face_search import FaceSearch, Invocation, SelfieSource
from facesearch.search.quota import Meter
from facesearch.webhooks.commands import LONGEST_DELAY, MessageDelivery, NotNowError, SearchCommand, SearchCommands
from facesearch.webhooks.jobs import LOST, Announcer, JobEnd, JobStore
from facesearch.webhooks.outbound import Shares
from facesearch.webhooks.pending_selfies import PendingSelfies
from facesearch.webhooks.watches.runner import WatchRunner

FIRST = Page(1, 1)
RETRY_SECONDS = 5
GROWTH = 4
"""Tried again after 5 s, 20 s, 80 s, 5 min, then every 15 min, give or take a fifth: 10 deliveries take 70 minutes."""
LONGEST_RETRY = 3600
SHORTEST_WAIT = 2
"""Seconds before the first look whether there is quota again; doubled each time, up to 15 minutes."""
LONGEST_WAIT = 86_400
"""Seconds after its webhook in which a search waits for quota: a selfie that came along is kept for no longer."""
MOST_WAITS = 200
"""While AWS throttles: a day of waits of 15 minutes and less. What comes then uses up deliveries."""
NO_QUOTA = "The organisation's face-search quota was used up for a day."
SHORTEST_ASIDE = 8
LONGEST_ASIDE = 60
MOST_ASIDES = 200
"""Up to 8 s, 16 s, 32 s, 60 s of stepping aside, so often: an hour and a half in which others' fetches hang all the
time. Each time takes a worker for a moment: with 2 s at first, fifty that hang took 12 such moments a second."""


@dataclass(frozen=True, kw_only=True)
class JobRunner:
    """The use case.

    Attributes:
        deliveries: how often the queue delivers a command at most. The last one only closes the job, so that it ends
            even if every worker died of it before.
        shares: of an organisation in the workers, while its selfies are being fetched.
        watcher: None = this deployment keeps no probes.
        delete_search: deletes a search whose job was deleted while it ran.
        jitter: a whole number between two, both included.
    """

    reader: Reader
    jobs: JobStore
    selfies: PendingSelfies
    search: FaceSearch[Any]
    meter: Callable[[int, QuotaState], Meter]
    commands: SearchCommands
    announcer: Announcer
    deliveries: int
    shares: Shares
    watcher: WatchRunner[Any] | None
    delete_search: Callable[[SearchKey], None]
    clock: Callable[[], float] = time.time
    jitter: Callable[[int, int], int] = random.randint

    def run(self, command: SearchCommand, delivery: MessageDelivery) -> None:
        """Bring a job to its end.

        Raises:
            NotNowError: the command must be delivered again, after a while that the queue knows.
        """
        try:
            self._run(command, delivery)
        except Throttled as error:
            if command.waits >= MOST_WAITS:
                raise
            log_unexpected(error)
            self._wait(command, replace(delivery, number=command.tries + delivery.number), error.retry_after)

    def _run(self, command: SearchCommand, delivery: MessageDelivery) -> None:
        search = command.search
        known = self.reader.read(
            Wanted(event_id=search.event_id, search=search, page=FIRST, quota_of=search.org_id, job=search)
        )
        job = known.job
        delivery = _counted(command, delivery, job)
        if job is None:
            logger.info("job is gone")
        elif known.result is not None and job.status is not JobStatus.DONE and not self._is_watched(job, delivery):
            self._complete(job, known.result.summary)
        elif job.status is JobStatus.DONE or (job.status is JobStatus.FAILED and not job.reason.startswith(LOST)):
            self.selfies.delete(job)
        elif known.result is None and delivery.number >= self.deliveries:
            self._fail(job, f"{LOST} {job.reason.removeprefix(LOST)}".strip())
            self._postpone(delivery, 0)  # whence SQS moves it to the dead letters
            raise NotNowError
        # A worker that waits for a stranger's host needs a share of the organisation; no other does.
        elif (share := self.shares.take(search.org_id, delivery.seconds_left()) if job.urls else ExitStack()) is None:
            self._step_aside(command, job, delivery)
        else:
            with share:
                if self.jobs.begin(search):
                    self._try(command, job, known, delivery, share)

    def _step_aside(self, command: SearchCommand, job: Job, delivery: MessageDelivery) -> None:
        """Enter the command anew, which uses up no delivery, while fetches of its organisation hold all they may."""
        if command.asides >= MOST_ASIDES:
            self._fail(job, "selfie_url could not be fetched: too many others of the organisation do not respond.")
            return
        ceiling = min(LONGEST_ASIDE, SHORTEST_ASIDE * 2 ** min(command.asides, 6))
        delay = self.jitter(1, ceiling)
        self.commands.send(replace(command, asides=command.asides + 1, tries=delivery.number - 1), delay)
        count("JobsSteppedAside")
        logger.info("job steps aside", seconds=delay)

    def _try(self, command: SearchCommand, job: Job, known: Known, delivery: MessageDelivery, share: ExitStack) -> None:
        try:
            self._search_and_announce(job, known, delivery, share)
        except QuotaExceeded as error:
            if self.clock() > job.created_at + LONGEST_WAIT:
                self._fail(job, NO_QUOTA)
                return
            self.jobs.note(job.search, "Waiting for the organisation's face-search quota.")
            self._wait(command, delivery, error.retry_after)
        except SearchInProgress as error:
            # The other worker has its claim as long as an invocation may last; if it was killed, the claim ends then.
            self._postpone(delivery, int(delivery.seconds_left()) + 1)
            raise NotNowError from error
        except Throttled:
            raise
        except Busy as error:  # the host of the selfie, or the service that finds the faces
            self.jobs.note(job.search, error.message)
            self._retry(delivery, error.retry_after)
            raise NotNowError from error
        except SearchDeleted:
            logger.info("search was deleted")
            self.selfies.delete(job)
        except FaceSearchError as error:
            self._fail(job, error.message)
        except Exception as error:
            log_unexpected(error)
            self._retry(delivery, 0)
            raise NotNowError from error

    def _search_and_announce(self, job: Job, known: Known, delivery: MessageDelivery, share: ExitStack) -> None:
        def fetch() -> Sequence[bytes]:
            with share:  # which is given back as soon as they are there
                return self.selfies.of(job)

        # A search that starts afresh because of a deletion meanwhile does not fetch again, and neither does its watch.
        selfies = cache(fetch)
        summary = known.result.summary if known.result is not None else self._matched(job, known, delivery, selfies)
        if self.reader.read(Wanted(job=job.search)).job is None:
            # The search was deleted while it ran: first its job, then its result, which may have come later.
            self.delete_search(job.search)
            self.selfies.delete(job)
            return
        self._complete(job, summary, self._watch(job, delivery, selfies))

    def _is_watched(self, job: Job, delivery: MessageDelivery) -> bool:
        """Whether a watch is wanted and still to be had: at the last delivery the job ends without."""
        return self.watcher is not None and job.watch_days is not None and delivery.number < self.deliveries

    def _watch(self, job: Job, delivery: MessageDelivery, selfies: SelfieSource) -> Callable[[], None] | None:
        """Keep the probe. Of a search that was done before, selfies may be others, or gone: nothing is kept."""
        if self.watcher is not None and self._is_watched(job, delivery):
            try:
                return self.watcher.watch(job, selfies)
            except (SelfieUnavailable, UnusableImage, NoFaceFound, OtherPerson) as error:
                logger.warning("search is not watched", reason=error.message)
                count("WatchesRefused")
        return None

    def _matched(self, job: Job, known: Known, delivery: MessageDelivery, selfies: SelfieSource) -> SearchSummary:
        event = known.event
        if event is None or event.closing:
            raise NoSuchEvent("The event is gone.")
        require(event, Feature.SELFIE_SEARCH)
        meter = self.meter(job.search.org_id, known.quota)
        invocation = Invocation(delivery.seconds_left, meter, known.cancelled)
        return self.search.search(event, job.search, selfies, FIRST, invocation).stored.summary

    def _complete(self, job: Job, summary: SearchSummary, catch_up: Callable[[], None] | None = None) -> None:
        self.announcer.announce(JobEnd(job.search, "face_search.completed", job.callback_url, job.metadata, summary))
        if catch_up is not None:
            catch_up()
        self.jobs.end(job.search)
        count("JobsCompleted")
        logger.info("job completed", matches=summary.total)
        self.selfies.delete(job)

    def _fail(self, job: Job, reason: str) -> None:
        self.announcer.announce(JobEnd(job.search, "face_search.failed", job.callback_url, job.metadata, reason=reason))
        self.jobs.end(job.search, reason)
        count("JobsFailed")
        logger.warning("job failed", reason=reason)
        if not reason.startswith(LOST):  # else an operator may have the dead letter delivered once more
            self.selfies.delete(job)

    def _wait(self, command: SearchCommand, delivery: MessageDelivery, retry_after: int) -> None:
        """Enter the command anew: waiting for quota or for AWS is no failure and must not use up its deliveries.
        `LONGEST_WAIT` and `MOST_WAITS` end it."""
        ceiling = min(LONGEST_DELAY, SHORTEST_WAIT * 2 ** min(command.waits, 10))
        delay = min(LONGEST_DELAY, retry_after + self.jitter(0, ceiling))
        self.commands.send(replace(command, waits=command.waits + 1, tries=delivery.number - 1), delay)
        count("JobsWaited")
        logger.info("job waits", seconds=delay)

    def _retry(self, delivery: MessageDelivery, retry_after: int) -> None:
        backoff = min(LONGEST_DELAY, RETRY_SECONDS * GROWTH ** (delivery.number - 1))
        seconds = self.jitter(round(backoff * 0.8), round(backoff * 1.2))
        self._postpone(delivery, min(LONGEST_RETRY, max(seconds, retry_after)))
        count("JobsRetried")

    def _postpone(self, delivery: MessageDelivery, seconds: int) -> None:
        try:
            self.commands.postpone(delivery.receipt, seconds)
        except StoreUnavailable as error:  # then it comes again when the queue's own time is over
            log_unexpected(error)


def _counted(command: SearchCommand, delivery: MessageDelivery, job: Job | None) -> MessageDelivery:
    """The delivery by its number among all of the job's: the queue counts those of one message. A dead letter that an
    operator has delivered once more is tried, whatever came before."""
    is_revived = delivery.number == 1 and job is not None and job.status is JobStatus.FAILED
    return delivery if is_revived else replace(delivery, number=command.tries + delivery.number)
