"""Face vectors as they lie in memory, 132 bytes each, and the exact scan over them.

A scan is two steps: all dot products in 8-bit arithmetic, which reads a quarter of float32's bytes, then the few rows
that may reach the threshold again in float64. The first step's error is bounded, so the second misses nothing: the
answer is that of a float64 scan over the stored vectors.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import simsimd
from numpy.typing import NDArray

from facesearch.faces.index import native

DIMENSIONS = 128

Values = NDArray[np.int8]
"""Shape (n, 128): the stored bytes of `packing`."""
SCAN_ROWS = 131_072
"""Rows that one task scans: 16 MB, large beside the cost of a task, small enough to spread over the cores."""
EXACT_ROWS = 65_536
"""Rows at a time in float64, 64 MB: at a very low threshold half of all rows are looked at again."""
_ROUNDING = 1e-5
"""What float32 may add to the bounded error of the 8-bit dot products."""


@dataclass(frozen=True, eq=False)
class Block:
    """Vectors that lie together, shape (n, 128), and 1 / length of each, shape (n,)."""

    values: Values
    inverse_norms: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Probe:
    """A unit vector to look for.

    Attributes:
        exact: shape (128,), float64, unit length.
        coarse: shape (1, 128), int8: its nearest vector on an 8-bit grid of step `step`.
        error: by how much the cosine of any row to `coarse` can differ from the one to `exact`.
    """

    exact: NDArray[np.float64]
    coarse: Values
    step: float
    error: float


def probe_of(vector: NDArray[np.float32] | NDArray[np.float64]) -> Probe:
    """The probe of a vector, shape (128,), of any length but zero."""
    exact = np.asarray(vector, np.float64) / np.linalg.norm(np.asarray(vector, np.float64))
    step = float(np.abs(exact).max()) / 127
    coarse = np.rint(exact / step).astype(np.int8)
    # Cauchy-Schwarz: |v . (exact - coarse)| <= |v| |exact - coarse|, and |v| is divided out.
    error = float(np.linalg.norm(exact - coarse * step)) + _ROUNDING
    return Probe(exact, coarse[None], step, error)


def inverse_norms(values: Values) -> NDArray[np.float32]:
    """1 / length of each row; 0 for a row of zeros, which then is like nothing."""
    squares = np.einsum("ij,ij->i", values, values, dtype=np.int32)
    lengths = np.sqrt(squares, dtype=np.float64)
    inverse: NDArray[np.float64] = np.divide(1, lengths, out=np.zeros(len(values)), where=lengths > 0)
    return inverse.astype(np.float32)


def scan(blocks: Sequence[Block], probe: Probe, minimum: float, pool: Executor) -> NDArray[np.int64]:
    """Rows, counted through the blocks, whose cosine to the probe may be `minimum` or more; some are below."""
    candidates = native.candidates if native.is_there() else by_simsimd
    least = (minimum - probe.error) / probe.step
    tasks: list[tuple[Block, int, int]] = []
    first = 0
    for block in blocks:
        tasks += [(block, start, first) for start in range(0, len(block), SCAN_ROWS)]
        first += len(block)

    def part(task: tuple[Block, int, int]) -> NDArray[np.int64]:
        block, start, before = task
        rows = slice(start, start + SCAN_ROWS)
        return candidates(block.values[rows], block.inverse_norms[rows], probe.coarse, least) + (before + start)

    found = [part(tasks[0])] if len(tasks) == 1 else list(pool.map(part, tasks))
    return np.concatenate(found) if found else np.empty(0, np.int64)


def by_simsimd(values: Values, inverse_norms: NDArray[np.float32], probe: Values, least: float) -> NDArray[np.int64]:
    """What `native.candidates` does, everywhere; its kernel is called once a face, which takes half of the time."""
    dots = np.asarray(simsimd.cdist(probe, values, metric="dot"))[0]
    return np.flatnonzero(dots * inverse_norms >= least)


def cosines(values: Values, probe: Probe) -> NDArray[np.float64]:
    """Cosine of each row to the probe in float64, shape (n,)."""
    found = np.zeros(len(values))
    for start in range(0, len(values), EXACT_ROWS):
        rows = values[start : start + EXACT_ROWS].astype(np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        # Not `@`: BLAS sums in an order that depends on the other rows; a face must score the same wherever it lies.
        dots = np.einsum("ij,j->i", rows, probe.exact)
        np.divide(dots, lengths, out=found[start : start + EXACT_ROWS], where=lengths > 0)
    return found


def take(blocks: Sequence[Block], rows: NDArray[np.int64]) -> Values:
    """The values of these rows, counted through the blocks."""
    taken = np.empty((len(rows), DIMENSIONS), np.int8)
    first = 0
    for block in blocks:
        here = (rows >= first) & (rows < first + len(block))
        taken[here] = block.values[rows[here] - first]
        first += len(block)
    return taken
