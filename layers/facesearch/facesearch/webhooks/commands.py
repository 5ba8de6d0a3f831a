"""Commands to the search worker, in its queue. They hold ids and counts alone."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import ConfigDict, TypeAdapter

from facesearch.models import SearchKey

LONGEST_DELAY = 900
"""Seconds that SQS can hold a new message back."""


STRICT = ConfigDict(extra="forbid")
"""A message with anything else in it is none of ours, and ends as a dead letter."""


class NotNowError(Exception):
    """The message must be delivered again."""


@dataclass(frozen=True)
class SearchCommand:
    """Run this search.

    Attributes:
        waits: how often it has waited for the organisation's quota.
        asides: how often it has stepped aside for other searches of the organisation.
        tries: deliveries of earlier messages; the queue counts those of this one.
    """

    search: SearchKey
    waits: int = 0
    asides: int = 0
    tries: int = 0
    __pydantic_config__: ClassVar = STRICT


@dataclass(frozen=True)
class WatchCommand:
    """Look through the event's watches; of a round that took longer than its invocation, those behind the search
    `after`, where `counted` live ones came before."""

    org_id: int
    event_id: int
    after: uuid.UUID | None = None
    counted: int = 0
    __pydantic_config__: ClassVar = STRICT


Command = SearchCommand | WatchCommand
COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)
"""Writes a command as JSON, and reads it: anything else is a ValueError."""


@dataclass(frozen=True)
class MessageDelivery:
    """One delivery of a message: its number from 1, what the queue knows it by, and what is left of its invocation."""

    number: int
    receipt: str
    seconds_left: Callable[[], float]


class SearchCommands(Protocol):
    """Where commands wait for a worker."""

    def send(self, command: Command, delay: int = 0) -> None:
        """Enter a command, to be delivered after so many seconds, 900 at most."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """Have a message that was delivered come again after so many seconds."""
