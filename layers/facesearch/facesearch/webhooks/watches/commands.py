"""Orders to look through an event's watches. They share the queue of searches, and like those hold ids alone."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from facesearch.webhooks.watches.watch import Rounds

DELAY_SECONDS = 10
"""A round begins so long after it was ordered, and so sees the photos of a whole batch of uploads."""
WINDOW_SECONDS = 8
"""Orders within it are one. Shorter than the delay: whoever is refused knows that a round is to begin yet."""


@dataclass(frozen=True)
class WatchCommand:
    """A message: look through the watches of this event.

    Attributes:
        after: only those behind this search: a round goes on that was longer than its function.
        counted: live ones so far.
    """

    org_id: int
    event_id: int
    after: uuid.UUID | None = None
    counted: int = 0

    def to_text(self) -> str:
        """As it is sent."""
        message: dict[str, object] = {"kind": "watch", "org_id": self.org_id, "event_id": self.event_id}
        if self.after is not None:
            message |= {"after": str(self.after), "counted": self.counted}
        return json.dumps(message)

    @classmethod
    def of(cls, text: str) -> "WatchCommand | None":
        """Read a message; None if it is something else."""
        try:
            content = json.loads(text)
            if content["kind"] != "watch":
                return None
            after = content.get("after")
            counted = int(content.get("counted", 0))
            return cls(content["org_id"], content["event_id"], uuid.UUID(after) if after else None, counted)
        except (KeyError, TypeError, AttributeError, ValueError):
            return None


class WatchCommands(Protocol):
    """Where orders wait for a worker."""

    def send(self, order: WatchCommand, delay: int = 0) -> None:
        """Enter an order, to be delivered after so many seconds."""


class WatchRequests(Protocol):
    """How indexing says that an event has new photos."""

    def request(self, org_id: int, event_id: int) -> None:
        """Have the event's watches looked through soon, if there are any; asked often within seconds is asked once."""


class CollapsedRequests:
    """`WatchRequests` that costs an event nobody watches one read unit, and others one message every few seconds."""

    def __init__(self, orders: WatchCommands, rounds: Rounds, clock: Callable[[], float] = time.time) -> None:
        self._orders = orders
        self._rounds = rounds
        self._clock = clock

    def request(self, org_id: int, event_id: int) -> None:
        """See `WatchRequests.request`. Whoever dies between claim and message asks again with the photos' redelivery,
        minutes later: the claim is over by then."""
        now = self._clock()
        if self._rounds.has_watches(event_id) and self._rounds.claim(event_id, now, now + WINDOW_SECONDS):
            self._orders.send(WatchCommand(org_id, event_id), DELAY_SECONDS)
