"""Callbacks in the table, and the addresses that are switched off."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_delete, query_all
from facesearch.adapters.dynamodb.conditional import update
from facesearch.webhooks.callbacks.callback import (
    Callback,
    CallbackKey,
    CallbackStatus,
    CallbackStore,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECONDS_PER_DAY = 86_400
LEAST_DAYS = 14
"""As long as SQS keeps a dead letter: one that is found must still have its callback."""
OFF_DAYS = 90
"""How long an address stays off. After that it is tried again, and responds with 410 again if it is still gone."""


@dataclass(frozen=True)
class DynamoCallbackStore(CallbackStore):
    """In the table; `retention_days`: how long a callback is kept, if that is longer than `LEAST_DAYS`."""

    dynamodb: "DynamoDBClient"
    table_name: str
    retention_days: int = LEAST_DAYS

    @override
    def add(self, callback: Callback) -> Callback:
        expires_at = callback.created_at + max(self.retention_days, LEAST_DAYS) * SECONDS_PER_DAY
        item = _key(callback.key) | {
            "event_id": schema.n(callback.key.event_id),
            "request_id": schema.s(str(callback.request_id)),
            "type": schema.s(callback.type),
            "url": schema.s(callback.url),
            "body": schema.b(callback.body),
            "status": schema.s(callback.status),
            "attempt_number": schema.n(callback.attempt_number),
            "attempts": schema.n(callback.attempts),
            "next_at": schema.n(callback.next_at),
            "created_at": schema.n(callback.created_at),
            "expires_at": schema.n(expires_at),
        }
        try:
            self.dynamodb.put_item(
                TableName=self.table_name,
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues={":now": schema.n(callback.created_at)},
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return self.get(callback.key) or callback
        return callback

    @override
    def get(self, key: CallbackKey) -> Callback | None:
        item = self.dynamodb.get_item(TableName=self.table_name, Key=_key(key), ConsistentRead=True).get("Item")
        return _callback(key.org_id, item) if item is not None else None

    @override
    def claim(self, key: CallbackKey, number: int, now: float, until: float) -> bool:
        claim = "SET attempt_number = :number, claimed_until = :until ADD attempts :one"
        free = "(attribute_not_exists(claimed_until) OR claimed_until <= :now)"
        values = {
            ":number": schema.n(number),
            ":pending": schema.s(CallbackStatus.PENDING),
            ":one": schema.n(1),
            ":until": schema.n(int(until * 1000)),
            ":now": schema.n(int(now * 1000)),
        }
        condition = f"#status = :pending AND attempt_number <= :number AND {free}"
        return update(self.dynamodb, self.table_name, _key(key), claim, values, condition)

    @override
    def settle(self, callback: Callback, number: int) -> bool:
        return self._write(
            callback, "attempt_number = :seen AND #status = :pending", number, {":pending": CallbackStatus.PENDING}
        )

    @override
    def restart(self, callback: Callback) -> bool:
        condition = "attempt_number < :seen AND #status <> :delivered"
        return self._write(callback, condition, callback.attempt_number, {":delivered": CallbackStatus.DELIVERED})

    @override
    def delete(self, key: CallbackKey) -> None:
        self.dynamodb.delete_item(TableName=self.table_name, Key=_key(key))

    @override
    def of_org(self, org_id: int) -> Iterator[Callback]:
        now = time.time()
        for item in self._query(org_id, ""):
            if schema.number(item, "expires_at") > now:  # TTL deletes within days, not at once
                yield _callback(org_id, item)

    @override
    def count(self, org_id: int, event_id: int) -> int:
        return sum(1 for _ in self._query(org_id, schema.callback_sk(event_id)))

    @override
    def delete_all(self, org_id: int, event_id: int) -> int:
        items = self._query(org_id, schema.callback_sk(event_id))
        return batch_delete(self.dynamodb, self.table_name, ({"pk": item["pk"], "sk": item["sk"]} for item in items))

    @override
    def is_off(self, org_id: int, url: str) -> bool:
        key = _off_key(org_id, url)
        item = self.dynamodb.get_item(TableName=self.table_name, Key=key, ConsistentRead=True).get("Item", {})
        return schema.number(item, "expires_at") > time.time()

    @override
    def switch_off(self, org_id: int, url: str) -> None:
        expires_at = schema.n(int(time.time()) + OFF_DAYS * SECONDS_PER_DAY)
        self.dynamodb.put_item(TableName=self.table_name, Item=_off_key(org_id, url) | {"expires_at": expires_at})

    @override
    def switch_on(self, org_id: int, url: str) -> None:
        self.dynamodb.delete_item(TableName=self.table_name, Key=_off_key(org_id, url))

    def _write(self, callback: Callback, condition: str, seen: int, also: dict[str, str]) -> bool:
        """Write what changes in a callback's life, and give back the claim."""
        values: schema.Key = {
            ":status": schema.s(callback.status),
            ":number": schema.n(callback.attempt_number),
            ":attempts": schema.n(callback.attempts),
            ":last_status": schema.n(callback.last_status),
            ":reason": schema.s(callback.reason),
            ":next_at": schema.n(callback.next_at),
            ":body": schema.b(callback.body),
            ":seen": schema.n(seen),
        }
        changes = (
            "SET #status = :status, attempt_number = :number, attempts = :attempts, last_status = :last_status,"
            " reason = :reason, next_at = :next_at, body = :body REMOVE claimed_until"
        )
        values |= {name: schema.s(value) for name, value in also.items()}
        return update(self.dynamodb, self.table_name, _key(callback.key), changes, values, condition)

    def _query(self, org_id: int, prefix: str) -> "Iterator[schema.Item]":
        return query_all(self.dynamodb, self.table_name, schema.callbacks_pk(org_id), prefix)


def _key(key: CallbackKey) -> "schema.Key":
    return schema.key(schema.callbacks_pk(key.org_id), schema.callback_sk(key.event_id, key.callback_id))


def _off_key(org_id: int, url: str) -> "schema.Key":
    return schema.off_key(org_id, hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest())


def _callback(org_id: int, item: "schema.Item") -> Callback:
    event_id, _, callback_id = schema.text(item, "sk").partition("#")
    return Callback(
        key=CallbackKey(org_id, int(event_id), uuid.UUID(callback_id)),
        request_id=uuid.UUID(schema.text(item, "request_id")),
        type=schema.text(item, "type"),
        url=schema.text(item, "url"),
        body=schema.blob(item, "body"),
        created_at=schema.number(item, "created_at"),
        next_at=schema.number(item, "next_at"),
        status=CallbackStatus(schema.text(item, "status")),
        attempt_number=schema.number(item, "attempt_number"),
        attempts=schema.number(item, "attempts"),
        last_status=schema.number(item, "last_status"),
        reason=schema.text(item, "reason"),
    )
