"""Embeddings as bytes, the scan's two inner loops over them (in C where it was compiled), and the scale of cosines."""

import struct
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from facesearch.faces.confidence import FIRST_TABLE, TABLE, Anchor, threshold
from facesearch.faces.engine import PLAIN_MODEL
from facesearch.faces.index import native
from facesearch.faces.index.vectors import (
    DIMENSIONS,
    SCAN_ROWS,
    Block,
    Probe,
    Values,
    by_simsimd,
    inverse_norms,
    probe_of,
    scan,
)
from facesearch.faces.packing import FACE_BYTES, pack, unpack
from facesearch.models import DEFAULT_MODEL, FIRST_MODEL

compiled = pytest.mark.skipif(not native.is_there(), reason="the loop in C is not compiled here: make setup does it")


@given(arrays(np.float32, st.tuples(st.integers(0, 5), st.just(128)), elements=st.floats(-1, 1, width=32)))
def test_the_direction_survives_packing(vectors: NDArray[np.float32]) -> None:
    vectors = vectors[np.linalg.norm(vectors, axis=1) > 1e-3]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    packed = pack(units)
    back = unpack(packed)
    assert (len(packed), str(back.dtype)) == (len(units) * FACE_BYTES, "float32")
    assert np.allclose(np.linalg.norm(back, axis=1), 1, atol=1e-6)
    # Each of 127 dimensions is off by at most 1/254 of the largest: the sine of the angle is at most .0444.
    assert np.all((back * units).sum(axis=1) > 0.999)


def test_the_layout_is_a_little_endian_scale_and_128_signed_bytes() -> None:
    packed = pack(np.eye(1, 128, dtype=np.float32) * 0.8 - np.eye(1, 128, 1, dtype=np.float32) * 0.6)
    scale, first, second = struct.unpack_from("<fbb", packed)
    assert (first, second, packed[6:]) == (127, -95, bytes(126))
    assert scale * first == pytest.approx(0.8)


@pytest.mark.parametrize("length", [1, 131, 133, 260])
def test_a_wrong_length_is_an_error_that_names_it(length: int) -> None:
    with pytest.raises(ValueError, match=f"{length} bytes"):
        unpack(bytes(length))


def vectors(count: int, seed: int) -> Values:
    """Vectors like faces, and at the end those that are none: zeros and extremes."""
    made = np.clip(np.random.default_rng(seed).normal(0, 45, (count, DIMENSIONS)), -127, 127).astype(np.int8)
    made[-3:] = np.array([[-128], [127], [0]])
    return made


def probe(seed: int) -> Probe:
    return probe_of(np.random.default_rng(seed).normal(size=DIMENSIONS))


@compiled
@pytest.mark.parametrize("seed", range(20))
def test_both_keep_the_same_rows_also_right_at_a_rows_own_score(seed: int) -> None:
    values, wanted = vectors(500, seed), probe(seed).coarse
    norms = inverse_norms(values)
    scores = (values.astype(np.int64) @ wanted[0].astype(np.int64)) * norms.astype(np.float64)
    for least in [*scores[:20], *np.nextafter(scores[:20], np.inf), -1e9, 0.0, 1e9]:
        rows = native.candidates(values, norms, wanted, least)
        assert rows.tolist() == np.flatnonzero(scores >= least).tolist()
        assert rows.tolist() == by_simsimd(values, norms, wanted, least).tolist()


@compiled
def test_it_refuses_what_it_was_not_compiled_for() -> None:
    values = vectors(10, 0)
    norms, wanted = inverse_norms(values), probe(0).coarse
    for wrong in ((values[:, :64], norms, wanted), (values, norms[:9], wanted), (values, norms, wanted[:, :127])):
        with pytest.raises(ValueError, match="128 dimensions"):
            native.candidates(*wrong, 0.0)


def test_a_scan_is_the_same_with_and_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [Block(each, inverse_norms(each)) for each in (vectors(SCAN_ROWS + 300, 1), vectors(70, 2))]
    with ThreadPoolExecutor(2) as pool:
        found = [scan(blocks, probe(1), minimum, pool).tolist() for minimum in (-1.0, 0.0, 0.2)]
        monkeypatch.setattr(native, "is_there", lambda: False)
        assert [scan(blocks, probe(1), minimum, pool).tolist() for minimum in (-1.0, 0.0, 0.2)] == found
    assert all(found)


@given(st.integers(0, 99))
def test_more_confidence_is_always_a_higher_threshold(percent: int) -> None:
    assert threshold(percent) < threshold(percent + 1)


@pytest.mark.parametrize(("table", "model"), [(TABLE, DEFAULT_MODEL), (FIRST_TABLE, FIRST_MODEL)])
def test_each_row_is_on_the_scale_and_rarer_than_the_one_before(table: tuple[Anchor, ...], model: str) -> None:
    assert all(threshold(row.percent, model) == row.cosine for row in table)
    rates = [row.false_match_rate for row in table if row.false_match_rate is not None]
    assert all(rarer < rate for rate, rarer in pairwise(rates))


def test_an_older_model_keeps_its_scale_and_a_generation_has_its_model_s() -> None:
    assert threshold(50, FIRST_MODEL) == threshold(50, PLAIN_MODEL) == 0.293
    assert threshold(50, f"{DEFAULT_MODEL}+3") == threshold(50) == 0.300
    assert [threshold(percent) for percent in (0, 90, 99)] == [0, 0.50, 0.60]


@pytest.mark.parametrize("percent", [-1, 101])
def test_there_is_nothing_beyond_the_scale(percent: int) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        threshold(percent)
