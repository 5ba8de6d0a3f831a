"""What a crowd meets when one thing after the other is moved, and what a rate meets that begins from nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from facesearch_client.retries import RetryPolicy
from tools.bench.capacity.crowd import Crowd
from tools.bench.capacity.deployment import Throttle
from tools.bench.capacity.model import Model
from tools.bench.capacity.simulation import Outcome, Rules, Simulation, gun, poisson

SEED = 1
MOST_SEARCHES_A_MINUTE = 600_000
"""`SearchQuotaPerMinute` at its most."""
RAISED_ROUTE = Throttle(5_000, 5_000)
RAISED_CONCURRENCY = 3_000
STORM_SECONDS = 10
MOST_SIMULATED = 1_000
"""Searches a second; beyond it the formulas alone are quick."""


@dataclass(frozen=True)
class Step:
    """A crowd at a deployment in which everything before was moved, and this."""

    moved: str
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Storm:
    """Searches that begin at their full rate, with no environment warm.

    Attributes:
        starts: environments that the first searches need, until the first one is done: Little's law with the start.
        busy: environments that are needed from then on.
        seconds: until Lambda has started so many.
        outcome: of the first `STORM_SECONDS`; None = not simulated.
    """

    rate: float
    snapstart: bool
    starts: float
    busy: float
    seconds: float
    outcome: Outcome | None


def storms(model: Model, rates: tuple[float, ...], retries: RetryPolicy) -> Iterator[Storm]:
    """Each rate without and with SnapStart, in an account whose concurrency suffices: the scaling rate is the limit."""
    figures, limits, faces = model.figures, model.limits, model.load.faces
    warm = figures.search_seconds(faces)
    at_once, a_second = limits.lambda_scaling_burst.value, limits.lambda_scaling_rate.value
    for rate in rates:
        for snapstart in (False, True):
            cold = figures.cold_seconds(faces, snapstart)
            starts = Throttle(a_second, at_once)
            rules = Rules(warm_seconds=warm, cold_seconds=cold, spread=figures.spread, starts=starts, retries=retries)
            simulated = rate <= MOST_SIMULATED
            yield Storm(
                rate=rate,
                snapstart=snapstart,
                starts=rate * (warm + cold),
                busy=rate * warm,
                seconds=max(0, rate * warm - at_once) / a_second,
                outcome=Simulation(rules, SEED).run(poisson(rate, STORM_SECONDS, SEED)) if simulated else None,
            )


def steps(model: Model, crowd: Crowd, retries: RetryPolicy, seed: int = SEED) -> Iterator[Step]:
    """The crowd, all of one organisation in one event, with no environment warm; clients try again. Nothing else is
    called meanwhile, and DynamoDB refuses nothing."""
    deployed, figures, limits, faces = model.deployed, model.figures, model.limits, model.load.faces
    concurrency = limits.lambda_concurrency.value
    own = deployed.reserved_search
    account = "account", Throttle(limits.gateway_rate.value, limits.gateway_burst.value)
    rules = Rules(
        warm_seconds=figures.search_seconds(faces),
        cold_seconds=figures.cold_seconds(faces, deployed.snapstart),
        spread=figures.spread,
        environments=concurrency - deployed.queued if own is None else own,
        starts=Throttle(limits.lambda_scaling_rate.value, limits.lambda_scaling_burst.value),
        throttles=(account, ("route", deployed.search_route), ("quota", deployed.search_quota)),
        retries=retries,
    )
    arrivals = gun(crowd, seed)

    def step(moved: str, rules: Rules) -> Step:
        return Step(moved, Simulation(rules, seed).run(arrivals))

    yield step("nothing", rules)
    rules = replace(rules, throttles=(account, ("route", deployed.search_route)))
    yield step(f"SearchQuotaPerMinute={MOST_SEARCHES_A_MINUTE}", rules)
    rules = replace(rules, throttles=(account, ("route", RAISED_ROUTE)))
    yield step(f"ThrottlingRateLimit of POST faces: {RAISED_ROUTE.rate:,.0f}", rules)
    warm = ceil(crowd.peak * rules.warm_seconds)
    yield step(f"and {warm} environments provisioned", replace(rules, warm=warm))
    more = RAISED_CONCURRENCY - deployed.queued
    yield step(f"or a Lambda quota of {RAISED_CONCURRENCY:,}", replace(rules, environments=more))
    other = figures.cold_seconds(faces, not deployed.snapstart)
    yield step("or no SnapStart" if deployed.snapstart else "or SnapStart", replace(rules, cold_seconds=other))
