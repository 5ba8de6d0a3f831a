"""Finished searches: chunks first, header last, so that a header that can be read is a result that is whole."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from facesearch.models import PhotoMatch, SearchKey, SearchSummary
from facesearch.store import schema
from facesearch.store.batch import batch_put
from facesearch.store.chunks import CHUNK_SIZE, pack_chunk

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECONDS_PER_DAY = 86_400


class ResultStore(Protocol):
    """Where finished searches are kept."""

    def save(self, search: SearchKey, summary: SearchSummary, photos: Sequence[PhotoMatch]) -> bool:
        """Keep a finished search for its retention time; False if there is one already, which then stays."""


class DynamoResultStore:
    """Results in the table, a header and chunks of 100 photos."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str, retention_days: int) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        # A day longer than the idempotency record: a record must never point at a result that is gone.
        self._seconds = (retention_days + 1) * SECONDS_PER_DAY

    def save(self, search: SearchKey, summary: SearchSummary, photos: Sequence[PhotoMatch]) -> bool:
        """See `ResultStore.save`."""
        now = int(time.time())
        expires_at = schema.n(now + self._seconds)
        batch_put(
            self._dynamodb,
            self._table,
            (
                schema.chunk_key(search, start // CHUNK_SIZE)
                | {"photos": schema.b(pack_chunk(photos[start : start + CHUNK_SIZE])), "expires_at": expires_at}
                for start in range(0, len(photos), CHUNK_SIZE)
            ),
        )
        header = schema.header_key(search) | {
            "total": schema.n(summary.total),
            "confidence": schema.n(summary.confidence),
            "created_at": schema.n(now),
            "expires_at": expires_at,
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=header,
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues={":now": schema.n(now)},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
