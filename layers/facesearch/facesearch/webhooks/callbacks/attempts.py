"""The queue of delivery attempts that are due now or later, and what enters the first one of a callback there.

A message is one attempt; all it holds are ids and a time.
"""

import json
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from typing_extensions import override

from facesearch.webhooks.announcing import Announcer, JobEnd
from facesearch.webhooks.callbacks.callback import CallbackKey, CallbackStatus, CallbackStore, callback_of

DELAY_SECONDS = 900
"""The longest that SQS holds a message back. An attempt that is due later is queued again until it is due: a day's wait
is 96 messages, about $0.0001, and needs nothing but the queue that is there anyway (see ADR 12)."""


@dataclass(frozen=True)
class DeliveryAttempt:
    """An attempt to deliver a callback.

    Attributes:
        number: counts up with every attempt and every replay, so that a message that comes twice, or late, is known.
        not_before: seconds since the epoch.
        is_replay: the callback begins anew with it, whatever has become of it.
    """

    key: CallbackKey
    number: int
    not_before: float = 0
    is_replay: bool = False

    def to_message(self) -> str:
        """As the queue holds it."""
        return json.dumps(
            {
                "org_id": self.key.org_id,
                "event_id": self.key.event_id,
                "callback_id": str(self.key.callback_id),
                "number": self.number,
                "not_before": self.not_before,
                "replay": self.is_replay,
            }
        )

    @classmethod
    def from_message(cls, message: str) -> "DeliveryAttempt":
        """Read what the queue holds.

        Raises:
            ValueError: that is no attempt.
        """
        try:
            content: Any = json.loads(message)
            key = CallbackKey(int(content["org_id"]), int(content["event_id"]), uuid.UUID(content["callback_id"]))
            not_before = float(content["not_before"])
            if not math.isfinite(not_before):
                raise ValueError("an attempt that is never due")
            return cls(key, int(content["number"]), not_before, bool(content["replay"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("a message that is no delivery attempt") from error


class AttemptQueue(Protocol):
    """Brings attempts to the callbacks function, when they are due or before."""

    def send(self, attempt: DeliveryAttempt) -> None:
        """Have it handled when it is due; earlier if that is longer than the queue can wait."""

    def add_dead_letter(self, attempt: DeliveryAttempt) -> None:
        """Put it among the dead letters, where an operator sees it."""


class DeadLetters(Protocol):
    """Attempts that were given up, or that failed too often."""

    def delete(self, is_over: Callable[[DeliveryAttempt], bool]) -> int:
        """Take out those that are over; how many they were. What is no attempt stays where it is."""


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
        callback = self.callbacks.add(callback_of(end, self.clock()))
        if callback.status is CallbackStatus.PENDING and not callback.attempt_number:
            self.queue.send(DeliveryAttempt(callback.key, callback.attempt_number))
