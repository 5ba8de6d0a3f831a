"""The scan's two inner loops: in C where it was compiled, by simsimd everywhere. They keep the same rows."""

import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from facesearch.faces.index import native, probe_of
from facesearch.faces.index.vectors import DIMENSIONS, SCAN_ROWS, Block, Probe, Values, by_simsimd, inverse_norms, scan
from tools import native as compiling

HERE = (sys.platform, platform.machine().lower())
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


@compiled
def test_it_takes_rows_that_do_not_lie_together_and_none_at_all() -> None:
    values, wanted = vectors(100, 3), probe(3).coarse
    norms = inverse_norms(values)
    every_third = native.candidates(values[::3], norms[::3], wanted, 0.0)
    assert every_third.tolist() == by_simsimd(values[::3].copy(), norms[::3], wanted, 0.0).tolist()
    assert native.candidates(values[:0], norms[:0], wanted, -1e9).tolist() == []


def test_a_scan_is_the_same_with_and_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [Block(each, inverse_norms(each)) for each in (vectors(SCAN_ROWS + 300, 1), vectors(70, 2))]
    with ThreadPoolExecutor(2) as pool:
        for minimum in (-1.0, 0.0, 0.2):
            with_it = scan(blocks, probe(1), minimum, pool).tolist()
            with monkeypatch.context() as patch:
                patch.setattr(native, "is_there", lambda: False)
                assert scan(blocks, probe(1), minimum, pool).tolist() == with_it
            assert len(with_it) > 0


def test_it_is_compiled_once_and_again_when_its_source_changes(tmp_path: Path) -> None:
    if compiling.compiler(*HERE) is None:
        pytest.skip("there is no C compiler")
    assert compiling.build(tmp_path, *HERE) == ""
    (made,) = tmp_path.iterdir()
    assert made.name == native.library_name()
    inode = made.stat().st_ino
    assert compiling.build(tmp_path, *HERE) == ""
    assert made.stat().st_ino == inode
    os.utime(made, (0, 0))
    assert compiling.build(tmp_path, *HERE) == ""
    assert made.stat().st_ino != inode


def test_without_a_compiler_or_with_one_that_fails_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no C compiler" in compiling.build(tmp_path, *HERE)
    monkeypatch.setenv("CC", f"{sys.executable} -c 'raise SystemExit(3)'")
    assert "ended with 3" in compiling.build(tmp_path, *HERE)
    assert list(tmp_path.iterdir()) == []


def test_lambdas_is_another_file_than_this_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for a cross compiler writes what it was asked for."""
    script = "import sys; open(sys.argv[-1], 'w').write(' '.join(sys.argv[1:-1]))"
    monkeypatch.setenv("LAMBDA_CC", f'{sys.executable} -c "{script}" cross')
    monkeypatch.setenv("CC", "no-such-compiler")
    if HERE == ("linux", "aarch64"):
        pytest.skip("this machine is one of Lambda's kind")
    assert compiling.build(tmp_path, "linux", "aarch64") == ""
    (made,) = tmp_path.iterdir()
    assert made.name == "scan-linux-aarch64.so"
    assert made.read_text().startswith("cross -O3")
