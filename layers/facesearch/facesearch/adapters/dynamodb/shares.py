"""How much of what all organisations share one of them may hold at once while it waits for strangers' hosts."""

import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.errors import StoreUnavailable
from facesearch.observability import log_unexpected
from facesearch.webhooks.outbound import Shares

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 3
"""At a slot: a refusal says which others are free, and they may be taken meanwhile."""
KEPT_SECONDS = 86_400


@dataclass(frozen=True)
class DynamoShares(Shares):
    """In the table: an item per organisation, with an attribute for each slot, until when it is taken.

    A worker that is killed gives nothing back: its slot is free when its invocation would have ended.

    Attributes:
        kind: of what the slots are.
        slots: how many each organisation has.
    """

    dynamodb: "DynamoDBClient"
    table_name: str
    kind: str
    slots: int

    @override
    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        """One write unit, and another to give it back."""
        now = time.time_ns() // 1000
        until = now + round(seconds * 1_000_000) + random.randrange(1000)  # noqa: S311 - to tell it from others
        slot = random.choice(self._slots())  # noqa: S311 - spreads them
        for _ in range(ATTEMPTS):
            try:
                self._update(
                    org_id,
                    slot,
                    "SET #slot = :until, expires_at = :expires_at",
                    "attribute_not_exists(#slot) OR #slot <= :now OR #slot = :until",  # a repetition of this very write
                    {":until": until, ":now": now, ":expires_at": now // 1_000_000 + KEPT_SECONDS},
                )
            except self.dynamodb.exceptions.ConditionalCheckFailedException as refused:
                item = schema.refused_item(refused.response)
                free = [other for other in self._slots() if schema.number(item, other) <= now]
                if not free:
                    return None
                slot = random.choice(free)  # noqa: S311 - as above
            else:
                held = ExitStack()
                held.callback(self._give_back, org_id, slot, until)
                return held
        return None

    @override
    def is_free(self, org_id: int) -> bool:
        """Half a read unit."""
        key = schema.share_key(org_id, self.kind)
        item = self.dynamodb.get_item(TableName=self.table_name, Key=key).get("Item", {})
        return any(schema.number(item, slot) <= time.time_ns() // 1000 for slot in self._slots())

    def _slots(self) -> list[str]:
        return [f"slot_{number}" for number in range(self.slots)]

    def _give_back(self, org_id: int, slot: str, until: int) -> None:
        try:
            self._update(org_id, slot, "REMOVE #slot", "#slot = :until", {":until": until})
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return  # it took too long, and another has it
        except StoreUnavailable as error:  # it runs out by itself
            log_unexpected(error)

    def _update(self, org_id: int, slot: str, update: str, condition: str, values: dict[str, int]) -> None:
        self.dynamodb.update_item(
            TableName=self.table_name,
            Key=schema.share_key(org_id, self.kind),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#slot": slot},
            ExpressionAttributeValues={name: schema.n(value) for name, value in values.items()},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


@dataclass(frozen=True)
class WorkersShares(Shares):
    """All that one process does for an organisation at once holds one slot together, as it holds one
    worker: without it, nine of a batch of ten callbacks would step aside where a share is one."""

    shares: Shares
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _users: Counter[int] = field(default_factory=Counter, init=False)
    _held: dict[int, ExitStack] = field(default_factory=dict, init=False)

    @override
    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        """The time is that of the first one's."""
        with self._lock:
            if not self._users[org_id]:
                held = self.shares.take(org_id, seconds)
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

    @override
    def is_free(self, org_id: int) -> bool:
        return self._users[org_id] > 0 or self.shares.is_free(org_id)
