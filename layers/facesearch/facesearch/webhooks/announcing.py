"""What is told of the end of a webhook's search, and of what a watch has found later."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from facesearch.models import Job, SearchSummary

EndType = Literal["face_search.completed", "face_search.failed", "face_search.updated"]


@dataclass(frozen=True)
class JobEnd:
    """What there is to say of a search that a webhook has asked for.

    Attributes:
        type: completed and failed once for each request_id; updated for a later search that this one watches for.
        total: how many photos were found; None if it failed.
        confidence: the threshold in percent; None if it failed.
        reason: why it failed, in words that are safe to show; None if it did not.
        metadata: as the webhook sent it, at most 1 KB as JSON; None if it sent none.
        callback_url: where to; accepted once as https, not yet looked up.
        parent_request_id: of an update, the search that asked for it.
    """

    org_id: int
    event_id: int
    request_id: uuid.UUID
    type: EndType
    total: int | None
    confidence: int | None
    reason: str | None
    metadata: dict[str, Any] | None
    callback_url: str
    parent_request_id: uuid.UUID | None = None


class Announcer(Protocol):
    """Takes announcements and keeps them until they are delivered."""

    def announce(self, end: JobEnd) -> None:
        """Take one. The same one may come more than once, and is one: its request_id and type say which it is."""


def completed(job: Job, summary: SearchSummary) -> JobEnd:
    """The end of a job whose search found what it found."""
    return _end(job, "face_search.completed", summary.total, summary.confidence)


def failed(job: Job, reason: str) -> JobEnd:
    """The end of a job that cannot be done."""
    return _end(job, "face_search.failed", reason=reason)


def _end(
    job: Job, kind: EndType, total: int | None = None, confidence: int | None = None, reason: str | None = None
) -> JobEnd:
    search = job.search
    of = (search.org_id, search.event_id, search.request_id)
    return JobEnd(*of, kind, total, confidence, reason, job.metadata, job.callback_url)
