"""The queue of callbacks that are due now or later. A message is a callback's turn; all it holds are ids and a time."""

import json
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from facesearch.webhooks.callbacks.callback import CallbackKey

DELAY_SECONDS = 900
"""The longest that SQS holds a message back. A turn that is due later is sent again until it is due: a day's wait is
96 messages, about $0.0001, and needs nothing but the queue that is there anyway (see ADR 12)."""
HIDDEN_SECONDS = 60
"""How long dead letters are held while they are looked through; whatever goes wrong, they are back after it."""
RECEIVED_AT_ONCE = 10
EMPTY_ANSWERS = 2
"""SQS may answer with nothing while there is something: so many such answers in a row are the end."""


@dataclass(frozen=True)
class DeliveryAttempt:
    """A callback's turn to be sent.

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
                "turn": self.number,
                "not_before": self.not_before,
                "replay": self.is_replay,
            }
        )

    @classmethod
    def from_message(cls, message: str) -> "DeliveryAttempt":
        """Read what the queue holds.

        Raises:
            ValueError: that is no turn.
        """
        try:
            content: Any = json.loads(message)
            key = CallbackKey(int(content["org_id"]), int(content["event_id"]), uuid.UUID(content["callback_id"]))
            not_before = float(content["not_before"])
            if not math.isfinite(not_before):
                raise ValueError("a turn that is never due")
            return cls(key, int(content["turn"]), not_before, bool(content["replay"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("a message that is no callback's turn") from error


class AttemptQueue(Protocol):
    """Brings turns to the callbacks function, when they are due or before."""

    def send(self, turn: DeliveryAttempt) -> None:
        """Have it handled when it is due; earlier if that is longer than the queue can wait."""

    def bury(self, turn: DeliveryAttempt) -> None:
        """Put it among the dead letters, where an operator sees it."""


class DeadLetters(Protocol):
    """Turns that were given up, or that failed too often."""

    def take(self, wanted: Callable[[DeliveryAttempt], bool]) -> int:
        """Take out those that are wanted; how many they were."""
