"""Watches in the table: one item each, beside them their children, and an event's count and claim of a round."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_delete, query_all
from facesearch.adapters.dynamodb.conditional import update
from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.models import SearchKey
from facesearch.webhooks.watches.watch import WATCHES_PER_EVENT, Watch, WatchStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROUND_DAYS = 40
"""How long an event's count of watches is kept: longer than any of them."""
CHILD_DAYS = 367
"""See `Settings.result_retention_days`."""


@dataclass(frozen=True)
class DynamoWatchStore(WatchStore):
    """All in partitions of the event's own; `most`: watches of one event."""

    dynamodb: "DynamoDBClient"
    table_name: str
    most: int = WATCHES_PER_EVENT

    @override
    def keep(self, watch: Watch) -> bool:
        """Count it first: a process that dies in between has counted one too many until the next round recounts."""
        count = "attribute_not_exists(watches) OR watches < :most"
        if not self._count(watch.search.event_id, 1, count, {":most": schema.n(self.most)}):
            return False
        free = "attribute_not_exists(pk) OR expires_at <= :now"
        try:
            self.dynamodb.put_item(
                TableName=self.table_name,
                Item=_item(watch),
                ConditionExpression=free,
                ExpressionAttributeValues={":now": schema.n(int(time.time()))},
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            self._count(watch.search.event_id, -1)
        return True

    @override
    def get(self, search: SearchKey) -> Watch | None:
        key = schema.watch_key(search)
        item = self.dynamodb.get_item(TableName=self.table_name, Key=key, ConsistentRead=True).get("Item")
        if item is None or schema.number(item, "expires_at") <= time.time():
            return None
        watch = _watch(item)
        return watch if watch.search == search else None

    @override
    def page(self, event_id: int, after: uuid.UUID | None, limit: int) -> list[Watch]:
        start: Any = {}
        if after is not None:
            start = {"ExclusiveStartKey": schema.key(schema.watches_pk(event_id), str(after))}
        response = self.dynamodb.query(
            TableName=self.table_name,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": schema.s(schema.watches_pk(event_id))},
            Limit=limit,
            **start,
        )
        return [_watch(item) for item in response["Items"]]

    @override
    def enter(self, watch: Watch, child: SearchKey) -> None:
        """Keep it for a day more than the longest that a result can be kept."""
        expires_at = int(time.time()) + CHILD_DAYS * SECONDS_PER_DAY
        item = schema.child_key(watch.search, child.request_id) | {"expires_at": schema.n(expires_at)}
        self.dynamodb.put_item(TableName=self.table_name, Item=item)

    @override
    def note(self, watch: Watch, child: SearchKey) -> bool:
        return self._update(
            schema.watch_key(watch.search),
            "SET last_told = :child",
            {":child": schema.s(str(child.request_id)), ":seen": schema.s(str(watch.last))},
            "last_told = :seen",
        )

    @override
    def recount(self, event_id: int, watches: int) -> None:
        self._update(schema.round_key(event_id), "SET watches = :watches", {":watches": schema.n(watches)})

    @override
    def has_watches(self, event_id: int) -> bool:
        """One Query of one item."""
        return bool(self.page(event_id, None, 1))

    @override
    def claim(self, event_id: int, now: float, until: float) -> bool:
        values = {":now": schema.n(int(now * 1000)), ":until": schema.n(int(until * 1000))}
        expires_at = schema.n(int(now) + ROUND_DAYS * SECONDS_PER_DAY)
        return self._update(
            schema.round_key(event_id),
            "SET claimed_until = :until, expires_at = :expires",
            values | {":expires": expires_at},
            "attribute_not_exists(claimed_until) OR claimed_until <= :now",
        )

    @override
    def delete(self, search: SearchKey) -> bool:
        key = schema.watch_key(search)
        response = self.dynamodb.delete_item(TableName=self.table_name, Key=key, ReturnValues="ALL_OLD")
        if not response.get("Attributes"):
            return False
        self._count(search.event_id, -1, "watches > :none", {":none": schema.n(0)})
        return True

    @override
    def children(self, search: SearchKey) -> list[SearchKey]:
        children = [schema.text(item, "sk").rpartition("#")[2] for item in self._children(search)]
        return [SearchKey(search.org_id, search.event_id, uuid.UUID(child)) for child in children]

    @override
    def delete_children(self, search: SearchKey) -> None:
        self._delete(self._children(search))

    @override
    def delete_all(self, event_id: int) -> int:
        watches = self._delete(self._query(schema.watches_pk(event_id)))
        self._delete(self._query(schema.children_pk(event_id)))
        self.dynamodb.delete_item(TableName=self.table_name, Key=schema.round_key(event_id))
        return watches

    @override
    def count(self, event_id: int) -> int:
        return sum(1 for _ in self._query(schema.watches_pk(event_id)))

    def _children(self, search: SearchKey) -> "Iterator[schema.Item]":
        return self._query(schema.children_pk(search.event_id), f"{search.request_id}#")

    def _delete(self, items: "Iterator[schema.Item]") -> int:
        keys = ({"pk": item["pk"], "sk": item["sk"]} for item in items)
        return batch_delete(self.dynamodb, self.table_name, keys)

    def _count(self, event_id: int, by: int, condition: str = "", values: "schema.Key | None" = None) -> bool:
        expires_at = schema.n(int(time.time()) + ROUND_DAYS * SECONDS_PER_DAY)
        return self._update(
            schema.round_key(event_id),
            "SET expires_at = :expires ADD watches :by",
            {":by": schema.n(by), ":expires": expires_at} | (values or {}),
            condition,
        )

    def _update(self, key: "schema.Key", expression: str, values: "schema.Key", condition: str = "") -> bool:
        return update(self.dynamodb, self.table_name, key, expression, values, condition)

    def _query(self, pk: str, prefix: str = "") -> "Iterator[schema.Item]":
        return query_all(self.dynamodb, self.table_name, pk, prefix)


def _item(watch: Watch) -> "schema.Key":
    item = schema.watch_key(watch.search) | {
        "org_id": schema.n(watch.search.org_id),
        "event_id": schema.n(watch.search.event_id),
        "probe_model": schema.s(watch.model),
        "probe": schema.b(watch.probe),
        "callback_url": schema.s(watch.callback_url),
        "created_at": schema.n(watch.created_at),
        "expires_at": schema.n(watch.expires_at),
        "last_told": schema.s(str(watch.last)),
    }
    if watch.metadata is not None:
        item["metadata"] = schema.s(json.dumps(watch.metadata, separators=(",", ":")))
    return item


def _watch(item: "schema.Item") -> Watch:
    search = SearchKey(
        schema.number(item, "org_id"), schema.number(item, "event_id"), uuid.UUID(schema.text(item, "sk"))
    )
    return Watch(
        search=search,
        model=schema.text(item, "probe_model"),
        probe=schema.blob(item, "probe"),
        callback_url=schema.text(item, "callback_url"),
        metadata=json.loads(metadata) if (metadata := schema.text(item, "metadata")) else None,
        created_at=schema.number(item, "created_at"),
        expires_at=schema.number(item, "expires_at"),
        last=uuid.UUID(schema.text(item, "last_told")),
    )
