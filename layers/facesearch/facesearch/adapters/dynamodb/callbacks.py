"""Callbacks in the table, and the addresses that are switched off."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import Item, Table, delete, put, record, replacing, update
from facesearch.webhooks.callbacks.callback import (
    Callback,
    CallbackKey,
    CallbackStatus,
    CallbackStore,
)

SECONDS_PER_DAY = 86_400
LEAST_DAYS = 14
"""As long as SQS keeps a dead letter: one that is found must still have its callback."""
OFF_DAYS = 90
"""How long an address stays off. After that it is tried again, and responds with 410 again if it is still gone."""


@dataclass(frozen=True)
class DynamoCallbackStore(CallbackStore):
    """In the table; `retention_days`: how long a callback is kept, if that is longer than `LEAST_DAYS`."""

    table: Table
    retention_days: int = LEAST_DAYS

    @override
    def add(self, callback: Callback) -> Callback:
        expires_at = callback.created_at + max(self.retention_days, LEAST_DAYS) * SECONDS_PER_DAY
        item = _key(callback.key) | {
            "event_id": callback.key.event_id,
            "request_id": str(callback.request_id),
            "type": callback.type,
            "url": callback.url,
            "created_at": callback.created_at,
            "expires_at": expires_at,
        }
        free = "attribute_not_exists(pk) OR expires_at <= :now"
        if self.table.write(put(item | _life(callback), free, now=callback.created_at)):
            return callback
        return self.get(callback.key) or callback

    @override
    def get(self, key: CallbackKey) -> Callback | None:
        item = self.table.get(_key(key))
        return _callback(key.org_id, item) if item is not None else None

    @override
    def claim(self, key: CallbackKey, number: int, now: float, until: float) -> bool:
        free = "(attribute_not_exists(claimed_until) OR claimed_until <= :now)"
        claim = update(
            _key(key),
            "SET attempt_number = :number, claimed_until = :until ADD attempts :one",
            f"#status = :pending AND attempt_number <= :number AND {free}",
            number=number,
            pending=CallbackStatus.PENDING,
            one=1,
            until=int(until * 1000),
            now=int(now * 1000),
        )
        return self.table.write(claim)

    @override
    def settle(self, callback: Callback, number: int) -> bool:
        condition = "attempt_number = :seen AND #status = :pending"
        return self._write(callback, condition, seen=number, pending=CallbackStatus.PENDING)

    @override
    def restart(self, callback: Callback) -> bool:
        condition = "attempt_number < :attempt_number AND #status <> :delivered"
        return self._write(callback, condition, delivered=CallbackStatus.DELIVERED)

    @override
    def delete(self, key: CallbackKey) -> None:
        self.table.write(delete(_key(key)))

    @override
    def of_org(self, org_id: int) -> Iterator[Callback]:
        now = time.time()
        for item in self.table.query(schema.callback_key(org_id)):
            if item["expires_at"] > now:  # TTL deletes within days, not at once
                yield _callback(org_id, item)

    @override
    def count(self, org_id: int, event_id: int) -> int:
        return sum(1 for _ in self.table.query(schema.callback_key(org_id, f"{event_id}#")))

    @override
    def delete_all(self, org_id: int, event_id: int) -> int:
        return self.table.batch_delete(self.table.query(schema.callback_key(org_id, f"{event_id}#")))

    @override
    def is_off(self, org_id: int, url: str) -> bool:
        item = self.table.get(_off_key(org_id, url))
        return item is not None and item["expires_at"] > time.time()

    @override
    def switch_off(self, org_id: int, url: str) -> None:
        expires_at = int(time.time()) + OFF_DAYS * SECONDS_PER_DAY
        self.table.write(put(_off_key(org_id, url) | {"expires_at": expires_at}))

    @override
    def switch_on(self, org_id: int, url: str) -> None:
        self.table.write(delete(_off_key(org_id, url)))

    def _write(self, callback: Callback, condition: str, **values: int | str) -> bool:
        """Write what changes in a callback's life, and give back the claim."""
        after = _life(callback) | {"claimed_until": None}
        return self.table.write(replacing(_key(callback.key), {}, after, condition, **values))


def _life(callback: Callback) -> Item:
    return {
        "status": callback.status,
        "attempt_number": callback.attempt_number,
        "attempts": callback.attempts,
        "last_status": callback.last_status or None,
        "reason": callback.reason or None,
        "next_at": callback.next_at,
        "body": callback.body,
    }


def _key(key: CallbackKey) -> Item:
    return schema.callback_key(key.org_id, f"{key.event_id}#{key.callback_id}")


def _off_key(org_id: int, url: str) -> Item:
    return schema.off_key(org_id, hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest())


def _callback(org_id: int, item: Item) -> Callback:
    event_id, _, callback_id = item["sk"].partition("#")
    key = CallbackKey(org_id, int(event_id), uuid.UUID(callback_id))
    return record(Callback, item | {"key": key}, request_id=uuid.UUID, status=CallbackStatus)
