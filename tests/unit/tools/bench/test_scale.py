"""The scale's anchors: counted where there are enough pairs, on a line through the tail where there are not."""

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from facesearch.faces.confidence import TABLE
from tools.bench.dataset import Dataset, Label
from tools.bench.embeddings import NOTHING, Seen
from tools.bench.scale import as_text, fitted, scale_of

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
