"""The formulas beside the simulation, and what a crowd meets when one thing after the other is moved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil, sqrt
from statistics import fmean, stdev

from facesearch_client.retries import RetryPolicy
from tools.bench.capacity.crowd import (
    Crowd,
    cold_starts,
    erlang_b,
    refused_by_bucket,
    refused_by_environments,
)
from tools.bench.capacity.deployment import Throttle
from tools.bench.capacity.model import Model
from tools.bench.capacity.simulation import Outcome, Rules, Simulation, gun, poisson

SEEDS = range(1, 6)
RATES = (10, 100, 1_000, 10_000)
ARRIVALS = 20_000
"""Of a run with a steady rate: enough that chance moves a mean by a hundredth."""
MOST_SEARCHES_A_MINUTE = 600_000
"""`SearchQuotaPerMinute` at its most."""
RAISED_ROUTE = Throttle(5_000, 5_000)
RAISED_CONCURRENCY = 3_000


@dataclass(frozen=True, kw_only=True)
class Check:
    """A formula's number, and the simulation's.

    Attributes:
        how: the formula with its numbers.
        simulated: mean of the runs, one for each of `SEEDS`.
        error: its standard error.
    """

    name: str
    how: str
    model: float
    simulated: float
    error: float


@dataclass(frozen=True)
class Step:
    """A crowd at a deployment in which everything before was moved, and this."""

    moved: str
    outcome: Outcome


def checks(model: Model, crowd: Crowd) -> Iterator[Check]:
    """Every formula that a simulation can contradict."""
    faces = model.load.faces
    warm = model.figures.search_seconds(faces)
    rules = Rules(warm_seconds=warm, cold_seconds=0, spread=model.figures.spread)
    for rate in RATES:
        yield _check(
            f"environments busy at {rate:,} a second",
            f"{rate:,} × {warm:.3f} s (Little)",
            rate * warm,
            lambda seed, rate=rate: _busy(rules, rate, seed),  # type: ignore[misc]
        )
    servers = ceil(100 * warm)
    yield _check(
        f"refused share at 100 a second, {servers} environments",
        f"Erlang B of {100 * warm:.1f} and {servers}",
        erlang_b(100 * warm, servers),
        lambda seed: _given_up(replace(rules, environments=servers), poisson(100, ARRIVALS / 100, seed), seed),
    )
    for snapstart in (False, True):
        cold = model.figures.cold_seconds(faces, snapstart)
        started = replace(rules, cold_seconds=cold)
        yield _check(
            "cold starts of the crowd" + (", SnapStart" if snapstart else ""),
            f"{crowd.searches:,.0f} × (1 - e^(-{warm + cold:.2f} / {crowd.seconds:g}))",
            cold_starts(crowd, warm, cold),
            lambda seed, started=started: Simulation(started, seed).run(gun(crowd, seed)).cold,  # type: ignore[misc]
        )
    cold = model.figures.cold_seconds(faces, snapstart=False)
    few = ceil(crowd.peak * warm / 2)
    yield _check(
        f"refused share of the crowd, {few} environments",
        f"{few} at first, then Erlang B of each second",
        refused_by_environments(crowd, few, warm, cold),
        lambda seed: _given_up(replace(rules, cold_seconds=cold, environments=few), gun(crowd, seed), seed),
    )
    route = model.deployed.search_route
    yield _check(
        f"refused share of the crowd, route of {route.rate:g} a second",
        f"what comes beyond {route.burst:g} and {route.rate:g} a second",
        refused_by_bucket(crowd, route.rate, route.burst),
        lambda seed: _given_up(replace(rules, throttles=(("route", route),)), gun(crowd, seed), seed),
    )


def _check(name: str, how: str, model: float, simulate: Callable[[int], float]) -> Check:
    runs = [float(simulate(seed)) for seed in SEEDS]
    return Check(name=name, how=how, model=model, simulated=fmean(runs), error=stdev(runs) / sqrt(len(runs)))


def _busy(rules: Rules, rate: float, seed: int) -> float:
    """What Poisson arrivals find busy is what is busy on average (R. W. Wolff, 1982: PASTA), once the first searches
    of the run are over."""
    arrivals = poisson(rate, ARRIVALS / rate + 5 * rules.warm_seconds, seed)
    found = Simulation(rules, seed).run(arrivals).found_busy
    settled = sum(time < 5 * rules.warm_seconds for time in arrivals)
    return fmean(found[settled:])


def _given_up(rules: Rules, arrivals: list[float], seed: int) -> float:
    return Simulation(rules, seed).run(arrivals).given_up


def steps(model: Model, crowd: Crowd, retries: RetryPolicy, seed: int = SEEDS[0]) -> Iterator[Step]:
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
