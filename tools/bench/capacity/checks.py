"""The formulas beside the simulation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil, sqrt
from statistics import fmean, stdev

from tools.bench.capacity.crowd import (
    Crowd,
    cold_starts,
    erlang_b,
    refused_by_bucket,
    refused_by_environments,
)
from tools.bench.capacity.model import Model
from tools.bench.capacity.simulation import Rules, Simulation, gun, poisson

SEEDS = range(1, 6)
RATES = (10, 100, 1_000, 10_000)
ARRIVALS = 20_000
"""Of a run with a steady rate: enough that chance moves a mean by a hundredth."""


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
