"""Intervals: over people and not searches, the same each time, none for what has no value."""

import numpy as np
import pytest

from tools.bench.bootstrap import Estimate, Sums, estimate, never_seen, resampled


def share(sums: Sums) -> Sums:
    return np.asarray(sums[..., 1] / sums[..., 0])


def test_the_interval_of_a_share_is_about_two_standard_errors_wide() -> None:
    sums = np.column_stack([np.ones(400), np.arange(400) < 100])
    found = estimate(sums.sum(axis=0), resampled(sums), share)
    error = (0.25 * 0.75 / 400) ** 0.5
    assert found.value == 0.25
    assert found.low == pytest.approx(0.25 - 1.96 * error, abs=0.005)
    assert found.high == pytest.approx(0.25 + 1.96 * error, abs=0.005)


def test_many_searches_by_one_person_are_no_surer_than_one() -> None:
    one = np.column_stack([np.ones(50), np.arange(50) < 25])
    many = estimate((20 * one).sum(axis=0), resampled(20 * one), share)
    assert many == estimate(one.sum(axis=0), resampled(one), share)


def test_what_has_no_value_has_no_interval() -> None:
    nothing = np.zeros((5, 2))
    assert estimate(nothing.sum(axis=0), resampled(nothing), share) == Estimate(None, None, None)


def test_what_was_never_seen_may_be_as_often_as_three_in_so_many() -> None:
    assert never_seen(150) == Estimate(0, 0, 0.02)
