"""Commands to look through an event's watches. They share the search commands' queue, and like those hold ids alone."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from facesearch.webhooks.watches.watch import Rounds

DELAY_SECONDS = 10
"""A round begins so long after its command was sent, and so sees the photos of a whole batch of uploads."""
WINDOW_SECONDS = 8
"""Requests within it are one command. Shorter than the delay: after a refusal a round is yet to begin."""


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

    def to_message(self) -> str:
        """As it is sent."""
        content: dict[str, object] = {"kind": "watch", "org_id": self.org_id, "event_id": self.event_id}
        if self.after is not None:
            content |= {"after": str(self.after), "counted": self.counted}
        return json.dumps(content)

    @classmethod
    def from_message(cls, message: str) -> "WatchCommand | None":
        """Read a message; None if it is something else."""
        try:
            content = json.loads(message)
            if content["kind"] != "watch":
                return None
            after = content.get("after")
            counted = int(content.get("counted", 0))
            return cls(content["org_id"], content["event_id"], uuid.UUID(after) if after else None, counted)
        except (KeyError, TypeError, AttributeError, ValueError):
            return None


class WatchCommands(Protocol):
    """Where commands wait for a worker."""

    def send(self, command: WatchCommand, delay: int = 0) -> None:
        """Enter a command, to be delivered after so many seconds."""


@dataclass(frozen=True, kw_only=True)
class CollapsedWatchRequests:
    """Cost an event that nobody watches one read unit, and others one message every few seconds."""

    commands: WatchCommands
    rounds: Rounds
    clock: Callable[[], float] = time.time

    def request(self, org_id: int, event_id: int) -> None:
        """Have the event's watches looked through soon, if there are any; asked often within seconds is asked once."""
        # If the worker dies between claim and message, the photos' redelivery asks again, minutes later: the claim is
        # over by then.
        now = self.clock()
        if self.rounds.has_watches(event_id) and self.rounds.claim(event_id, now, now + WINDOW_SECONDS):
            self.commands.send(WatchCommand(org_id, event_id), DELAY_SECONDS)
