"""A webhook comes in: who sent it, whether it is new, and the search that it starts.

The order of its steps is what makes it safe to send again: the selfies, the job, the message, the note that the message
was sent. Whatever a crash leaves out, the same webhook sent again adds.
"""

import hashlib
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from facesearch.errors import InvalidRequest, NoSuchEvent, NotFound, SearchDeleted, SearchInProgress, StoreUnavailable
from facesearch.models import Event, Job, JobStatus, Page, SearchKey
from facesearch.observability import log_unexpected
from facesearch.reading import Known, Reader, Wanted
from facesearch.webhooks.commands import SearchCommand, SearchCommands
from facesearch.webhooks.jobs import Announcer, JobEnd, JobStore, status_of
from facesearch.webhooks.outbound import Outbound, RefusedUrlError, Shares
from facesearch.webhooks.pending_selfies import PendingSelfieStore
from facesearch.webhooks.requests import WebhookRequest

ATTEMPTS = 4
"""At a job that others add or delete at the same moment; each of theirs is one write."""
RETRY_AFTER_SECONDS = 1
LONGEST_DELAY = 5
"""Seconds by which a command may come later while its organisation's fetches hold all they may: a burst of them does
not lie in the queue before others' searches, only to step aside."""
FIRST = Page(1, 1)


@dataclass(frozen=True)
class Accepted:
    """What becomes of a webhook. `replayed`: something had become of it, or of its search, before."""

    search: SearchKey
    status: JobStatus
    replayed: bool


@dataclass(frozen=True, kw_only=True)
class WebhookIntake:
    """The use case: one job for each webhook-id, and for each request_id.

    Attributes:
        shares: of an organisation in the workers that fetch.
        watching: whether this deployment keeps probes.
        jitter: a whole number between two, both included.
    """

    reader: Reader
    jobs: JobStore
    selfies: PendingSelfieStore
    commands: SearchCommands
    announcer: Announcer
    outbound: Outbound
    shares: Shares
    watching: bool = False
    clock: Callable[[], float] = time.time
    jitter: Callable[[int, int], int] = random.randint

    def receive(self, event: Event, request: WebhookRequest, webhook_id: str) -> Accepted:
        """Start the search, or say what has become of it; `webhook_id` is empty if the webhook came without one.

        Raises:
            InvalidRequest, InvalidRequestId, UnreadableBody, TooLarge: the body.
            NotFound, SearchDeleted: the event, or the search, was deleted meanwhile.
            SearchInProgress: others add and delete the same job all the time.
        """
        given, pictures = request.search_id, request.pictures()
        if request.watch and not event.faces.is_ours:
            raise InvalidRequest("body.watch: Rekognition keeps the event's faces, and gives no probe to watch by.")
        if request.watch and not self.watching:
            raise InvalidRequest("body.watch: this deployment does not watch for new photos (parameter Watching).")
        self._check_callback(request)
        job = Job(
            SearchKey(event.org_id, event.event_id, given or uuid.uuid4()),
            urls=request.urls,
            callback_url=request.callback_url or "",
            metadata=request.metadata,
            watch_days=request.watch_days if request.watch else None,
            webhook=hashlib.sha256(f"{event.event_id}\n{webhook_id}".encode()).hexdigest() if webhook_id else "",
            created_at=int(self.clock()),
        )
        cancelled = dict[SearchKey, str]()
        for _ in range(ATTEMPTS):
            job, known = self._known(job)
            if known.cancelled != cancelled.setdefault(job.search, known.cancelled):
                raise SearchDeleted("This search was deleted while its webhook was being received.")
            accepted = self._add(job, pictures, known) if known.job is None else self._again(known.job, known)
            if accepted is not None:
                return accepted
        raise SearchInProgress("This webhook is already being received. Send it again.", RETRY_AFTER_SECONDS)

    def _check_callback(self, request: WebhookRequest) -> None:
        if request.callback_url is not None:
            try:
                self.outbound.check(request.callback_url)
            except RefusedUrlError as refused:
                raise InvalidRequest(f"body.callback_url: {refused.reason}") from None

    def _known(self, job: Job) -> tuple[Job, Known]:
        """The job, of the search that its webhook has started if it has been here before, and what there is of it."""
        by_id = (job.search.org_id, job.webhook) if job.webhook else None
        known = self.reader.read(Wanted(search=job.search, page=FIRST, job=job.search, webhook=by_id))
        if known.webhook is None or known.webhook == job.search.request_id:
            return job, known
        search = replace(job.search, request_id=known.webhook)
        return replace(job, search=search), self.reader.read(Wanted(search=search, page=FIRST, job=search))

    def _again(self, job: Job, known: Known) -> Accepted | None:
        """What has become of the job; None if it is gone by now."""
        if job.status is JobStatus.QUEUED and not job.enqueued and not self._enqueue(job):
            return None  # the first time ended before this; if it did not, two messages do no harm
        return Accepted(job.search, status_of(job, known.result) or JobStatus.DONE, replayed=True)

    def _add(self, job: Job, pictures: Sequence[bytes], known: Known) -> Accepted | None:
        """Add the job; None if there is one by now, or none any more. If it fails, there is nothing of it."""
        if known.result is not None and job.watch_days is None:
            # A POST has searched already. Told before the job is there: sent again, it would not be told any more.
            found = known.result.summary
            self.announcer.announce(JobEnd(job.search, "face_search.completed", job.callback_url, job.metadata, found))
            done = replace(job, status=JobStatus.DONE, enqueued=True)
            return Accepted(job.search, JobStatus.DONE, replayed=True) if self.jobs.add(done) else None
        kept = list[str]()
        try:
            for picture in pictures:
                kept.append(self.selfies.keep(job.search, picture))
            job = replace(job, selfies=tuple(kept))
            if self.jobs.add(job):
                # A deletion closes the event and then looks for its jobs: it has found this one, or is seen here.
                event = self.reader.read(Wanted(event_id=job.search.event_id)).event
                if event is None or event.closing:
                    self.jobs.delete(job.search)
                    raise NoSuchEvent
                if self._enqueue(job):
                    return Accepted(job.search, JobStatus.QUEUED, replayed=False)
            self._delete(kept)
            return None
        except Exception as error:
            try:  # unless its command was sent, by another webhook that was told so
                if isinstance(error, NotFound) or self.jobs.cancel(job.search):
                    self._delete(kept)
            except StoreUnavailable as left:
                log_unexpected(left)
            raise

    def _enqueue(self, job: Job) -> bool:
        """Send the command; False if its job is gone."""
        waits = bool(job.urls) and not self.shares.is_free(job.search.org_id)
        self.commands.send(SearchCommand(job.search), self.jitter(1, LONGEST_DELAY) if waits else 0)
        try:
            return self.jobs.note_enqueued(job.search)
        except StoreUnavailable as error:  # the command is on its way, and a second one would do no harm
            log_unexpected(error)
            return True

    def _delete(self, selfies: Sequence[str]) -> None:
        for key in selfies:
            self.selfies.delete(key)
