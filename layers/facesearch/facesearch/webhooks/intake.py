"""A webhook comes in: who sent it, whether it is new, and the search that it starts.

The order of its steps is what makes it safe to send again: the selfies, the job, the message, the note that the message
was sent. Whatever a crash leaves out, the same webhook sent again adds.
"""

import hashlib
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from facesearch.api.webhook_authentication import WebhookAuthenticator
from facesearch.errors import InvalidRequest, NotFound, SearchDeleted, SearchInProgress, StoreUnavailable
from facesearch.models import Event, Job, JobStatus, Page, SearchKey
from facesearch.observability import log_unexpected
from facesearch.reading import Known, Reader, Wanted
from facesearch.webhooks.announcing import Announcer
from facesearch.webhooks.commands import SearchCommand, SearchCommands
from facesearch.webhooks.jobs import JobStore, completed, status_of
from facesearch.webhooks.outbound import RefusedUrlError
from facesearch.webhooks.pending_selfies import PendingSelfieStore
from facesearch.webhooks.requests import WebhookRequest
from facesearch.webhooks.shares import Shares
from facesearch.webhooks.signing import ID

ATTEMPTS = 4
"""At a job that others add or delete at the same moment; each of theirs is one write."""
RETRY_AFTER_SECONDS = 1
LONGEST_DELAY = 5
"""Seconds by which an order may come later while its organisation's fetches hold all they may: a burst of them does not
lie in the queue before others' searches, only to step aside."""
FIRST = Page(1, 1)


@dataclass(frozen=True)
class Accepted:
    """What becomes of a webhook. `replayed`: something had become of it, or of its search, before."""

    search: SearchKey
    status: JobStatus
    replayed: bool


