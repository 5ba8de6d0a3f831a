"""A crowd that is told at once that its photos are there, and what the first minutes ask for, in closed form.

Nobody searches before the message is out, and at every moment everybody who has not searched yet does so with the same
chance. So the time to each one's search is exponential, and the rate is highest at once. How long it takes on average
is an assumption, for a push message to phones. Runners who search as they finish come far slower: finish times are
nearly normal. In a half marathon of 1,096 finishers their standard deviation was 23.4 minutes
(http://arandomwalk.blogspot.com/2012/09/half-marathon-finish-times.html).
"""

from dataclasses import dataclass
from math import ceil, expm1, inf, log, pi, sqrt

FINISH_SIGMA_SECONDS = 23.4 * 60


@dataclass(frozen=True)
class Crowd:
    """People who are told at once.

    Attributes:
        people: of the event.
        share: of them who search at all.
        seconds: mean time from the message to the first search; half have come after ln 2 = .69 of it.
    """

    people: int = 50_000
    share: float = 0.5
    seconds: float = 60.0

    @property
    def searches(self) -> float:
        """All that come, retries left out."""
        return self.people * self.share

    @property
    def peak(self) -> float:
        """Searches a second at the start, the most."""
        return self.searches / self.seconds

    @property
    def finish_peak(self) -> float:
        """Searches a second if they come as they finish: the top of a normal distribution."""
        return self.searches / FINISH_SIGMA_SECONDS / sqrt(2 * pi)

    def arrived(self, until: float) -> float:
        """Searches until so many seconds after the message."""
        return self.searches * -expm1(-until / self.seconds)

    def later_than(self, rate: float) -> float:
        """Seconds after which fewer than `rate` a second come."""
        return self.seconds * log(self.peak / rate) if rate < self.peak else 0


def cold_starts(crowd: Crowd, warm_seconds: float, cold_seconds: float) -> float:
    """Environments that start if nothing limits them and none is warm.

    All that come before the first environment is done, after start and search, need one of their own. From then on as
    many are done each second as came a start and a search before, and fewer come.
    """
    return crowd.arrived(warm_seconds + cold_seconds)


def refused_by_bucket(crowd: Crowd, rate: float, burst: float) -> float:
    """Share of searches that a token bucket refuses, if nobody tries again.

    Until the crowd comes slower than the bucket fills, it admits its burst and what has filled up.
    """
    end = crowd.later_than(rate)
    return max(0.0, crowd.arrived(end) - rate * end - burst) / crowd.searches


def refused_by_environments(crowd: Crowd, environments: int, warm_seconds: float, cold_seconds: float) -> float:
    """Share of searches that find no environment, of so many at most and none warm, if nobody tries again.

    First each environment takes one search, and is busy until it has started and searched. From then on each moment
    refuses what Erlang's formula says of its rate, which changes slowly beside the time of a search.
    """
    first, refused = warm_seconds + cold_seconds, 0.0
    for second in range(ceil(10 * crowd.seconds)):
        come = crowd.arrived(first + second + 1) - crowd.arrived(first + second)
        refused += come * erlang_b(come * warm_seconds, environments)
    return (max(0.0, crowd.arrived(first) - environments) + refused) / crowd.searches


def erlang_b(offered: float, servers: int) -> float:
    """Share of Poisson arrivals that find all servers busy (A. K. Erlang, 1917), whatever the distribution of times.

    `offered`: arrivals a second times seconds. By the recursion over the servers, which does not overflow.
    """
    inverse = 1.0
    for number in range(1, servers + 1):
        inverse = 1 + inverse * number / offered if offered else inf
    return 1 / inverse
