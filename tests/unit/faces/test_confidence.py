"""The published scale from percent to cosine."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.faces.confidence import FIRST_TABLE, TABLE, Anchor, threshold
from facesearch.faces.engine import PLAIN_MODEL
from facesearch.models import DEFAULT_MODEL, FIRST_MODEL


@given(st.integers(0, 99))
def test_more_confidence_is_always_a_higher_threshold(percent: int) -> None:
    assert threshold(percent) < threshold(percent + 1)


@pytest.mark.parametrize(("percent", "cosine"), [(0, 0.0), (50, 0.300), (90, 0.50), (99, 0.60)])
def test_the_fixed_points(percent: int, cosine: float) -> None:
    assert threshold(percent) == cosine


@pytest.mark.parametrize(("table", "model"), [(TABLE, DEFAULT_MODEL), (FIRST_TABLE, FIRST_MODEL)])
def test_each_row_is_on_the_scale_and_rarer_than_the_one_before(table: tuple[Anchor, ...], model: str) -> None:
    assert all(threshold(row.percent, model) == row.cosine for row in table)
    rates = [row.false_match_rate for row in table if row.false_match_rate is not None]
    assert all(rarer < rate for rate, rarer in pairwise(rates))


def test_an_older_model_keeps_its_scale_and_a_generation_has_its_model_s() -> None:
    assert threshold(50, FIRST_MODEL) == threshold(50, PLAIN_MODEL) == 0.293
    assert threshold(50, f"{DEFAULT_MODEL}+3") == threshold(50) == 0.300


@pytest.mark.parametrize("percent", [-1, 101])
def test_there_is_nothing_beyond_the_scale(percent: int) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        threshold(percent)
