"""How indexing says that an event has new photos."""

from typing import Protocol


class WatchRequests(Protocol):
    """Those who watch for later photos are to be told."""

    def request(self, org_id: int, event_id: int) -> None:
        """Have the event's watches looked through soon, if there are any; asked often within seconds is asked once."""
