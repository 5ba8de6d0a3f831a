"""Rates and the calibration table, counted by hand on small sets."""

import numpy as np
import pytest

from facesearch.faces.confidence import TABLE
from tools.bench.verification import ENOUGH, Pairs, calibration, pairs_of, rates, threshold_at


def ascending(count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """0, 1/count … below 1."""
    return (np.arange(count) / count).astype(np.float32)


def test_pairs_are_every_two_photos_once_and_unknown_people_are_left_out() -> None:
    vectors = np.eye(5, 128, dtype=np.float32)
    vectors[1] = vectors[0]
    pairs = pairs_of(vectors, ["a", "a", "b", None, "c"])
    assert pairs.same.tolist() == [1]
    assert pairs.strangers.tolist() == [0] * 5  # a-b, a-b, a-c, a-c, b-c


def test_the_threshold_of_a_rate_is_reached_by_just_that_share() -> None:
    strangers = ascending(10_000)
    for rate, reached in ((1e-1, 1000), (1e-2, 100), (1e-3, 10)):
        threshold = threshold_at(strangers, rate)
        assert threshold is not None
        assert np.count_nonzero(strangers >= np.float32(threshold)) == reached


def test_a_set_that_is_too_small_for_a_rate_says_so() -> None:
    assert threshold_at(ascending(9_999), 1e-3) is None
    assert threshold_at(ascending(1000 * ENOUGH), 1e-3) is not None
    pairs = Pairs(ascending(10), ascending(10_000))
    assert [rate.threshold is None for rate in rates(pairs)] == [False, False, True, True]
    assert rates(pairs)[0].true_accept_rate == pytest.approx(0)
    assert rates(Pairs(np.ones(3, np.float32), ascending(10_000)))[0].true_accept_rate == 1


def test_the_calibration_measures_every_published_row() -> None:
    strangers = ascending(100_000)
    rows = calibration(Pairs(np.ones(1, np.float32), strangers))
    assert [row.percent for row in rows] == [row.percent for row in TABLE if 0 < row.percent < 100]
    for row in rows:
        assert row.measured == pytest.approx(1 - row.cosine, abs=1e-4)
        assert row.strangers_per_100_000 == pytest.approx(1e5 * (1 - row.cosine), abs=10)
        assert row.accepted == 1
    assert rows[0].cosine_here == pytest.approx(0.99, abs=1e-4)
    for few in (np.zeros(100, np.float32), np.empty(0, np.float32)):
        assert all(row.measured is None for row in calibration(Pairs(np.ones(1, np.float32), few)))
