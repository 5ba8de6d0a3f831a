"""Intervals: over people and not searches, the same each time, none for what has no value."""

import numpy as np
import pytest

from tools.bench.bootstrap import Estimate, Sums, estimate, never_seen, resampled, sums_by_person


def share(sums: Sums) -> Sums:
    return np.asarray(sums[..., 1] / sums[..., 0])


def test_searches_are_summed_by_person() -> None:
    sums = sums_by_person(np.array([7, 3, 7]), np.array([[1, 2], [1, 5], [1, 4]]))
    assert sums.tolist() == [[1, 5], [2, 6]]
    assert sums_by_person(np.empty(0, int), np.empty((0, 2), int)).shape == (0, 2)


def test_as_many_people_are_drawn_as_there_are_and_the_same_each_time() -> None:
    ones = np.ones((30, 1))
    assert np.array_equal(resampled(ones, 250), np.full((250, 1), 30))
    some = np.arange(60.0).reshape(30, 2)
    assert np.array_equal(resampled(some), resampled(some))
    assert resampled(some).shape == (1000, 2)


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


def test_draws_without_a_value_do_not_count() -> None:
    rare = np.array([[1.0, 1.0], *[[0.0, 0.0]] * 9])
    assert estimate(rare.sum(axis=0), resampled(rare), share) == Estimate(1, 1, 1)


def test_what_was_never_seen_may_be_as_often_as_three_in_so_many() -> None:
    assert never_seen(150) == Estimate(0, 0, 0.02)
