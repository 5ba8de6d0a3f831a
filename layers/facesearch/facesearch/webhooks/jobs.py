"""What can be said of a job: how far it has come, where its result is, and how it has ended."""

import time

from facesearch.models import Job, JobStatus, SearchKey, SearchSummary
from facesearch.responses import QueuedSearch, SearchStatus
from facesearch.store.reading import StoredPage
from facesearch.webhooks.announcing import JobEnd

LOST_SECONDS = 3 * 86_400
"""A job is over within two days of its webhook: one of waiting for quota, and twenty deliveries an hour apart. One that
is not has lost its message, or SQS has moved it to the dead letters before a worker could say how it ended."""
LOST = "The search could not be completed."


def status_of(job: Job | None, result: StoredPage | None) -> JobStatus | None:
    """How far a search has come; None if there is no such search, or no longer a result of it."""
    if result is not None:  # whoever has searched it: a POST, or a job that could not note it yet
        return JobStatus.DONE
    if job is None or job.status is JobStatus.DONE:
        return None
    return JobStatus.FAILED if time.time() > job.created_at + LOST_SECONDS else job.status


def search_status(search: SearchKey, status: JobStatus, job: Job | None) -> SearchStatus:
    """The answer that says so."""
    reason = job.reason if job is not None and status is not JobStatus.DONE else ""
    if job is not None and status is JobStatus.FAILED and job.status is not JobStatus.FAILED:
        reason = LOST
    return SearchStatus(request_id=search.request_id, status=status.value, reason=reason or None)


def queued_search(search: SearchKey, status: JobStatus) -> QueuedSearch:
    """The answer to its webhook."""
    results = f"/api/v1/ext/{search.org_id}/event/{search.event_id}/faces/{search.request_id}"
    return QueuedSearch(
        request_id=search.request_id, status=status.value, results_url=results, status_url=f"{results}/status"
    )


def completed(job: Job, summary: SearchSummary) -> JobEnd:
    """The end of a job whose search found what it found."""
    return JobEnd(
        org_id=job.search.org_id,
        event_id=job.search.event_id,
        request_id=job.search.request_id,
        type="face_search.completed",
        total=summary.total,
        confidence=summary.confidence,
        reason=None,
        metadata=job.metadata,
        callback_url=job.callback_url,
    )


def failed(job: Job, reason: str) -> JobEnd:
    """The end of a job that cannot be done."""
    return JobEnd(
        org_id=job.search.org_id,
        event_id=job.search.event_id,
        request_id=job.search.request_id,
        type="face_search.failed",
        total=None,
        confidence=None,
        reason=reason,
        metadata=job.metadata,
        callback_url=job.callback_url,
    )
