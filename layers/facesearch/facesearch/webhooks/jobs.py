"""Where jobs are kept, and how far each has come."""

import time
from collections.abc import Iterator
from typing import Protocol

from facesearch.models import Job, JobStatus, SearchKey
from facesearch.reading import StoredPage

LOST_SECONDS = 3 * 86_400
"""A job is over within two days of its webhook: one of waiting for quota, and twenty deliveries an hour apart. One that
is not has lost its message, or SQS has moved it to the dead letters before a worker could say how it ended."""
LOST = "The search could not be completed."


def status_of(job: Job | None, result: StoredPage | None) -> JobStatus | None:
    """How far a search has come; None if there is no such search, or no longer a result of it."""
    if result is not None:  # by a POST, or by a job that could not note it yet
        return JobStatus.DONE
    if job is None or job.status is JobStatus.DONE:
        return None
    return JobStatus.FAILED if time.time() > job.created_at + LOST_SECONDS else job.status


class JobStore(Protocol):
    """Where jobs are kept; a `Reader` reads them."""

    def add(self, job: Job) -> bool:
        """Keep a new job; False if there is one of its request_id, or its webhook has started another."""

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

    def delete(self, search: SearchKey) -> bool:
        """Delete a job, and which webhook has started it; whether there was one."""


class JobEraser(Protocol):
    """What deletions ask of jobs."""

    def jobs(self, event_id: int) -> Iterator[SearchKey]:
        """Every job of the event."""

    def holds(self, search: SearchKey) -> bool:
        """Whether there is a job of this search."""

    def delete(self, search: SearchKey) -> bool:
        """Delete a job, and which webhook has started it; whether there was one."""
