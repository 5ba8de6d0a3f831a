"""A discrete-event simulation of searches on Lambda's environments, search by search, by a seed.

It knows nothing of the formulas: token buckets refuse (the gateway's, an organisation's quota), a call takes a warm
environment or starts one as far as concurrency and scaling rate allow, else it is refused, and who is refused tries
again as our client does.
"""

import heapq
import math
import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from facesearch_client.retries import RetryPolicy
from facesearch_local.throttles import Bucket
from tools.bench.capacity.crowd import Crowd
from tools.bench.capacity.deployment import Throttle

RETRY_AFTER = 1.0
"""Seconds that each refusal here asks to wait for; our client adds its jitter."""
OTHER_DRAWS = 1_000_000
"""Added to a run's seed, whose draws are the arrivals'."""
NO_RETRY = RetryPolicy(attempts=1)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What admits a call.

    Attributes:
        warm_seconds: mean of a search.
        spread: its standard deviation, as a share of the mean (gamma distribution).
        cold_seconds: what the first search of an environment takes longer.
        environments: at most so many.
        starts: how many may start a second, and at once; None = as many as are needed.
        throttles: what each call must pass first, by name.
        warm: environments that are there before the first call.
        retries: how often and when a refused call comes again.
    """

    warm_seconds: float
    cold_seconds: float
    spread: float = 0.3
    environments: float = math.inf
    starts: Throttle | None = None
    throttles: tuple[tuple[str, Throttle], ...] = ()
    warm: int = 0
    retries: RetryPolicy = NO_RETRY


@dataclass
class Outcome:
    """What became of the searches.

    Attributes:
        refusals: calls that were refused, retries among them, by what refused them.
        refused: searches that were refused at their first attempt.
        gave_up: searches that were refused at their last one.
        cold: environments that were started.
        busiest: the most environments busy at once.
        found_busy: environments that each call found busy.
        waits: seconds from the first attempt to the response, of those that were served.
    """

    searches: int
    refusals: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    gave_up: int = 0
    cold: int = 0
    busiest: int = 0
    found_busy: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def given_up(self) -> float:
        """Share of the searches."""
        return self.gave_up / self.searches

    def wait(self, percent: float) -> float:
        """Percentile of the waits, in seconds."""
        return float(np.percentile(self.waits, percent)) if self.waits else math.nan


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """Times of arrivals that come independently of each other."""
    draw, times, now = random.Random(seed), list[float](), 0.0  # noqa: S311 - a simulation
    while (now := now - math.log(1 - draw.random()) / rate) < seconds:
        times.append(now)
    return times


def gun(crowd: Crowd, seed: int) -> list[float]:
    """Times of a crowd's searches."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    return sorted(-crowd.seconds * math.log(1 - draw.random()) for _ in range(round(crowd.searches)))


class Simulation:
    """One run."""

    def __init__(self, rules: Rules, seed: int) -> None:
        self._rules = rules
        self._draw = random.Random(seed + OTHER_DRAWS)  # noqa: S311 - a simulation
        self._retries = replace(rules.retries, random=self._draw.uniform)
        self._throttles = [(name, _bucket(throttle)) for name, throttle in rules.throttles]
        self._starts = _bucket(rules.starts) if rules.starts else None
        self._environments = self._idle = rules.warm

    def run(self, arrivals: Sequence[float]) -> Outcome:
        """Have searches arrive at these times, in seconds, in ascending order; all are seen to their end."""
        rules, outcome = self._rules, Outcome(len(arrivals))
        first, again, ends = deque(arrivals), list[tuple[float, int, float, float]](), list[float]()
        while first or again:
            if not again or (first and first[0] <= again[0][0]):
                began = now = first.popleft()
                attempt, waited = 0, 0.0
            else:
                now, attempt, began, waited = heapq.heappop(again)
            while ends and ends[0] <= now:
                heapq.heappop(ends)
                self._idle += 1
            outcome.found_busy.append(len(ends))
            refused_by = self._refusal(now)
            if not refused_by:
                seconds = self._seconds()
                if self._idle:
                    self._idle -= 1
                else:
                    self._environments += 1
                    outcome.cold += 1
                    seconds += rules.cold_seconds
                heapq.heappush(ends, now + seconds)
                outcome.busiest = max(outcome.busiest, len(ends))
                outcome.waits.append(now + seconds - began)
                continue
            outcome.refusals[refused_by] += 1
            outcome.refused += attempt == 0
            pause = self._retries.wait_before(attempt, RETRY_AFTER, waited)
            if pause is None:
                outcome.gave_up += 1
            else:
                heapq.heappush(again, (now + pause, attempt + 1, began, waited + pause))
        return outcome

    def _refusal(self, now: float) -> str:
        """What refuses a call; empty = nothing. A start is paid for if one is needed."""
        for name, bucket in self._throttles:
            if not bucket.take(now):
                return name
        if self._idle:
            return ""
        if self._environments >= self._rules.environments:
            return "concurrency"
        return "" if self._starts is None or self._starts.take(now) else "scaling rate"

    def _seconds(self) -> float:
        mean, spread = self._rules.warm_seconds, self._rules.spread
        return self._draw.gammavariate(spread**-2, mean * spread**2) if spread else mean


def _bucket(throttle: Throttle) -> Bucket:
    return Bucket(throttle.rate, throttle.burst, 0.0)
