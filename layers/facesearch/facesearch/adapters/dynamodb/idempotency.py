"""Exactly once: powertools' idempotency around the inner "match and store", keyed on org, event and request_id."""

import hashlib
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from typing_extensions import override

from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.adapters.dynamodb.table import Item, RefusedError, Table, delete, put, update
from facesearch.errors import StoreUnavailable
from facesearch.models import SearchKey, SearchSummary
from facesearch.search.idempotency import AlreadyRunningError, Idempotency
from facesearch.stand_in import stand_in

# powertools imports its own store with the package, and that imports boto3 with s3transfer and multiprocessing: 29 of
# the 248 ms that search's imports take.
with stand_in("aws_lambda_powertools.utilities.idempotency.persistence.dynamodb", DynamoDBPersistenceLayer=None):
    from aws_lambda_powertools.utilities.idempotency import (
        BasePersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
        IdempotencyItemAlreadyExistsError,
        IdempotencyItemNotFoundError,
        IdempotencyPersistenceLayerError,
    )
    from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

KEY_PREFIX = "face-search"
IS_FREE = (
    "attribute_not_exists(#id) OR #expiration < :now"
    " OR (#status = :running AND #in_progress_expiration < :now_milliseconds)"
)
"""Never claimed; done so long ago that the table's TTL is merely late; claimed by an invocation that was killed."""


class _ClaimStore(BasePersistenceLayer):
    """powertools' records, as its own store writes them, by our table: with its errors, and without boto3."""

    def __init__(self, table: Table) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._table = table

    @override
    def _get_record(self, idempotency_key: str) -> DataRecord:
        item = self._table.get({"id": idempotency_key})
        if item is None:
            raise IdempotencyItemNotFoundError
        return _record_of(item)

    @override
    def _put_record(self, data_record: DataRecord) -> None:
        now = time.time()
        item = {
            "id": data_record.idempotency_key,
            "expiration": data_record.expiry_timestamp,
            "status": data_record.status,
            "in_progress_expiration": data_record.in_progress_expiry_timestamp,
        }
        free = {"now": int(now), "now_milliseconds": int(now * 1000), "running": "INPROGRESS"}
        try:
            self._table.attempt(put(item, IS_FREE, **free))
        except RefusedError as refused:
            old = _record_of(refused.item) if refused.item else None
            raise IdempotencyItemAlreadyExistsError(old_data_record=old) from None

    @override
    def _update_record(self, data_record: DataRecord) -> None:
        change = "SET #data = :data, #expiration = :expiration, #status = :status"
        values = {"data": data_record.response_data, "expiration": data_record.expiry_timestamp}
        self._table.write(update({"id": data_record.idempotency_key}, change, status=data_record.status, **values))

    @override
    def _delete_record(self, data_record: DataRecord) -> None:
        self._table.write(delete({"id": data_record.idempotency_key}))


def _record_of(item: Item) -> DataRecord:
    return DataRecord(
        idempotency_key=item["id"],
        status=item["status"],
        expiry_timestamp=item["expiration"],
        in_progress_expiry_timestamp=item.get("in_progress_expiration"),
        response_data=item.get("data", ""),
    )


class DynamoIdempotency(Idempotency):
    """A claim is powertools' record: once done, of the search's id, total and threshold, nothing of the request."""

    def __init__(self, table: Table, retention_days: int) -> None:
        self._table = table
        self._store = _ClaimStore(table)
        self._config = IdempotencyConfig(
            hash_function="sha256",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=retention_days * SECONDS_PER_DAY,
        )

    @override
    def run(self, search: SearchKey, seconds_left: float, work: Callable[[], SearchSummary]) -> SearchSummary:
        # The part of a Lambda context that powertools reads: until when a claim holds if its invocation is killed.
        context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: round(seconds_left * 1000))
        self._config.register_lambda_context(context)

        @idempotent_function(  # type: ignore[untyped-decorator]
            data_keyword_argument="claim", persistence_store=self._store, config=self._config, key_prefix=KEY_PREFIX
        )
        def claimed(*, claim: dict[str, Any]) -> dict[str, Any]:
            summary = work()
            return {"id": claim["request_id"], "total": summary.total, "threshold": summary.confidence}

        try:
            record = claimed(claim=_claim(search))
        except IdempotencyAlreadyInProgressError:
            raise AlreadyRunningError from None
        except IdempotencyPersistenceLayerError as error:
            cause = error.__cause__
            raise (
                cause if isinstance(cause, StoreUnavailable) else StoreUnavailable("idempotency", str(cause))
            ) from error
        return SearchSummary(total=record["total"], confidence=record["threshold"])

    @override
    def delete(self, search: SearchKey) -> None:
        over = "attribute_not_exists(id) OR #status = :done"
        self._table.write(delete({"id": self.record_id(search)}, over, done="COMPLETED"))

    @override
    def holds(self, search: SearchKey) -> bool:
        return self._table.get({"id": self.record_id(search)}) is not None

    @staticmethod
    def record_id(search: SearchKey) -> str:
        """The id that powertools gives the record: the prefix, and SHA-256 of the claim as JSON with sorted keys."""
        return f"{KEY_PREFIX}#{hashlib.sha256(json.dumps(_claim(search), sort_keys=True).encode()).hexdigest()}"


def _claim(search: SearchKey) -> dict[str, Any]:
    return {"org_id": search.org_id, "event_id": search.event_id, "request_id": str(search.request_id)}
