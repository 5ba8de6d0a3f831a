"""Callbacks in the table, and the addresses that are switched off."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_delete, query_all
from facesearch.webhooks.callbacks.callback import Callback, CallbackKey, Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateItemInputTypeDef

SECONDS_PER_DAY = 86_400
LEAST_DAYS = 14
"""As long as SQS keeps a dead letter: one that is found must still have its callback."""
OFF_DAYS = 90
"""How long an address stays off. After that it is asked again, and answers 410 again if it is still gone."""


class DynamoCallbackStore:
    """`CallbackStore`, `CallbackLists` and `Addresses` in the table."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str, retention_days: int = LEAST_DAYS) -> None:
        """`retention_days`: how long a callback is kept after it was announced, if that is longer than `LEAST_DAYS`."""
        self._dynamodb = dynamodb
        self._table = table_name
        self._seconds = max(retention_days, LEAST_DAYS) * SECONDS_PER_DAY

    def add(self, callback: Callback) -> Callback:
        """See `CallbackStore.add`."""
        item = _key(callback.key) | {
            "event_id": schema.n(callback.key.event_id),
            "request_id": schema.s(str(callback.request_id)),
            "type": schema.s(callback.type),
            "url": schema.s(callback.url),
            "body": schema.b(callback.body),
            "status": schema.s(callback.status),
            "turn": schema.n(callback.turn),
            "attempts": schema.n(callback.attempts),
            "next_at": schema.n(callback.next_at),
            "created_at": schema.n(callback.created_at),
            "expires_at": schema.n(callback.created_at + self._seconds),
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues={":now": schema.n(callback.created_at)},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return self.get(callback.key) or callback
        return callback

    def get(self, key: CallbackKey) -> Callback | None:
        """See `CallbackStore.get`."""
        item = self._dynamodb.get_item(TableName=self._table, Key=_key(key), ConsistentRead=True).get("Item")
        return _callback(key.org_id, item) if item is not None else None

    def claim(self, key: CallbackKey, turn: int, now: float, until: float) -> bool:
        """See `CallbackStore.claim`."""
        return self._update(
            {
                "TableName": self._table,
                "Key": _key(key),
                "UpdateExpression": "SET turn = :turn, claimed_until = :until ADD attempts :one",
                "ConditionExpression": (
                    "#status = :pending AND turn <= :turn"
                    " AND (attribute_not_exists(claimed_until) OR claimed_until <= :now)"
                ),
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {
                    ":turn": schema.n(turn),
                    ":pending": schema.s(Status.PENDING),
                    ":one": schema.n(1),
                    ":until": schema.n(int(until * 1000)),
                    ":now": schema.n(int(now * 1000)),
                },
            }
        )

    def settle(self, callback: Callback, turn: int) -> bool:
        """See `CallbackStore.settle`."""
        return self._write(callback, "turn = :seen AND #status = :pending", turn, {":pending": Status.PENDING})

    def restart(self, callback: Callback) -> bool:
        """See `CallbackStore.restart`."""
        condition = "turn < :seen AND #status <> :delivered"
        return self._write(callback, condition, callback.turn, {":delivered": Status.DELIVERED})

    def remove(self, key: CallbackKey) -> None:
        """See `CallbackStore.remove`."""
        self._dynamodb.delete_item(TableName=self._table, Key=_key(key))

    def of_org(self, org_id: int) -> Iterator[Callback]:
        """See `CallbackLists.of_org`."""
        now = time.time()
        for item in self._query(org_id, ""):
            if schema.number(item, "expires_at") > now:  # TTL deletes within days, not at once
                yield _callback(org_id, item)

    def count(self, org_id: int, event_id: int) -> int:
        """See `CallbackLists.count`."""
        return sum(1 for _ in self._query(org_id, schema.callback_sk(event_id)))

    def purge(self, org_id: int, event_id: int) -> int:
        """See `CallbackLists.purge`."""
        items = self._query(org_id, schema.callback_sk(event_id))
        return batch_delete(self._dynamodb, self._table, ({"pk": item["pk"], "sk": item["sk"]} for item in items))

    def is_off(self, org_id: int, url: str) -> bool:
        """See `Addresses.is_off`."""
        key = _off_key(org_id, url)
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        return schema.number(item, "expires_at") > time.time()

    def switch_off(self, org_id: int, url: str) -> None:
        """See `Addresses.switch_off`."""
        expires_at = schema.n(int(time.time()) + OFF_DAYS * SECONDS_PER_DAY)
        self._dynamodb.put_item(TableName=self._table, Item=_off_key(org_id, url) | {"expires_at": expires_at})

    def switch_on(self, org_id: int, url: str) -> None:
        """See `Addresses.switch_on`."""
        self._dynamodb.delete_item(TableName=self._table, Key=_off_key(org_id, url))

    def _write(self, callback: Callback, condition: str, seen: int, also: dict[str, str]) -> bool:
        """Write what changes in a callback's life, and give back the claim."""
        values: schema.Key = {
            ":status": schema.s(callback.status),
            ":turn": schema.n(callback.turn),
            ":attempts": schema.n(callback.attempts),
            ":last_status": schema.n(callback.last_status),
            ":reason": schema.s(callback.reason),
            ":next_at": schema.n(callback.next_at),
            ":body": schema.b(callback.body),
            ":seen": schema.n(seen),
        }
        return self._update(
            {
                "TableName": self._table,
                "Key": _key(callback.key),
                "UpdateExpression": (
                    "SET #status = :status, turn = :turn, attempts = :attempts, last_status = :last_status,"
                    " reason = :reason, next_at = :next_at, body = :body REMOVE claimed_until"
                ),
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": values | {name: schema.s(value) for name, value in also.items()},
            }
        )

    def _update(self, update: "UpdateItemInputTypeDef") -> bool:
        try:
            self._dynamodb.update_item(**update)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _query(self, org_id: int, prefix: str) -> "Iterator[schema.Item]":
        return query_all(self._dynamodb, self._table, schema.callbacks_pk(org_id), prefix)


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
        status=Status(schema.text(item, "status")),
        turn=schema.number(item, "turn"),
        attempts=schema.number(item, "attempts"),
        last_status=schema.number(item, "last_status"),
        reason=schema.text(item, "reason"),
    )
