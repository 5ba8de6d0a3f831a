"""How sure a figure is: 95 % intervals by bootstrap over people.

Searches by one person's photos are alike, so people are drawn anew and not searches. Whom they are searched among stays
as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
SEED = 5
_CHUNK = 100
"""Resamples that are drawn at once: 40 MB for 50,000 people."""

Sums = NDArray[np.float64]
"""Shape (…, k): what was counted, summed over people; a resample a row."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; all None if it has no value."""

    value: float | None
    low: float | None
    high: float | None


def sums_by_person(people: NDArray[np.int64], counts: NDArray[np.int64]) -> Sums:
    """The counts, shape (searches, k), summed over each person's searches: shape (people, k)."""
    numbers = np.unique(people, return_inverse=True)[1]
    sums = np.zeros((int(numbers.max(initial=-1)) + 1, counts.shape[1]))
    np.add.at(sums, numbers, counts)
    return sums


def resampled(by_person: Sums, resamples: int = RESAMPLES, seed: int = SEED) -> Sums:
    """Totals of so many draws of as many people, with replacement: shape (resamples, k)."""
    rng = np.random.default_rng(seed)
    people = len(by_person)
    weights = np.full(people, 1 / people)
    parts = [
        rng.multinomial(people, weights, min(_CHUNK, resamples - start)) @ by_person
        for start in range(0, resamples, _CHUNK)
    ]
    return np.concatenate(parts)


def estimate(total: Sums, draws: Sums, figure: Callable[[Sums], Sums]) -> Estimate:
    """A figure of the totals, shape (k,), and of the draws, shape (resamples, k).

    Args:
        total: of everybody.
        draws: see `resampled`.
        figure: from (…, k) to (…,); NaN where it has no value.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(figure(total))
        values = figure(draws)
    values = values[np.isfinite(values)]
    if not np.isfinite(value) or not len(values):
        return Estimate(None, None, None)
    low, high = np.percentile(values, (2.5, 97.5)).tolist()
    return Estimate(value, low, high)


def never_seen(people: int) -> Estimate:
    """A rate of which nothing was seen: resampling nothing gives nothing, so the upper end is the rule of three's."""
    return Estimate(0.0, 0.0, 3 / people)
