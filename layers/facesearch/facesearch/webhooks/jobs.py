"""Jobs: where they are kept, how far each has come, and what is told of its end, or of what a watch has found later."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from facesearch.models import Job, JobStatus, SearchKey, SearchSummary
from facesearch.reading import Known, StoredPage

SECONDS_PER_DAY = 86_400
LOST_SECONDS = 3 * SECONDS_PER_DAY
"""A job is over within two days of its webhook: one of waiting for quota, and twenty deliveries an hour apart. One that
is not has lost its message, or SQS has moved it to the dead letters before a worker could say how it ended."""
LOST = "The search could not be completed."
ENDED = frozenset({JobStatus.DONE, JobStatus.FAILED})
WATCH_DAYS = 30
"""The longest watch, and how long one lasts that does not say."""
EndType = Literal["face_search.completed", "face_search.failed", "face_search.updated"]


def status_of(job: Job | None, result: StoredPage | None) -> JobStatus | None:
    """How far a search has come; None if there is no such search, or no longer a result of it."""
    if result is not None:  # by a POST, or by a job that could not note it yet
        return JobStatus.DONE
    if job is None or job.status is JobStatus.DONE:
        return None
    return JobStatus.FAILED if time.time() > job.created_at + LOST_SECONDS else job.status


def end_of(job: Job, result: StoredPage) -> int:
    """When the watch ends that a job asks for: after the days that were agreed to, and never after its result."""
    return min(job.created_at + (job.watch_days or 0) * SECONDS_PER_DAY, result.expires_at)


def watching_until(known: Known) -> int:
    """When a search's watch ends, begun or still to be begun by its job; 0 = there is none."""
    job, result = known.job, known.result
    if known.watch.until or job is None or result is None or status_of(job, None) in {None, *ENDED}:
        return known.watch.until
    return end_of(job, result) if job.watch_days is not None else 0


@dataclass(frozen=True)
class JobEnd:
    """What there is to say of a search that a webhook has asked for.

    Attributes:
        type: completed or failed, once for each search; updated for a later search that this one watches for.
        callback_url: checked to be https, not yet looked up; empty = nobody is to be told.
        metadata: as the webhook sent it, at most 1 KB as JSON.
        summary: what was found; None if it failed.
        reason: why it failed, in words that are safe to show.
        parent_request_id: of an update, the search that asked for it.
    """

    search: SearchKey
    type: EndType
    callback_url: str
    metadata: dict[str, Any] | None
    summary: SearchSummary | None = None
    reason: str | None = None
    parent_request_id: uuid.UUID | None = None


class Announcer(Protocol):
    """Takes announcements and keeps them until they are delivered."""

    def announce(self, end: JobEnd) -> None:
        """Take one, unless nobody is to be told. The same one may come more than once: search and type say which."""


class JobStore(Protocol):
    """Where jobs are kept; a `Reader` reads them."""

    def add(self, job: Job, *, after_end: bool = False) -> bool:
        """Keep a new job; False if there is one of its request_id, or its webhook has started another.

        `after_end`: one that is done, or has failed, makes way.
        """

    def note_enqueued(self, search: SearchKey) -> bool:
        """Its message was sent; False if the job is gone."""

    def cancel(self, search: SearchKey) -> bool:
        """Delete a job whose webhook is about to be told that it failed; False if its message was sent, or it runs."""

    def begin(self, search: SearchKey) -> bool:
        """It is running; False if it is done, or gone."""

    def note(self, search: SearchKey, reason: str) -> None:
        """Why it did not get on this time."""

    def end(self, search: SearchKey, reason: str = "") -> None:
        """It is done, or, with a reason, failed. One that is done stays so, and one that is gone is not made anew."""

    def jobs(self, event_id: int) -> Iterator[SearchKey]:
        """Every job of the event."""

    def holds(self, search: SearchKey) -> bool:
        """Whether there is a job of this search."""

    def delete(self, search: SearchKey) -> bool:
        """Delete a job, and which webhook has started it; whether there was one."""
