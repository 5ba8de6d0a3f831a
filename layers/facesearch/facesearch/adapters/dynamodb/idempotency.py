"""Exactly once: powertools' idempotency around the inner "match and store", keyed on org, event and request_id."""

import hashlib
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
)
from typing_extensions import override

from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.adapters.dynamodb.table import Table, delete
from facesearch.errors import StoreUnavailable
from facesearch.models import SearchKey, SearchSummary
from facesearch.search.idempotency import AlreadyRunningError, Idempotency

KEY_PREFIX = "face-search"


class DynamoIdempotency(Idempotency):
    """A claim is powertools' record: once done, of the search's id, total and threshold, nothing of the request."""

    def __init__(self, table: Table, retention_days: int) -> None:
        self._table = table
        self._store = DynamoDBPersistenceLayer(table_name=table.name, boto3_client=table.client)
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