class WebhookIntake:
    """The use case: one job for each webhook-id, and for each request_id."""

    def __init__(
        self,
        *,
        reader: Reader,
        jobs: JobStore,
        selfies: PendingSelfieStore,
        queue: SearchCommands,
        announcer: Announcer,
        check_url: Callable[[str], None],
        shares: Shares,
        watching: bool = False,
    ) -> None:
        """Take the parts; `check_url` raises `RefusedUrlError` of what can be no callback's address. `watching`:
        whether this deployment keeps probes. `shares`: of an organisation in the workers that fetch."""
        self._reader = reader
        self._jobs = jobs
        self._selfies = selfies
        self._queue = queue
        self._announcer = announcer
        self._check_url = check_url
        self._shares = shares
        self._watching = watching

    def receive(self, event: Event, request: WebhookRequest, webhook_id: str) -> Accepted:
        """Start the search, or say what has become of it.

        Args:
            event: that the search is about.
            request: the body.
            webhook_id: of the webhook; empty if it came without one.

        Raises:
            InvalidRequest, InvalidRequestId, UnreadableBody, TooLarge: the body.
            NotFound, SearchDeleted: the event, or the search, was deleted meanwhile.
            SearchInProgress: others add and delete the same job all the time.
        """
        given, pictures = request.search_id, request.pictures()
        if request.watch and not event.faces.is_ours:
            raise InvalidRequest("body.watch: Rekognition keeps the event's faces, and gives no probe to watch by.")
        if request.watch and not self._watching:
            raise InvalidRequest(
                "body.watch: this deployment keeps no probes, so it cannot watch (parameter Watching)."
            )
        self._check_callback(request)
        search = SearchKey(event.org_id, event.event_id, given or uuid.uuid4())
        webhook = _digest(event, webhook_id) if webhook_id else ""
        cancelled = dict[SearchKey, str]()
        for _ in range(ATTEMPTS):
            search, known = self._known(search, webhook)
            if known.cancelled != cancelled.setdefault(search, known.cancelled):
                raise SearchDeleted("This search was deleted while its webhook was being received.")
            if known.job is not None:
                accepted = self._again(known.job, known)
            else:
                accepted = self._add(event, _job(search, request, webhook), pictures, known)
            if accepted is not None:
                return accepted
        raise SearchInProgress("This webhook is being received elsewhere. Send it again.", RETRY_AFTER_SECONDS)

    def _check_callback(self, request: WebhookRequest) -> None:
        if request.callback_url is not None:
            try:
                self._check_url(request.callback_url)
            except RefusedUrlError as refused:
                raise InvalidRequest(f"body.callback_url: {refused.reason}") from None

    def _known(self, search: SearchKey, webhook: str) -> tuple[SearchKey, Known]:
        """The search that the webhook is about, the one that it started if it has been here before, and what there is
        of it."""
        by_id = (search.org_id, webhook) if webhook else None
        known = self._reader.read(Wanted(search=search, page=FIRST, job=search, webhook=by_id))
        if known.webhook is None or known.webhook == search.request_id:
            return search, known
        search = replace(search, request_id=known.webhook)
        return search, self._reader.read(Wanted(search=search, page=FIRST, job=search))

    def _again(self, job: Job, known: Known) -> Accepted | None:
        """What has become of the job; None if it is gone by now."""
        if job.status is JobStatus.QUEUED and not job.enqueued and not self._enqueue(job):
            return None  # the first time ended before this; if it did not, two messages do no harm
        return Accepted(job.search, status_of(job, known.result) or JobStatus.DONE, replayed=True)

    def _add(self, event: Event, job: Job, pictures: Sequence[bytes], known: Known) -> Accepted | None:
        """Add the job; None if there is one by now, or none any more. If it fails, there is nothing of it."""
        if known.result is not None and job.watch_days is None:
            # A POST has searched already. Told before the job is there: sent again, it would not be told any more.
            if job.callback_url:
                self._announcer.announce(completed(job, known.result.summary))
            done = replace(job, status=JobStatus.DONE, enqueued=True)
            return Accepted(job.search, JobStatus.DONE, replayed=True) if self._jobs.add(done) else None
        with self._nothing_left(job.search) as kept:
            for picture in pictures:
                kept.append(self._selfies.keep(job.search, picture))
            job = replace(job, selfies=tuple(kept))
            if not self._jobs.add(job):
                self._forget(kept)
                return None
            self._require_open(event, job)
            if not self._enqueue(job):
                self._forget(kept)
                return None
        return Accepted(job.search, JobStatus.QUEUED, replayed=False)

    @contextmanager
    def _nothing_left(self, search: SearchKey) -> Iterator[list[str]]:
        """A list of the selfies that the block keeps. If it fails they are gone again, and so is the job, if it was
        added: unless it was ordered, by another webhook that was told so."""
        kept = list[str]()
        try:
            yield kept
        except Exception as error:
            try:
                if isinstance(error, NotFound) or self._jobs.take_back(search):
                    self._forget(kept)
            except StoreUnavailable as left:
                log_unexpected(left)
            raise

    def _require_open(self, event: Event, job: Job) -> None:
        """A deletion closes the event and then looks for its jobs: it has found this one, or is seen here."""
        now = self._reader.read(Wanted(event_id=event.event_id)).event
        if now is None or now.closing:
            self._jobs.delete(job.search)
            raise NotFound("Event configuration not found.")

    def _enqueue(self, job: Job) -> bool:
        """Order the search; False if its job is gone."""
        waits = bool(job.urls) and not self._shares.is_free(job.search.org_id)
        self._queue.send(SearchCommand(job.search), random.randint(1, LONGEST_DELAY) if waits else 0)  # noqa: S311 - jitter
        try:
            return self._jobs.note_enqueued(job.search)
        except StoreUnavailable as error:  # the order is on its way, and a second one would do no harm
            log_unexpected(error)
            return True

    def _forget(self, selfies: Sequence[str]) -> None:
        for key in selfies:
            self._selfies.forget(key)


def _job(search: SearchKey, request: WebhookRequest, webhook: str) -> Job:
    return Job(
        search=search,
        urls=request.urls,
        callback_url=request.callback_url or "",
        metadata=request.metadata,
        watch_days=request.watch_days if request.watch else None,
        webhook=webhook,
        created_at=int(time.time()),
    )


def _digest(event: Event, webhook_id: str) -> str:
    return hashlib.sha256(f"{event.event_id}\n{webhook_id}".encode()).hexdigest()


__all__ = ["ID", "Accepted", "WebhookAuthenticator", "WebhookIntake"]
