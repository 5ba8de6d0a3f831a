"""How much of what all organisations share one of them may hold at once while it waits for strangers' hosts."""

from contextlib import ExitStack
from typing import Protocol

PART = 4
"""An organisation's hosts may hold up a quarter of a function's workers: three that hang leave another quarter."""


class Shares(Protocol):
    """Slots, so many for each organisation."""

    def take(self, org_id: int, seconds: float) -> ExitStack | None:
        """Take a slot for so long at most; None if all of the organisation's are taken. Closing it gives it back."""

    def is_free(self, org_id: int) -> bool:
        """Whether one of the organisation's slots seems to be free; a hint."""


def share_of(concurrency: int) -> int:
    """An organisation's slots, where so many invocations may run at once."""
    return max(1, concurrency // PART)
