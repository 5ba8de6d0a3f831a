"""A webhook's search is run: by the same use case as POST, under the same claim, paid for by the same quota.

SQS delivers an order at least once and a worker may be killed at any step, so every step can be done again: the search
happens once by its claim, the end is told before it is noted, and told twice it is one announcement.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from facesearch.access import Feature, require
from facesearch.errors import Busy, FaceSearchError, NotFound, QuotaExceeded, SearchInProgress
from facesearch.models import Job, JobStatus, SearchSummary
from facesearch.observability import count, log_unexpected, logger
from facesearch.pagination import Page
from facesearch.quota import Meter, QuotaState
from facesearch.search import Caller, FaceSearch
from facesearch.store.jobs import JobStore
from facesearch.store.reading import Reader, Snapshot, Wanted
from facesearch.webhooks.announcing import Announcer
from facesearch.webhooks.jobs import completed, failed
from facesearch.webhooks.queue import LONGEST_DELAY, Order, OrderQueue
from facesearch.webhooks.waiting import JobSelfies

FIRST = Page(1, 1)
RETRY_SECONDS = 5
GROWTH = 4
"""Tried again after 5 s, 20 s, 80 s, 5 min, then every 15 min, give or take a fifth: 10 deliveries take 70 minutes."""
LONGEST_RETRY = 3600
SHORTEST_WAIT = 2
"""Seconds before the first look whether there is quota again; doubled each time, up to 15 minutes."""
GAVE_UP = "The search could not be completed."


class NotNowError(Exception):
    """The order must be delivered again."""


@dataclass(frozen=True)
class Delivery:
    """One delivery of an order. `number`: from 1; `receipt`: what the queue knows it by."""

    number: int
    receipt: str


class SearchJobs:
    """The use case."""

    def __init__(
        self,
        *,
        reader: Reader,
        jobs: JobStore,
        selfies: JobSelfies,
        search: FaceSearch[Any],
        meter: Callable[[int, QuotaState], Meter],
        queue: OrderQueue,
        announcer: Announcer,
        deliveries: int,
    ) -> None:
        """Take the parts.

        `deliveries`: how often the queue delivers an order at most. The last one only closes the job, so that it ends
        even if every worker died of it before.
        """
        self._reader = reader
        self._jobs = jobs
        self._selfies = selfies
        self._search = search
        self._meter = meter
        self._queue = queue
        self._announcer = announcer
        self._deliveries = deliveries

    def run(self, order: Order, delivery: Delivery, context: LambdaContext) -> None:
        """Bring a job to its end.

        Raises:
            NotNowError: the order must be delivered again, after a while that the queue knows.
        """
        search = order.search
        known = self._reader.read(
            Wanted(event_id=search.event_id, search=search, page=FIRST, quota_of=search.org_id, job=search)
        )
        job = known.job
        if job is None:
            logger.info("job is gone")
        elif known.result is not None:
            self._complete(job, known.result.summary)
        elif job.status is JobStatus.DONE or (job.status is JobStatus.FAILED and not job.reason.startswith(GAVE_UP)):
            self._selfies.forget(job)
        elif delivery.number >= self._deliveries:
            self._fail(job, f"{GAVE_UP} {job.reason.removeprefix(GAVE_UP)}".strip())
            self._postpone(delivery, 0)  # whence SQS moves it to the dead letters
            raise NotNowError
        elif self._jobs.begin(search):
            self._try(order, job, known, delivery, context)

    def _try(self, order: Order, job: Job, known: Snapshot, delivery: Delivery, context: LambdaContext) -> None:
        try:
            self._complete(job, self._matched(job, known, context))
        except QuotaExceeded as error:
            self._jobs.note(job.search, "Waiting for the organisation's face-search quota.")
            self._wait(order, error.retry_after)
        except SearchInProgress as error:
            # Whoever has the claim has it for as long as an invocation may last; if it was killed, the claim ends then.
            self._postpone(delivery, context.get_remaining_time_in_millis() // 1000 + 1)
            raise NotNowError from error
        except Busy as error:  # the host of the selfie, or the service that finds the faces
            self._jobs.note(job.search, error.message)
            self._again(delivery, error.retry_after)
            raise NotNowError from error
        except FaceSearchError as error:
            self._fail(job, error.message)
        except Exception as error:
            log_unexpected(error)
            self._again(delivery, 0)
            raise NotNowError from error

    def _matched(self, job: Job, known: Snapshot, context: LambdaContext) -> SearchSummary:
        event = known.event
        if event is None or event.closing:
            raise NotFound("The event is gone.")
        require(event, Feature.SELFIE_SEARCH)
        caller = Caller(context, self._meter(job.search.org_id, known.quota))
        # A search that starts afresh because of a deletion meanwhile does not fetch again.
        source = cache(lambda: self._selfies.of(job))
        return self._search.search(event, job.search, source, FIRST, caller).stored.summary

    def _complete(self, job: Job, summary: SearchSummary) -> None:
        if job.status is not JobStatus.DONE:
            if job.callback_url:
                self._announcer.announce(completed(job, summary))
            self._jobs.end(job.search)
            count("JobsCompleted")
            logger.info("job completed", matches=summary.total)
        self._selfies.forget(job)

    def _fail(self, job: Job, reason: str) -> None:
        if job.callback_url:
            self._announcer.announce(failed(job, reason))
        self._jobs.end(job.search, reason)
        count("JobsFailed")
        logger.warning("job failed", reason=reason)
        if not reason.startswith(GAVE_UP):  # else an operator may have the dead letter delivered once more
            self._selfies.forget(job)

    def _wait(self, order: Order, retry_after: int) -> None:
        """Enter the order anew: waiting for quota is no failure and must not use up its deliveries. Bounded by the job,
        which expires."""
        ceiling = min(LONGEST_DELAY, SHORTEST_WAIT * 2 ** min(order.waits, 10))
        delay = min(LONGEST_DELAY, retry_after + random.randint(0, ceiling))  # noqa: S311 - jitter
        self._queue.send(Order(order.search, order.waits + 1), delay)
        count("JobsWaited")
        logger.info("job waits for quota", seconds=delay)

    def _again(self, delivery: Delivery, retry_after: int) -> None:
        backoff = min(LONGEST_DELAY, RETRY_SECONDS * GROWTH ** (delivery.number - 1))
        seconds = round(backoff * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        self._postpone(delivery, min(LONGEST_RETRY, max(seconds, retry_after)))
        count("JobsRetried")

    def _postpone(self, delivery: Delivery, seconds: int) -> None:
        try:
            self._queue.postpone(delivery.receipt, seconds)
        except (BotoCoreError, ClientError) as error:  # then it comes again when the queue's own time is over
            log_unexpected(error)
