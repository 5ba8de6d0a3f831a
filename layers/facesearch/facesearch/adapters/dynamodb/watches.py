"""Watches in the table: one item each, beside them their children, and an event's count and claim of a round."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.results import SECONDS_PER_DAY
from facesearch.adapters.dynamodb.table import Item, RefusedError, Table, delete, put, record, replacing, update
from facesearch.models import SearchKey
from facesearch.webhooks.watches.watch import WATCHES_PER_EVENT, Watch, WatchStore

ROUND_DAYS = 40
"""How long an event's count of watches is kept: longer than any of them."""
CHILD_DAYS = 367  # a day more than the longest that a result can be kept


@dataclass(frozen=True)
class DynamoWatchStore(WatchStore):
    """All in partitions of the event's own; `most`: watches of one event."""

    table: Table
    most: int = WATCHES_PER_EVENT

    @override
    def keep(self, watch: Watch) -> bool:
        """Count it first: a process that dies in between has counted one too many until the next round recounts."""
        room = "attribute_not_exists(watches) OR watches < :most"
        if not self._count(watch.search.event_id, 1, room, most=self.most):
            return False
        if not self.table.write(
            put(_item(watch), "attribute_not_exists(pk) OR expires_at <= :now", now=int(time.time()))
        ):
            self._count(watch.search.event_id, -1)
        return True

    @override
    def get(self, search: SearchKey) -> Watch | None:
        item = self.table.get(schema.watch_key(search.event_id, search.request_id))
        if item is None or item["expires_at"] <= time.time():
            return None
        watch = _watch(item)
        return watch if watch.search == search else None

    @override
    def page(self, event_id: int, after: uuid.UUID | None, limit: int) -> list[Watch]:
        begin = schema.watch_key(event_id)
        if after is None:
            return [_watch(item) for item in self.table.query(begin, most=limit)]
        return [_watch(item) for item in self.table.query(begin, "sk > :after", most=limit, after=str(after))]

    @override
    def enter(self, watch: Watch, child: SearchKey) -> None:
        key = schema.child_key(watch.search.event_id, f"{watch.search.request_id}#{child.request_id}")
        self.table.write(put(key | _as_long_as_a_child()))

    @override
    def note(self, watch: Watch, child: SearchKey) -> bool:
        """Beside the watch, too, which time to live deletes: what it told is still to be found."""
        key, told = schema.watch_key(watch.search.event_id, watch.search.request_id), str(child.request_id)
        latest = schema.latest_child_key(watch.search) | {"child": told} | _as_long_as_a_child()
        try:
            self.table.transact([replacing(key, {"last_told": str(watch.last)}, {"last_told": told}), put(latest)])
        except RefusedError:
            return False
        return True

    @override
    def recount(self, event_id: int, watches: int) -> None:
        self.table.write(update(schema.round_key(event_id), "SET watches = :watches", watches=watches))

    @override
    def has_watches(self, event_id: int) -> bool:
        """One Query of one item."""
        return bool(self.page(event_id, None, 1))

    @override
    def claim(self, event_id: int, now: float, until: float) -> bool:
        claim = update(
            schema.round_key(event_id),
            "SET claimed_until = :until, expires_at = :expires_at",
            "attribute_not_exists(claimed_until) OR claimed_until <= :now",
            now=int(now * 1000),
            until=int(until * 1000),
            expires_at=int(now) + ROUND_DAYS * SECONDS_PER_DAY,
        )
        return self.table.write(claim)

    @override
    def delete(self, search: SearchKey) -> bool:
        if not self.table.write(delete(schema.watch_key(search.event_id, search.request_id), "attribute_exists(pk)")):
            return False
        self._count(search.event_id, -1, "watches > :none", none=0)
        return True

    @override
    def children(self, search: SearchKey) -> list[SearchKey]:
        children = [item["sk"].rpartition("#")[2] for item in self._children(search)]
        return [SearchKey(search.org_id, search.event_id, uuid.UUID(child)) for child in children]

    @override
    def delete_children(self, search: SearchKey) -> None:
        self.table.batch_delete(self._children(search))
        self.table.write(delete(schema.latest_child_key(search)))

    @override
    def delete_watches(self, event_id: int) -> int:
        watches = self.table.batch_delete(self.table.query(schema.watch_key(event_id)))
        self.table.write(delete(schema.round_key(event_id)))
        return watches

    @override
    def delete_all(self, event_id: int) -> int:
        watches = self.delete_watches(event_id)
        self.table.batch_delete(self.table.query(schema.child_key(event_id)))
        return watches

    @override
    def count(self, event_id: int) -> int:
        return sum(1 for _ in self.table.query(schema.watch_key(event_id)))

    def _children(self, search: SearchKey) -> Iterator[Item]:
        return self.table.query(schema.child_key(search.event_id, f"{search.request_id}#"))

    def _count(self, event_id: int, by: int, condition: str = "", /, **values: int) -> bool:
        count = "SET expires_at = :expires_at ADD watches :by"
        expires_at = int(time.time()) + ROUND_DAYS * SECONDS_PER_DAY
        key = schema.round_key(event_id)
        return self.table.write(update(key, count, condition, by=by, expires_at=expires_at, **values))


def _as_long_as_a_child() -> Item:
    return {"expires_at": int(time.time()) + CHILD_DAYS * SECONDS_PER_DAY}


def _item(watch: Watch) -> Item:
    metadata = watch.metadata
    return schema.watch_key(watch.search.event_id, watch.search.request_id) | {
        "org_id": watch.search.org_id,
        "event_id": watch.search.event_id,
        "probe_model": watch.model,
        "probe": watch.probe,
        "callback_url": watch.callback_url or None,
        "metadata": json.dumps(metadata, separators=(",", ":")) if metadata is not None else None,
        "created_at": watch.created_at,
        "expires_at": watch.expires_at,
        "last_told": str(watch.last),
    }


def _watch(item: Item) -> Watch:
    search = SearchKey(item["org_id"], item["event_id"], uuid.UUID(item["sk"]))
    named = {"search": search, "model": item["probe_model"], "last": item["last_told"]}
    return record(Watch, {"metadata": "null", "callback_url": ""} | item | named, last=uuid.UUID, metadata=json.loads)
