"""Exactly once: powertools' idempotency around the inner "match and store", keyed on org, event and request_id."""

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.errors import StoreUnavailable
from facesearch.models import SearchKey, SearchSummary
from facesearch.search.idempotency import AlreadyRunningError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY_PREFIX = "face-search"


class DynamoIdempotency:
    """Claims a search, runs it, and remembers that it is done: its id, total and threshold, nothing of the request.

    A run that raises gives its claim back. A run that is killed leaves a claim that expires with the time which its
    invocation had left, as the Lambda context told it, and is then taken over by the next caller.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str, retention_days: int) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._store = DynamoDBPersistenceLayer(table_name=table_name, boto3_client=dynamodb)
        self._config = IdempotencyConfig(
            hash_function="sha256",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=retention_days * SECONDS_PER_DAY,
        )

    def run(self, search: SearchKey, context: LambdaContext, work: Callable[[], SearchSummary]) -> SearchSummary:
        """Run `work` unless this search is done; either way its summary.

        Raises:
            AlreadyRunningError: another invocation is at it.
            StoreUnavailable: the claim could not be written, or the record of a finished run.
        """
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

    def forget(self, search: SearchKey) -> None:
        """Forget that a search is done, so that it can be done again. One that is running keeps its claim."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key={"id": {"S": self.record_id(search)}},
                ConditionExpression="attribute_not_exists(id) OR #status = :done",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":done": {"S": "COMPLETED"}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def holds(self, search: SearchKey) -> bool:
        """Whether there is a record of the search: it is done, or running, or was killed."""
        key: Any = {"id": {"S": self.record_id(search)}}
        return "Item" in self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)

    @staticmethod
    def record_id(search: SearchKey) -> str:
        """The id that powertools gives the record: the prefix, and SHA-256 of the claim as JSON with sorted keys."""
        return f"{KEY_PREFIX}#{hashlib.sha256(json.dumps(_claim(search), sort_keys=True).encode()).hexdigest()}"


def _claim(search: SearchKey) -> dict[str, Any]:
    return {"org_id": search.org_id, "event_id": search.event_id, "request_id": str(search.request_id)}
