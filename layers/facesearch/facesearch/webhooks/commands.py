"""Commands to the worker that runs webhooks' searches, in a queue. They hold ids alone."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from facesearch.models import SearchKey

LONGEST_DELAY = 900
"""Seconds that SQS can hold a new message back."""


@dataclass(frozen=True)
class SearchCommand:
    """A message: run this search.

    Attributes:
        waits: how often it has already waited for the organisation's quota.
        asides: how often it has stepped aside for other organisations' searches.
        tries: that messages before this one have used up; its own are counted by the queue.
    """

    search: SearchKey
    waits: int = 0
    asides: int = 0
    tries: int = 0

    @property
    def org_id(self) -> int:
        """The organisation that searches."""
        return self.search.org_id

    def to_message(self) -> str:
        """As it is sent."""
        search = self.search
        ids = {"org_id": search.org_id, "event_id": search.event_id, "request_id": str(search.request_id)}
        counts = {"waits": self.waits, "asides": self.asides, "tries": self.tries}
        return json.dumps({"kind": "search"} | ids | {name: value for name, value in counts.items() if value})

    @classmethod
    def from_message(cls, message: str) -> "SearchCommand":
        """Read a message.

        Raises:
            ValueError: it is none of ours.
        """
        try:
            content = json.loads(message)
            if content["kind"] != "search":
                raise ValueError
            search = SearchKey(content["org_id"], content["event_id"], uuid.UUID(content["request_id"]))
            return cls(search, *(int(content.get(name, 0)) for name in ("waits", "asides", "tries")))
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ValueError("not a search command") from None


@dataclass(frozen=True)
class MessageDelivery:
    """One delivery of a message.

    Attributes:
        number: from 1.
        receipt: what the queue knows the delivery by.
        seconds_left: of the invocation that it was delivered to.
    """

    number: int
    receipt: str
    seconds_left: Callable[[], float]


class SearchCommands(Protocol):
    """Where commands wait for a worker."""

    def send(self, command: SearchCommand, delay: int = 0) -> None:
        """Enter a command, to be delivered after so many seconds, 900 at most."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """Have a message that was delivered come again after so many seconds."""
