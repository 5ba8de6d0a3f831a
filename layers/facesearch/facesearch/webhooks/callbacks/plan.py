"""When a callback that was not taken is sent again."""

import random
from collections.abc import Callable, Sequence

LONGEST_SECONDS = 86_400
"""A receiver can put the next attempt off by a day at most."""
JITTER = 0.2
"""Share of a delay by which it varies both ways, so that what failed together does not come back together."""


class Plan:
    """Delays between attempts in seconds; one attempt more than there are delays."""

    def __init__(self, delays: Sequence[int], uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._delays = tuple(delays)
        self._uniform = uniform

    def after(self, attempts: int, retry_after: int | None = None) -> float | None:
        """Seconds until the next attempt after so many; None if that was the last.

        Args:
            attempts: from 1.
            retry_after: what the receiver asks for, in seconds; it can only make the delay longer.
        """
        if attempts > len(self._delays):
            return None
        delay = self._delays[attempts - 1] * self._uniform(1 - JITTER, 1 + JITTER)
        return max(delay, min(retry_after or 0, LONGEST_SECONDS))
