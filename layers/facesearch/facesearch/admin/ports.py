"""What use cases ask of events: their settings, their end. What only the command line calls has no port."""

import datetime as dt
from typing import Protocol, Unpack

from facesearch.admin.models import EndedEvent, EventChanges
from facesearch.models import Event


class EventSettings(Protocol):
    """What an operator chooses for an event."""

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""

    def update_event(self, event_id: int, **changes: Unpack[EventChanges]) -> Event:
        """Change what is given, leave the rest; the next request sees it.

        Raises:
            NotFound: no such event.
            InvalidRequest: nothing to change, a value that no event may have, or an upstream's event that another event
                searches.
        """


class EventEndings(Protocol):
    """How events end."""

    def count_erasure(self, event_id: int) -> None:
        """Say that photos or faces were deleted: a search that began before this stores no result. May be NotFound."""

    def close_event(self, event_id: int) -> Event:
        """Switch the event off for good: nothing comes into it any more. May be NotFound."""

    def remove_event(self, event: Event) -> None:
        """Remove a closed event, also from its organisation's list and count and from the list by last day."""

    def ended_events(self, today: dt.date) -> list[EndedEvent]:
        """Events whose last day is before `today`, as long as something of them may be left."""

    def delete_ended(self, ended: EndedEvent) -> None:
        """Nothing of its faces is left: it need not be looked at again."""


class EventLifecycle(EventSettings, EventEndings, Protocol):
    """What deletions and retention ask."""
