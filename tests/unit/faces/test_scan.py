"""The scan's two inner loops: in C where it was compiled, by simsimd everywhere. They keep the same rows."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

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

compiled = pytest.mark.skipif(not native.is_there(), reason="the loop in C is not compiled here: make setup does it")


def vectors(count: int, seed: int) -> Values:
    """Vectors like faces, and at the end those that are none: zeros and extremes."""
    rng = np.random.default_rng(seed)
    made = np.clip(rng.normal(0, 45, (count, DIMENSIONS)), -127, 127).astype(np.int8)
    made[-1:] = 0
    made[-2:-1] = 127
    made[-3:-2] = -128
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
        for minimum in (-1.0, 0.0, 0.2):
            with_it = scan(blocks, probe(1), minimum, pool).tolist()
            with monkeypatch.context() as patch:
                patch.setattr(native, "is_there", lambda: False)
                assert scan(blocks, probe(1), minimum, pool).tolist() == with_it
            assert len(with_it) > 0
