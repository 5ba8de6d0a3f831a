"""A callback: what is told to whom, and how far it has come."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from facesearch.webhooks.announcing import JobEnd

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
        type: "face_search.completed", …; see `webhooks.announcing`.
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


class CallbackStore(Protocol):
    """Where callbacks are kept, for as long as results and dead letters are."""

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


class Addresses(Protocol):
    """Which of an organisation's addresses are switched off."""

    def is_off(self, org_id: int, url: str) -> bool:
        """Whether nothing is to be sent there."""

    def switch_off(self, org_id: int, url: str) -> None:
        """Send nothing there any more."""

    def switch_on(self, org_id: int, url: str) -> None:
        """Send there again."""


class CallbackLists(Protocol):
    """What operators and deletions ask."""

    def of_org(self, org_id: int) -> Iterator[Callback]:
        """All of an organisation's callbacks that are kept."""

    def count(self, org_id: int, event_id: int) -> int:
        """How many callbacks of an event are kept."""

    def delete_all(self, org_id: int, event_id: int) -> int:
        """Delete an event's callbacks; how many there were."""


def callback_of(end: JobEnd, now: float) -> Callback:
    """The callback that says how a search ended; the same end, however often, has one key.

    Raises:
        ValueError: its metadata is larger than a callback may be.
    """
    name = f"{end.org_id}/{end.event_id}/{end.request_id}/{end.type}"
    return Callback(
        key=CallbackKey(end.org_id, end.event_id, uuid.uuid5(_NAMESPACE, name)),
        request_id=end.request_id,
        type=end.type,
        url=end.callback_url,
        body=_body(end, now),
        created_at=int(now),
        next_at=int(now),
    )


def begun_again(callback: Callback, number: int, now: float) -> Callback:
    """The callback as it is when it begins anew with that attempt."""
    pending = CallbackStatus.PENDING
    return replace(callback, status=pending, attempt_number=number, attempts=0, reason="", next_at=int(now))


def body_with_host(body: bytes, base_url: str) -> bytes:
    """The body as it is sent: only the callbacks function knows where the API is (see ADR 12).

    Args:
        body: of a callback.
        base_url: scheme, host and stage of the API; empty = `results_url` stays a path.
    """
    message = json.loads(body)
    path = message["data"]["results_url"]
    if path is not None:
        message["data"]["results_url"] = base_url.rstrip("/") + path
    return _encoded(message)


def _body(end: JobEnd, now: float) -> bytes:
    done = end.type != "face_search.failed"
    data: dict[str, Any] = {
        "org_id": end.org_id,
        "event_id": end.event_id,
        "request_id": str(end.request_id),
        "total": end.total,
        "confidence_percentage": end.confidence,
        "status": "done" if done else "failed",
        "reason": end.reason,
        "metadata": end.metadata,
        "results_url": f"/api/v1/ext/{end.org_id}/event/{end.event_id}/faces/{end.request_id}" if done else None,
    }
    if end.parent_request_id is not None:
        data["parent_request_id"] = str(end.parent_request_id)
    timestamp = datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    body = _encoded({"type": end.type, "timestamp": timestamp, "data": data})
    if len(body) > BODY_BYTES:
        raise ValueError(f"a callback of {len(body)} bytes; {BODY_BYTES} are the most")
    return body


def _encoded(message: dict[str, Any]) -> bytes:
    """ASCII, so that a lone surrogate in metadata, which JSON can carry and UTF-8 cannot, is no failure."""
    return json.dumps(message, separators=(",", ":")).encode()
