"""A callback: what is told to whom, how far it has come, and the attempts to deliver it."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from pydantic import FiniteFloat, TypeAdapter
from typing_extensions import override

from facesearch.webhooks.jobs import Announcer, JobEnd

BODY_BYTES = 20_000
"""Standard Webhooks advises to stay below 20 KB; metadata of 1 KB is the only part that can grow."""
OVERDUE_SECONDS = 3_600
"""SQS delivers a message again for half an hour (`maxReceiveCount` times the queue's `VisibilityTimeout`). A callback
that was due an hour ago has lost its message, or Lambda or SQS has moved it to the dead letters without a word."""
LOST = "the attempt that was due was not made"
_NAMESPACE = uuid.UUID("6a0f6e0c-5a0e-4d3f-9b7e-0f2f6d6f6d6b")


class CallbackStatus(StrEnum):
    """How far a callback has come."""

    PENDING = "pending"
    """To be sent, or sent again."""
    DELIVERED = "delivered"
    """The receiver has responded with 2xx."""
    DEAD = "dead"
    """Given up; its message is among the dead letters, or lost (see `Callback.as_of`)."""
    GONE = "gone"
    """The address is switched off: it has responded with 410."""


@dataclass(frozen=True)
class CallbackKey:
    """Which callback. `callback_id` is also the `webhook-id` of every attempt."""

    org_id: int
    event_id: int
    callback_id: uuid.UUID


@dataclass(frozen=True)
class Callback:
    """One callback.

    Attributes:
        type: a `JobEnd.type`.
        body: JSON in UTF-8, its `results_url` without scheme and host; empty once it was delivered.
        attempt_number: of the message in the queue that counts (see `DeliveryAttempt.number`).
        attempts: begun since it was announced or replayed.
        last_status: HTTP status of the last response; 0 = there was none.
        reason: why it is not delivered, in words that are safe to show.
        next_at: when the next attempt is due, in seconds since the epoch.
    """

    key: CallbackKey
    request_id: uuid.UUID
    type: str
    url: str
    body: bytes
    created_at: int
    next_at: int
    status: CallbackStatus = CallbackStatus.PENDING
    attempt_number: int = 0
    attempts: int = 0
    last_status: int = 0
    reason: str = ""

    def as_of(self, now: float) -> "Callback":
        """The callback as an operator is to see it: nothing stays pending whose message does not come any more."""
        if self.status is not CallbackStatus.PENDING or now <= self.next_at + OVERDUE_SECONDS:
            return self
        return replace(self, status=CallbackStatus.DEAD, reason=LOST)

    def begun_again(self, number: int, now: float) -> "Callback":
        """The callback as it is when it begins anew with that attempt."""
        pending = CallbackStatus.PENDING
        return replace(self, status=pending, attempt_number=number, attempts=0, reason="", next_at=int(now))


@dataclass(frozen=True)
class DeliveryAttempt:
    """A message: an attempt to deliver a callback.

    Attributes:
        number: counts up with every attempt and every replay, so that a message that comes twice, or late, is known.
        not_before: seconds since the epoch.
        is_replay: the callback begins anew with it, whatever has become of it.
    """

    key: CallbackKey
    number: int
    not_before: FiniteFloat = 0
    is_replay: bool = False


ATTEMPTS = TypeAdapter(DeliveryAttempt)
"""Writes an attempt as JSON, and reads it: anything else is a ValueError."""


class CallbackStore(Protocol):
    """Where callbacks are kept, for as long as results and dead letters are, and which addresses are switched off."""

    def add(self, callback: Callback) -> Callback:
        """Keep a new one; the one that is kept now, which is an earlier one of that key if there was one."""

    def get(self, key: CallbackKey) -> Callback | None:
        """The callback; read strongly consistent."""

    def claim(self, key: CallbackKey, number: int, now: float, until: float) -> bool:
        """Take an attempt at a pending callback, for nobody else to send it until then, and count it, which ends the
        plan even if every process dies of it; False if somebody else has it, or a later one, or it is not pending."""

    def settle(self, callback: Callback, number: int) -> bool:
        """Write how a claimed attempt ended, and give the claim back; False if another attempt counts by now."""

    def restart(self, callback: Callback) -> bool:
        """Write a callback that begins anew with its attempt; False if it was delivered or deleted, or has begun."""

    def delete(self, key: CallbackKey) -> None:
        """Delete the callback; it may be gone already."""

    def of_org(self, org_id: int) -> Iterator[Callback]:
        """All of an organisation's callbacks that are kept."""

    def count(self, org_id: int, event_id: int) -> int:
        """How many callbacks of an event are kept."""

    def delete_all(self, org_id: int, event_id: int) -> int:
        """Delete an event's callbacks; how many there were."""

    def is_off(self, org_id: int, url: str) -> bool:
        """Whether nothing is to be sent there for the organisation."""

    def switch_off(self, org_id: int, url: str) -> None:
        """Send nothing there any more."""

    def switch_on(self, org_id: int, url: str) -> None:
        """Send there again."""


class AttemptQueue(Protocol):
    """Brings attempts to the callbacks function, when they are due or before."""

    def send(self, attempt: DeliveryAttempt) -> None:
        """Have it handled when it is due; earlier if SQS cannot wait so long. It is then queued again: a day's wait is
        96 messages, about $0.0001, and needs nothing but the queue that is there anyway (see ADR 12)."""

    def add_dead_letter(self, attempt: DeliveryAttempt) -> None:
        """Put it among the dead letters, where an operator sees it."""

    def delete_dead_letters(self, is_over: Callable[[DeliveryAttempt], bool]) -> int:
        """Delete those that are over; how many they were. What is no attempt stays where it is."""


@dataclass(frozen=True, kw_only=True)
class CallbackAnnouncer(Announcer):
    """Makes callbacks of announcements: kept first, queued then.

    A process that dies between the two announces again; the callback that is there is then queued, unless it was sent
    meanwhile. Queued twice is sent once: an attempt is claimed.
    """

    callbacks: CallbackStore
    queue: AttemptQueue
    clock: Callable[[], float] = time.time

    @override
    def announce(self, end: JobEnd) -> None:
        if not end.callback_url:
            return
        callback = self.callbacks.add(callback_of(end, self.clock()))
        if callback.status is CallbackStatus.PENDING and not callback.attempt_number:
            self.queue.send(DeliveryAttempt(callback.key, callback.attempt_number))


def callback_of(end: JobEnd, now: float) -> Callback:
    """The callback that says how a search ended; ValueError if its metadata is larger than a callback may be. The same
    end, however often, has one key."""
    search = end.search
    done = end.type != "face_search.failed"
    path = f"/api/v1/ext/{search.org_id}/event/{search.event_id}/faces/{search.request_id}"
    data: dict[str, Any] = {
        "org_id": search.org_id,
        "event_id": search.event_id,
        "request_id": str(search.request_id),
        "total": end.summary and end.summary.total,
        "confidence_percentage": end.summary and end.summary.confidence,
        "status": "done" if done else "failed",
        "reason": end.reason,
        "metadata": end.metadata,
        "results_url": path if done else None,
    }
    if end.parent_request_id is not None:
        data["parent_request_id"] = str(end.parent_request_id)
    timestamp = datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    body = _encoded({"type": end.type, "timestamp": timestamp, "data": data})
    if len(body) > BODY_BYTES:
        raise ValueError(f"a callback of {len(body)} bytes; {BODY_BYTES} are the most")
    callback_id = uuid.uuid5(_NAMESPACE, f"{search.org_id}/{search.event_id}/{search.request_id}/{end.type}")
    key = CallbackKey(search.org_id, search.event_id, callback_id)
    return Callback(key, search.request_id, end.type, end.callback_url, body, created_at=int(now), next_at=int(now))


def body_with_host(body: bytes, base_url: str) -> bytes:
    """A callback's body as it is sent: only the callbacks function knows where the API is (see ADR 12).

    `base_url`: scheme, host and stage of the API; empty = `results_url` stays a path.
    """
    message = json.loads(body)
    path = message["data"]["results_url"]
    if path is not None:
        message["data"]["results_url"] = base_url.rstrip("/") + path
    return _encoded(message)


def _encoded(message: dict[str, Any]) -> bytes:
    """ASCII, so that a lone surrogate in metadata, which JSON can carry and UTF-8 cannot, is no failure."""
    return json.dumps(message, separators=(",", ":")).encode()
