"""Searches that webhooks have asked for, from the webhook to the end of the search."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.adapters.dynamodb.table import (
    Conflict,
    Item,
    RefusedError,
    Table,
    Write,
    delete,
    put,
    replacing,
    update,
)
from facesearch.models import Job, JobStatus, SearchKey
from facesearch.webhooks.jobs import JobStore


@dataclass(frozen=True)
class DynamoJobStore(JobStore):
    """In the table: the job, its place in its event's list, and its webhook-id."""

    table: Table
    retention_days: int

    @override
    def add(self, job: Job, *, after_end: bool = False) -> bool:
        """One transaction. A job that has expired counts as gone (TTL deletes within days)."""
        now, request_id = int(time.time()), str(job.search.request_id)
        shared = {
            "org_id": job.search.org_id,
            "webhook": job.webhook,
            # As long as the result, which is written later and so goes later.
            "expires_at": now + (self.retention_days + 1) * SECONDS_PER_DAY,
        }
        free = "attribute_not_exists(pk) OR expires_at <= :now"
        ended = {"done": JobStatus.DONE, "failed": JobStatus.FAILED} if after_end else {}
        free_job = f"{free} OR #status IN (:done, :failed)" if after_end else free
        writes = [
            put(schema.job_key(job.search) | shared | _attributes(job), free_job, now=now, **ended),
            put(schema.listed_job_key(job.search.event_id, job.search.request_id) | shared),
        ]
        if job.webhook:
            item = schema.webhook_key(job.search.org_id, job.webhook) | shared | {"request_id": request_id}
            # Or a job of this webhook was deleted by halves.
            writes.append(put(item, f"{free} OR request_id = :request_id", now=now, request_id=request_id))
        return self._together(writes)

    @override
    def note_enqueued(self, search: SearchKey) -> bool:
        change = "SET enqueued_at = :now"
        return self.table.write(update(schema.job_key(search), change, "attribute_exists(pk)", now=int(time.time())))

    @override
    def begin(self, search: SearchKey) -> bool:
        return self._change(search, JobStatus.RUNNING, "")

    @override
    def note(self, search: SearchKey, reason: str) -> None:
        change, condition = "SET reason = :reason", "attribute_exists(pk) AND #status = :running"
        key = schema.job_key(search)
        self.table.write(update(key, change, condition, reason=reason, running=JobStatus.RUNNING))

    @override
    def end(self, search: SearchKey, reason: str = "") -> None:
        self._change(search, JobStatus.FAILED if reason else JobStatus.DONE, reason)

    @override
    def cancel(self, search: SearchKey) -> bool:
        listed = self.table.get(schema.listed_job_key(search.event_id, search.request_id)) or {}
        waits = "attribute_not_exists(pk) OR (#status = :queued AND attribute_not_exists(enqueued_at))"
        writes = [
            delete(schema.job_key(search), waits, queued=JobStatus.QUEUED),
            delete(schema.listed_job_key(search.event_id, search.request_id)),
        ]
        if webhook := listed.get("webhook"):
            writes.append(delete(schema.webhook_key(search.org_id, webhook)))
        return self._together(writes)

    @override
    def jobs(self, event_id: int) -> Iterator[SearchKey]:
        for item in self.table.query(schema.listed_job_key(event_id)):
            yield SearchKey(item["org_id"], event_id, uuid.UUID(item["sk"]))

    @override
    def holds(self, search: SearchKey) -> bool:
        return self.table.get(schema.listed_job_key(search.event_id, search.request_id)) is not None

    @override
    def delete(self, search: SearchKey) -> bool:
        """The list goes last: by it a second run finds what a crash has left."""
        listed = self.table.get(schema.listed_job_key(search.event_id, search.request_id))
        if listed is None:
            return False
        if webhook := listed["webhook"]:
            self.table.write(delete(schema.webhook_key(search.org_id, webhook)))
        self.table.write(delete(schema.job_key(search)))
        self.table.write(delete(schema.listed_job_key(search.event_id, search.request_id)))
        return True

    def _together(self, writes: list[Write]) -> bool:
        """In a conflict somebody else is just doing the same."""
        try:
            self.table.transact(writes, attempts=1)
        except (RefusedError, Conflict):
            return False
        return True

    def _change(self, search: SearchKey, status: JobStatus, reason: str) -> bool:
        """Unless it is done, or gone."""
        change, condition = {"status": status, "reason": reason or None}, "attribute_exists(pk) AND #status <> :done"
        return self.table.write(replacing(schema.job_key(search), {}, change, condition, done=JobStatus.DONE))


def _attributes(job: Job) -> Item:
    """All that a job is but what it has in common with its other items."""
    return {
        "event_id": job.search.event_id,
        "request_id": str(job.search.request_id),
        "status": job.status,
        "created_at": job.created_at,
        "callback_url": job.callback_url or None,
        "reason": job.reason or None,
        "metadata": json.dumps(job.metadata, separators=(",", ":")) if job.metadata is not None else None,
        "url": _texts(job.urls),
        "selfie": _texts(job.selfies),
        "watch_days": job.watch_days,
        "watch_only": job.watch_only or None,
    }


def _texts(values: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """One string, or several as a list."""
    return values[0] if len(values) == 1 else values or None
