"""Rates and the calibration table, counted by hand on small sets."""

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from facesearch.faces.confidence import TABLE
from tools.bench.bootstrap import Estimate, Sums, estimate, never_seen, resampled
from tools.bench.dataset import Dataset, Label
from tools.bench.embeddings import NOTHING, Seen
from tools.bench.scale import as_text, fitted, scale_of
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


MEAN, SPREAD = 0.09, 0.09


def normal(count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Cosines that are exactly normal, ascending."""
    normal = NormalDist(MEAN, SPREAD)
    return np.array([normal.inv_cdf((n + 0.5) / count) for n in range(count)], np.float32)


def dataset_of(people: int, photos: int, seed: int = 1) -> tuple[Dataset, list[Seen]]:
    """People of two groups in made-up directions."""
    rng = np.random.default_rng(seed)
    labels, seen = [], []
    for person in range(people):
        centre = rng.standard_normal(128)
        group = "ab"[person % 2]
        for _ in range(photos):
            face = (centre + rng.standard_normal(128) / 2).astype(np.float32)
            face /= np.linalg.norm(face)
            labels.append(Label(group, f"{group}/{person}", str(person)))
            seen.append(Seen(np.zeros((1, 4), np.float32), np.ones(1, np.float32), face[None], face))
    return Dataset(Path("set"), [Path(f"{n}.jpg") for n in range(len(seen))], labels), seen


def test_the_line_goes_through_normal_cosines_and_on_beyond_them() -> None:
    fit = fitted(normal(100_000))
    assert fit is not None
    assert [point.false_match_rate for point in fit.points] == [1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4]
    assert fit.slope == pytest.approx(-1 / SPREAD, rel=0.02)
    assert max(abs(point.residual) for point in fit.points) < 0.003
    for rate in (1e-5, 1e-6):
        assert fit.cosine(rate) == pytest.approx(MEAN - SPREAD * NormalDist().inv_cdf(rate), abs=0.005)
        assert fit.rate(fit.cosine(rate)) == pytest.approx(rate)


def test_the_scale_says_whom_it_was_made_of_and_what_was_counted() -> None:
    dataset, seen = dataset_of(120, 2)
    seen[0] = NOTHING
    scale = scale_of(dataset, seen)
    assert (scale.people, scale.photos, scale.groups) == (120, 239, ["a", "b"])
    assert scale.strangers == 239 * 238 // 2 - 119
    assert [row.percent for row in scale.rows] == [anchor.percent for anchor in TABLE[1:]]
    by_percent = {row.percent: row for row in scale.rows}
    assert (by_percent[60].counted, by_percent[80].counted) == (True, False)
    cosines = [by_percent[percent].cosine or 0 for percent in (50, 60, 70, 80, 90, 95)]
    assert cosines == sorted(cosines)
    assert by_percent[99].cosine is None
    assert by_percent[99].line is not None
    assert scale.above[99] == 0
    assert sorted(scale.above.values(), reverse=True) == list(scale.above.values())
    assert f"    Anchor(60, {by_percent[60].cosine:.3f}, 1e-03),  # counted" in as_text(scale)
