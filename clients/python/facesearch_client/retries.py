"""When to ask again, and how long to wait before it."""

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC


@dataclass(frozen=True)
class RetryPolicy:
    """When to ask again, and how long to wait before it.

    Attributes:
        attempts: calls in all, the first included.
        base, ceiling: seconds; wait n is drawn evenly from 0 to min(ceiling, base * 2**n) ("full jitter"), so that
            callers who failed together do not return together.
        longest_retry_after: seconds; a server that asks for more is not waited for, the error says how long.
        longest_wait: seconds between the attempts of one call, all together.
        sleep, sleep_async, random, clock: what the two clients wait, draw and measure with.
    """

    attempts: int = 5
    base: float = 0.5
    ceiling: float = 8.0
    longest_retry_after: float = 30.0
    longest_wait: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[float, float], float] = random.uniform
    clock: Callable[[], float] = time.monotonic

    def wait_before(self, retry: int, retry_after: float | None, waited: float = 0.0) -> float | None:
        """Seconds before retry `retry` (counted from 0) after `waited` seconds of earlier ones; None = give up."""
        if retry + 1 >= self.attempts or (retry_after or 0) > self.longest_retry_after:
            return None
        wait = (retry_after or 0) + self.random(0, self._step(retry))
        return wait if waited + wait <= self.longest_wait else None

    def pause_before(self, poll: int, retry_after: float | None = None) -> float:
        """Seconds before asking for the `poll`-th time (counted from 0) whether something is there yet.

        At least half of the step, other than before a retry: the first responses are expected to be "not yet", and
        full jitter would now and then ask twice at once.
        """
        step = self._step(poll)
        return max(retry_after or 0, self.random(step / 2, step))

    def _step(self, number: int) -> float:
        return min(self.ceiling, self.base * 2.0 ** min(number, 60))  # 2.0**1024 would overflow


def seconds_of(retry_after: str | None, now: float | None = None) -> float | None:
    """`Retry-After` as seconds from `now` (a Unix time); it may be a number or an HTTP date. None if neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        when = email.utils.parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, IndexError, OverflowError):  # the parser was written for polite mail
        return None
    if when.tzinfo is None:  # "-0000", or no zone at all; HTTP dates are in GMT
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - (time.time() if now is None else now))
