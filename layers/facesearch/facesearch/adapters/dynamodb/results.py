"""Finished searches: chunks first, header last, so that a header that can be read is a result that is whole."""

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_delete, batch_put, query_all
from facesearch.adapters.dynamodb.chunks import CHUNK_SIZE, pack_chunk, unpack_chunk
from facesearch.models import PhotoMatch, SearchKey, SearchSummary
from facesearch.search.results import OutdatedError, ResultStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECONDS_PER_DAY = 86_400


CANCELLED_SECONDS = 3600
"""How long it is remembered that a search was deleted: no run of it that began before lasts as long."""


class DynamoResultStore(ResultStore):
    """Results in the table, a header and chunks of 100 photos, and a list of them per event.

    The header is *announced*, then confirmed, and an announced one is no result yet. Between the two the event's count
    of deletions is read. A deletion counts itself first and then looks for results to delete: it either finds the
    announced one, whose confirmation then fails, or the search sees that it has counted. No result outlives a deletion.

    A search that is itself deleted leaves an item in the place of its header for a while. It names that cancellation,
    and who has asked for the search before does not know it and can announce nothing.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str, retention_days: int) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        # A day longer than the idempotency record: a record must never point at a result that is gone.
        self._seconds = (retention_days + 1) * SECONDS_PER_DAY

    @override
    def save(
        self,
        search: SearchKey,
        summary: SearchSummary,
        photos: Sequence[PhotoMatch],
        erasures: int | None = None,
        cancelled: str | None = None,
    ) -> bool:
        now = int(time.time())
        expires_at = schema.n(now + self._seconds)
        self._put_parts(search, photos, expires_at)
        header = schema.header_key(search) | {
            "total": schema.n(summary.total),
            "confidence": schema.n(summary.confidence),
            "created_at": schema.n(now),
            "expires_at": expires_at,
        }
        if summary.renditions is not None:
            header |= {
                "large_url": schema.s(summary.renditions.large),
                "small_url": schema.s(summary.renditions.small),
            }
        announced = schema.s(uuid.uuid4().hex)  # by this run, and no other that took over from it
        if self._announce(header | {"announced": announced}, now, cancelled):
            if self._is_current(search.event_id, erasures) and self._confirm(search, announced):
                return True
            self._cancel_announced(search, announced)
        found = self._header(search)  # else a deletion hid it, or another run has announced its own
        if found is not None and "total" in found and "announced" not in found:
            return False
        self.delete(search)
        raise OutdatedError

    @override
    def searches(self, event_id: int) -> Iterator[SearchKey]:
        for item in self._query(schema.searches_pk(event_id), ""):
            yield SearchKey(schema.number(item, "org_id"), event_id, uuid.UUID(schema.text(item, "sk")))

    @override
    def holds(self, search: SearchKey) -> bool:
        """The list says so first and last."""
        key = schema.search_key(search)
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return item is not None and schema.number(item, "org_id") == search.org_id

    @override
    def photos(self, search: SearchKey, *, whole: bool = False) -> list[uuid.UUID]:
        """One Query."""
        items = list(self._query(schema.result_pk(search), ""))
        totals = [schema.number(item, "total") for item in items if "total" in item and "announced" not in item]
        if whole and not totals:
            return []
        chunks = [schema.blob(item, "photos") for item in items if "photos" in item]
        named = [photo.image_id for chunk in chunks for photo in unpack_chunk(chunk)]
        return named[: totals[0]] if whole else named  # past it lies what a run left that found more and failed

    @override
    def hide(self, search: SearchKey) -> None:
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=schema.header_key(search),
                ConditionExpression="attribute_not_exists(cancelled)",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return  # it was cancelled, and so there is none

    @override
    def cancel(self, search: SearchKey) -> None:
        expires_at = schema.n(int(time.time()) + CANCELLED_SECONDS)
        remembered = {"cancelled": schema.s(uuid.uuid4().hex), "expires_at": expires_at}
        self._dynamodb.put_item(TableName=self._table, Item=schema.header_key(search) | remembered)

    @override
    def delete(self, search: SearchKey) -> None:
        items = list(self._query(schema.result_pk(search), ""))
        if any("total" in item for item in items):  # its request_id was free since it was hidden
            return
        parts = ({"pk": item["pk"], "sk": item["sk"]} for item in items if "cancelled" not in item)
        batch_delete(self._dynamodb, self._table, parts)
        self._dynamodb.delete_item(TableName=self._table, Key=schema.search_key(search))

    def _put_parts(self, search: SearchKey, photos: Sequence[PhotoMatch], expires_at: "schema.Value") -> None:
        listed = schema.search_key(search) | {"org_id": schema.n(search.org_id), "expires_at": expires_at}
        chunks = (
            schema.chunk_key(search, start // CHUNK_SIZE)
            | {"photos": schema.b(pack_chunk(photos[start : start + CHUNK_SIZE])), "expires_at": expires_at}
            for start in range(0, len(photos), CHUNK_SIZE)
        )
        batch_put(self._dynamodb, self._table, (listed, *chunks))

    def _announce(self, header: "schema.Key", now: int, cancelled: str | None) -> bool:
        free = "attribute_not_exists(pk) OR expires_at <= :now OR attribute_exists(announced)"
        values = {":now": schema.n(now)}
        if cancelled is None:
            free += " OR attribute_exists(cancelled)"
        elif cancelled:
            free, values = f"{free} OR cancelled = :cancelled", values | {":cancelled": schema.s(cancelled)}
        try:
            self._dynamodb.put_item(
                TableName=self._table, Item=header, ConditionExpression=free, ExpressionAttributeValues=values
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _is_current(self, event_id: int, erasures: int | None) -> bool:
        if erasures is None:
            return True
        key = schema.event_key(event_id)
        event = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return event is not None and schema.number(event, "erasures") == erasures

    def _confirm(self, search: SearchKey, announced: "schema.Value") -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=schema.header_key(search),
                UpdateExpression="REMOVE announced",
                ConditionExpression="announced = :announced",
                ExpressionAttributeValues={":announced": announced},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _cancel_announced(self, search: SearchKey, announced: "schema.Value") -> None:
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=schema.header_key(search),
                ConditionExpression="announced = :announced",
                ExpressionAttributeValues={":announced": announced},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def _header(self, search: SearchKey) -> "schema.Item | None":
        key = schema.header_key(search)
        return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _query(self, pk: str, prefix: str) -> "Iterator[schema.Item]":
        return query_all(self._dynamodb, self._table, pk, prefix)
