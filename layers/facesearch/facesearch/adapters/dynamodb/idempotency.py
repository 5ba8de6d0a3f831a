"""Exactly once: a claim for each search, by org, event and request_id, taken and ended by conditional writes.

The records and the rules are those of powertools' idempotency. Its package imports boto3 for a client that it is given
anyway, 3 % of the time that a cold environment takes to its first search, around what are three writes to one item.
"""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.adapters.dynamodb.table import RefusedError, Table, delete, put, update
from facesearch.models import SearchKey, SearchSummary
from facesearch.search.idempotency import AlreadyRunningError, Idempotency

KEY_PREFIX = "face-search"
RUNNING, DONE = "INPROGRESS", "COMPLETED"
IS_FREE = (
    "attribute_not_exists(#id) OR #expiration < :now"
    " OR (#status = :running AND #in_progress_expiration < :now_milliseconds)"
)
"""Never claimed; done so long ago that the table's TTL is merely late; claimed by an invocation that was killed."""


class DynamoIdempotency(Idempotency):
    """A record has a search's id, total and threshold once it is done, nothing else of the request."""

    def __init__(self, table: Table, retention_days: int) -> None:
        self._table = table
        self._retention = retention_days * SECONDS_PER_DAY

    @override
    def run(self, search: SearchKey, seconds_left: float, work: Callable[[], SearchSummary]) -> SearchSummary:
        key, now = {"id": self.record_id(search)}, time.time()
        until = {"expiration": int(now) + self._retention, "in_progress_expiration": int((now + seconds_left) * 1000)}
        free = {"now": int(now), "now_milliseconds": int(now * 1000), "running": RUNNING}
        try:
            self._table.attempt(put(key | until | {"status": RUNNING}, IS_FREE, **free))
        except RefusedError as refused:
            if refused.item.get("status") != DONE:
                raise AlreadyRunningError from None
            record = json.loads(refused.item["data"])
            return SearchSummary(total=record["total"], confidence=record["threshold"])
        try:
            summary = work()
        except Exception:
            self._table.write(delete(key))
            raise
        record = {"id": str(search.request_id), "total": summary.total, "threshold": summary.confidence}
        done = {"data": json.dumps(record), "expiration": int(time.time()) + self._retention, "status": DONE}
        self._table.write(update(key, "SET #data = :data, #expiration = :expiration, #status = :status", **done))
        return SearchSummary(total=summary.total, confidence=summary.confidence)

    @override
    def delete(self, search: SearchKey) -> None:
        over = "attribute_not_exists(id) OR #status = :done"
        self._table.write(delete({"id": self.record_id(search)}, over, done=DONE))

    @override
    def holds(self, search: SearchKey) -> bool:
        return self._table.get({"id": self.record_id(search)}) is not None

    @staticmethod
    def record_id(search: SearchKey) -> str:
        """The id of the claim's record: the prefix, and SHA-256 of what is claimed as JSON with sorted keys."""
        return f"{KEY_PREFIX}#{hashlib.sha256(json.dumps(_claim(search), sort_keys=True).encode()).hexdigest()}"


def _claim(search: SearchKey) -> dict[str, Any]:
    return {"org_id": search.org_id, "event_id": search.event_id, "request_id": str(search.request_id)}
