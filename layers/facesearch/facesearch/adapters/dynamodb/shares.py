"""How much of what all organisations share one of them may hold at once while it waits for strangers' hosts."""

import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import RefusedError, Table, update
from facesearch.errors import StoreUnavailable
from facesearch.models import MICROSECONDS
from facesearch.observability import log_unexpected
from facesearch.webhooks.outbound import Shares

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

    table: Table
    kind: str
    slots: int

    @override
    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        """One write unit, and another to give it back."""
        now = time.time_ns() // 1000
        until = now + round(seconds * MICROSECONDS) + random.randrange(1000)  # noqa: S311 - to tell it from others
        slot = random.choice(self._slots())  # noqa: S311 - spreads them
        for _ in range(ATTEMPTS):
            change = update(
                schema.share_key(org_id, self.kind),
                f"SET {slot} = :until, expires_at = :expires_at",
                # The last is a repetition of this very write.
                f"attribute_not_exists({slot}) OR {slot} <= :now OR {slot} = :until",
                until=until,
                now=now,
                expires_at=now // MICROSECONDS + KEPT_SECONDS,
            )
            try:
                self.table.attempt(change)
            except RefusedError as refused:
                free = [other for other in self._slots() if refused.item.get(other, 0) <= now]
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
        item = self.table.get(schema.share_key(org_id, self.kind), consistent=False) or {}
        return any(item.get(slot, 0) <= time.time_ns() // 1000 for slot in self._slots())

    def _slots(self) -> list[str]:
        return [f"slot_{number}" for number in range(self.slots)]

    def _give_back(self, org_id: int, slot: str, until: int) -> None:
        """Unless it took too long, and another has it."""
        try:
            key = schema.share_key(org_id, self.kind)
            self.table.write(update(key, f"REMOVE {slot}", f"{slot} = :until", until=until))
        except StoreUnavailable as error:  # it runs out by itself
            log_unexpected(error)


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
