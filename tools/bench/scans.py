"""Ways to scan an event's faces, side by side: `python -m tools.bench.scans [FACES]` (ADR 13).

Each finds the rows of the same int8 vectors that may reach the second pass's floor, with two threads, in turns with the
others and with reading as many bytes as the product's own scan does. A way that needs a library which is not there is
left out. Rows that only one of them takes for possible would be a mistake, and end the run.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import simsimd
from numpy.typing import NDArray

from facesearch.faces.embedded import SECOND_PASS
from facesearch.faces.index import native
from facesearch.faces.index.vectors import DIMENSIONS, SCAN_ROWS, Block, Probe, inverse_norms, probe_of, scan
from facesearch.faces.packing import pack, values_of
from facesearch_cli import interrupts
from facesearch_cli.terminal import results, say
from tools.bench import machine, made_up

CORES = 2
CONVERTED_ROWS = 2_048
"""Rows that are made float32 at a time: 1 MB, within a core's cache."""
BLAS_SECONDS = 0.2
"""Until its threads, which wait for more work in a loop, have gone to sleep."""
PART_OF_DIMENSIONS = (64, 96, 112)

Rows = NDArray[np.int64]
Way = Callable[[], Rows]


class Ways:
    """The vectors, a probe, and each way's own form of them."""

    def __init__(self, faces: int, pool: Executor) -> None:
        """Make up an event."""
        vectors = made_up.faces(faces, 1)
        self.faces = faces
        self.probe: Probe = probe_of(vectors[faces // 2])
        self.values = np.ascontiguousarray(values_of(pack(vectors)))
        self.block = Block(self.values, inverse_norms(self.values))
        self.minimum = SECOND_PASS.least - SECOND_PASS.floor
        self.least = np.float32((self.minimum - self.probe.error) / self.probe.step)
        self._pool = pool

    def all(self) -> Iterator[tuple[str, int, Way]]:
        """Name, bytes of a face that it reads, and what does it."""
        if native.is_there():
            yield "a loop in C, as the product", 132, self.product
        yield "simsimd int8", 132, self.simsimd()
        yield "simsimd uint8, shifted by 128", 136, self.shifted()
        yield "numpy float32, X @ q", 516, self.float32()
        yield "int8 made float32 in the cache", 132, self.converted
        if find_spec("numkong"):
            yield "numkong int8, packed", 152, self.numkong()

    def product(self) -> Rows:
        """`facesearch.faces.index.vectors.scan`."""
        return scan([self.block], self.probe, self.minimum, self._pool)

    def simsimd(self) -> Way:
        """What the product does where nothing was compiled: one call of its kernel a face."""
        return self._parts(lambda rows: _dots(self.probe.coarse, self.values[rows]), SCAN_ROWS)

    def shifted(self) -> Way:
        """With x + 128 and q + 128 as unsigned bytes, whose kernel is faster: x.q = their product - 128 (sum of x
        + 128) - 128 (sum of q). All of it is exact in float32, below 2^24; the row sums are 4 bytes more a face."""
        values = self.values.view(np.uint8) ^ np.uint8(128)
        probe = self.probe.coarse.view(np.uint8) ^ np.uint8(128)
        excess = (values.sum(axis=1, dtype=np.int32) + self.probe.coarse.sum(dtype=np.int32)).astype(np.float32) * 128

        return self._parts(lambda rows: _dots(probe, values[rows]) - excess[rows], SCAN_ROWS)

    def float32(self) -> Way:
        """BLAS over vectors of four times the size."""
        wide, probe = self.values.astype(np.float32), self.probe.coarse[0].astype(np.float32)
        return self._parts(lambda rows: wide[rows] @ probe, SCAN_ROWS)

    def converted(self) -> Rows:
        """BLAS over blocks that are converted where the next cache line is."""
        probe = self.probe.coarse[0].astype(np.float32)
        return self._parts(lambda rows: self.values[rows].astype(np.float32) @ probe, CONVERTED_ROWS)()

    def numkong(self) -> Way:
        """Its kernel takes one probe to many rows in one call, but only in a form of its own: 148 bytes a face, which
        cannot be read back. The vectors themselves would have to be kept beside it."""
        library: Any = import_module("numkong")
        packed = [library.dots_pack(self.values[start : start + SCAN_ROWS]) for start in self._starts(SCAN_ROWS)]

        def dots(rows: slice) -> NDArray[Any]:
            found: NDArray[Any] = np.asarray(library.dots_packed(self.probe.coarse, packed[rows.start // SCAN_ROWS]))[0]
            return found

        return self._parts(dots, SCAN_ROWS)

    def surviving(self, dimensions: int) -> float:
        """Share of the rows that could not be left out after so many dimensions of a rotation made for it: those whose
        partial product plus the product of the remaining lengths (Cauchy-Schwarz) reaches the minimum."""
        some = self.values[:: max(1, self.faces // 50_000)].astype(np.float64)
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        axes = np.linalg.eigh(some.T @ some)[1][:, ::-1]  # the directions with most in them first
        rows, probe = some @ axes, self.probe.exact @ axes
        rest = np.linalg.norm(rows[:, dimensions:], axis=1) * np.linalg.norm(probe[dimensions:])
        return float(np.mean(rows[:, :dimensions] @ probe[:dimensions] + rest >= self.minimum))

    def _starts(self, step: int) -> range:
        return range(0, self.faces, step)

    def _parts(self, dots: Callable[[slice], NDArray[Any]], step: int) -> Way:
        def part(start: int) -> Rows:
            rows = slice(start, min(start + step, self.faces))
            found: Rows = np.flatnonzero(dots(rows) * self.block.inverse_norms[rows] >= self.least) + start
            return found

        return lambda: np.concatenate(list(self._pool.map(part, self._starts(step))))


def _dots(probe: NDArray[Any], values: NDArray[Any]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = np.asarray(simsimd.cdist(probe, values, metric="dot", out_dtype="float32"))[0]
    return made


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.scans", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("faces", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    with ThreadPoolExecutor(CORES) as pool:
        ways = Ways(options.faces, pool)
        works = list(ways.all())
        expected = ways.product()
        for name, _, work in works:
            if not np.array_equal(work(), expected):
                say(f"{name}: other rows than the product's scan")
                return 1
        memory = machine.Memory(options.faces * 132, CORES, pool)
        times: list[list[float]] = [[] for _ in range(len(works) + 1)]
        turns: list[Callable[[], object]] = [memory.read, *(work for _, _, work in works)]
        uses_blas = [place for place, (name, *_) in enumerate(works, 1) if "float32" in name]
        for _ in range(options.repeats):
            for place, turn in enumerate(turns):
                times[place].append(machine.seconds(turn))
                time.sleep(BLAS_SECONDS if place in uses_blas else 0)
        out = results()
        read = times[0]
        speed = options.faces * 132 / min(read) / 1e9
        out.print(f"reading 132 bytes a face with {CORES} threads: {1000 * min(read):.1f} ms, {speed:.0f} GB/s")
        for (name, size, _), took in zip(works, times[1:], strict=True):
            ratios = f"{min(took) / min(read):5.2f} (medians {statistics.median(took) / statistics.median(read):5.2f})"
            out.print(f"{name:32} {size:4} B a face {1000 * min(took):7.1f} ms, to reading {ratios}")
        for dimensions in PART_OF_DIMENSIONS:
            out.print(
                f"not to be left out after {dimensions} of {DIMENSIONS} dimensions: {ways.surviving(dimensions):.0%}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
