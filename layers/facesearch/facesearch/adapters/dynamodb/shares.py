"""How much of what all organisations share one of them may hold at once while it waits for strangers' hosts."""

import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from facesearch.adapters.dynamodb import schema
from facesearch.errors import StoreUnavailable
from facesearch.observability import log_unexpected
from facesearch.webhooks.shares import Shares

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 3
"""At a slot: a refusal says which others are free, and they may be taken meanwhile."""
KEPT_SECONDS = 86_400


class DynamoShares:
    """`Shares` in the table: an item per organisation, with an attribute for each slot, until when it is taken.

    A worker that is killed gives nothing back: its slot is free when its invocation would have ended.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str, kind: str, slots: int) -> None:
        """Take the parts; `kind`: of what the slots are."""
        self._dynamodb = dynamodb
        self._table = table_name
        self._kind = kind
        self._slots = [f"slot_{number}" for number in range(slots)]

    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        """See `Shares.take`. One write unit, and another to give it back."""
        now = time.time_ns() // 1000
        until = now + round(seconds * 1_000_000) + random.randrange(1000)  # noqa: S311 - to tell it from others
        slot = random.choice(self._slots)  # noqa: S311 - spreads them
        for _ in range(ATTEMPTS):
            try:
                self._update(
                    org_id,
                    slot,
                    "SET #slot = :until, expires_at = :expires_at",
                    "attribute_not_exists(#slot) OR #slot <= :now OR #slot = :until",  # a repetition of this very write
                    {":until": until, ":now": now, ":expires_at": now // 1_000_000 + KEPT_SECONDS},
                )
            except self._dynamodb.exceptions.ConditionalCheckFailedException as refused:
                item = schema.refused_item(refused.response)
                free = [other for other in self._slots if schema.number(item, other) <= now]
                if not free:
                    return None
                slot = random.choice(free)  # noqa: S311 - as above
            else:
                held = ExitStack()
                held.callback(self._give_back, org_id, slot, until)
                return held
        return None

    def is_free(self, org_id: int) -> bool:
        """See `Shares.is_free`. Half a read unit."""
        key = schema.share_key(org_id, self._kind)
        item = self._dynamodb.get_item(TableName=self._table, Key=key).get("Item", {})
        return any(schema.number(item, slot) <= time.time_ns() // 1000 for slot in self._slots)

    def _give_back(self, org_id: int, slot: str, until: int) -> None:
        try:
            self._update(org_id, slot, "REMOVE #slot", "#slot = :until", {":until": until})
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return  # it took too long, and another has it
        except StoreUnavailable as error:  # it runs out by itself
            log_unexpected(error)

    def _update(self, org_id: int, slot: str, update: str, condition: str, values: dict[str, int]) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=schema.share_key(org_id, self._kind),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#slot": slot},
            ExpressionAttributeValues={name: schema.n(value) for name, value in values.items()},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


class WorkersShares:
    """`Shares` in which all that one process does for an organisation at once holds one slot together, as it holds one
    worker: without it, nine of a batch of ten callbacks would step aside where a share is one."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._lock = threading.Lock()
        self._users = Counter[int]()
        self._held: dict[int, ExitStack] = {}

    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        """See `Shares.take`; the time is that of the first one's."""
        with self._lock:
            if not self._users[org_id]:
                held = self._shares.take(org_id, seconds)
                if held is None:
                    return None
                self._held[org_id] = held
            self._users[org_id] += 1
        used = ExitStack()
        used.callback(self._give_back, org_id)
        return used

    def _give_back(self, org_id: int) -> None:
        with self._lock:
            self._users[org_id] -= 1
            if not self._users[org_id]:
                del self._users[org_id]
                self._held.pop(org_id).close()

    def is_free(self, org_id: int) -> bool:
        """See `Shares.is_free`."""
        return self._users[org_id] > 0 or self._shares.is_free(org_id)
