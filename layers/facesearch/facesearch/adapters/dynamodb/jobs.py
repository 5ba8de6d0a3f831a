"""Searches that webhooks have asked for, from the webhook to the end of the search."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import query_all
from facesearch.adapters.dynamodb.conditional import update
from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.models import Job, JobStatus, SearchKey
from facesearch.webhooks.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


@dataclass(frozen=True)
class DynamoJobStore(JobStore):
    """In the table: the job, its place in its event's list, and its webhook-id."""

    dynamodb: "DynamoDBClient"
    table_name: str
    retention_days: int

    @override
    def add(self, job: Job) -> bool:
        """One transaction. A job that has expired counts as gone (TTL deletes within days)."""
        now = int(time.time())
        shared = {
            "org_id": schema.n(job.search.org_id),
            "webhook": schema.s(job.webhook),
            # As long as the result, which is written later and so goes later.
            "expires_at": schema.n(now + (self.retention_days + 1) * SECONDS_PER_DAY),
        }
        free = "attribute_not_exists(pk) OR expires_at <= :now"
        known: schema.Key = {":now": schema.n(now)}
        writes = [
            self._put(schema.job_key(job.search) | shared | _attributes(job), free, known),
            self._put(schema.listed_job_key(job.search) | shared),
        ]
        if job.webhook:
            request_id = schema.s(str(job.search.request_id))
            item = schema.webhook_key(job.search.org_id, job.webhook) | shared | {"request_id": request_id}
            # Or a job of this webhook was deleted by halves.
            ours = f"{free} OR request_id = :request_id"
            writes.append(self._put(item, ours, known | {":request_id": request_id}))
        try:
            self.dynamodb.transact_write_items(TransactItems=writes)
        except self.dynamodb.exceptions.TransactionCanceledException as error:
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
            if not reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise
            return False  # in a conflict somebody else is just adding the same
        return True

    @override
    def note_enqueued(self, search: SearchKey) -> bool:
        return self._update(search, "SET enqueued_at = :now", {":now": schema.n(int(time.time()))})

    @override
    def begin(self, search: SearchKey) -> bool:
        return self._update(
            search,
            "SET #status = :running REMOVE reason",
            {":running": schema.s(JobStatus.RUNNING), ":done": schema.s(JobStatus.DONE)},
            "#status <> :done",
        )

    @override
    def note(self, search: SearchKey, reason: str) -> None:
        self._update(
            search,
            "SET reason = :reason",
            {":reason": schema.s(reason), ":running": schema.s(JobStatus.RUNNING)},
            "#status = :running",
        )

    @override
    def end(self, search: SearchKey, reason: str = "") -> None:
        if not reason:
            self._update(search, "SET #status = :done REMOVE reason", {":done": schema.s(JobStatus.DONE)})
            return
        values = {":failed": JobStatus.FAILED, ":done": JobStatus.DONE, ":reason": reason}
        self._update(
            search,
            "SET #status = :failed, reason = :reason",
            {name: schema.s(value) for name, value in values.items()},
            "#status <> :done",
        )

    @override
    def cancel(self, search: SearchKey) -> bool:
        """One transaction."""
        listed = self._get(schema.listed_job_key(search)) or {}
        webhook = schema.text(listed, "webhook")
        keys = [schema.listed_job_key(search), *([schema.webhook_key(search.org_id, webhook)] if webhook else [])]
        waits = "#s = :queued AND attribute_not_exists(enqueued_at)"
        job: TransactWriteItemTypeDef = {
            "Delete": {
                "TableName": self.table_name,
                "Key": schema.job_key(search),
                "ConditionExpression": f"attribute_not_exists(pk) OR ({waits})",
                "ExpressionAttributeNames": {"#s": "status"},
                "ExpressionAttributeValues": {":queued": schema.s(JobStatus.QUEUED)},
            }
        }
        rest: list[TransactWriteItemTypeDef] = [{"Delete": {"TableName": self.table_name, "Key": key}} for key in keys]
        try:
            self.dynamodb.transact_write_items(TransactItems=[job, *rest])
        except self.dynamodb.exceptions.TransactionCanceledException:
            return False  # or somebody else is at it
        return True

    @override
    def jobs(self, event_id: int) -> Iterator[SearchKey]:
        for item in query_all(self.dynamodb, self.table_name, schema.jobs_pk(event_id)):
            yield SearchKey(schema.number(item, "org_id"), event_id, uuid.UUID(schema.text(item, "sk")))

    @override
    def holds(self, search: SearchKey) -> bool:
        return self._get(schema.listed_job_key(search)) is not None

    @override
    def delete(self, search: SearchKey) -> bool:
        """The list goes last: by it a second run finds what a crash has left."""
        listed = self._get(schema.listed_job_key(search))
        if listed is None:
            return False
        if webhook := schema.text(listed, "webhook"):
            self._delete(schema.webhook_key(search.org_id, webhook))
        self._delete(schema.job_key(search))
        self._delete(schema.listed_job_key(search))
        return True

    def _get(self, key: "schema.Key") -> "schema.Item | None":
        return self.dynamodb.get_item(TableName=self.table_name, Key=key, ConsistentRead=True).get("Item")

    def _delete(self, key: "schema.Key") -> None:
        self.dynamodb.delete_item(TableName=self.table_name, Key=key)

    def _put(
        self, item: "schema.Key", condition: str = "", values: "schema.Key | None" = None
    ) -> "TransactWriteItemTypeDef":
        put: Any = {"TableName": self.table_name, "Item": item}
        if condition:
            put |= {"ConditionExpression": condition, "ExpressionAttributeValues": values}
        return {"Put": put}

    def _update(self, search: SearchKey, expression: str, values: "schema.Key", condition: str = "") -> bool:
        """Change a job that is there; False if it is not, or the condition does not hold."""
        condition = f"attribute_exists(pk) AND {condition}" if condition else "attribute_exists(pk)"
        return update(self.dynamodb, self.table_name, schema.job_key(search), expression, values, condition)


def _attributes(job: Job) -> "schema.Key":
    """All that a job is but what it has in common with its other items."""
    item = {
        "event_id": schema.n(job.search.event_id),
        "request_id": schema.s(str(job.search.request_id)),
        "status": schema.s(job.status),
        "created_at": schema.n(job.created_at),
    }
    texts = {"callback_url": job.callback_url, "reason": job.reason}
    if job.metadata is not None:
        texts["metadata"] = json.dumps(job.metadata, separators=(",", ":"))
    item |= {name: schema.s(value) for name, value in texts.items() if value}
    item |= {name: schema.texts(values) for name, values in (("url", job.urls), ("selfie", job.selfies)) if values}
    return item | ({"watch_days": schema.n(job.watch_days)} if job.watch_days is not None else {})
