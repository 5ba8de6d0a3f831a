"""The peers on the files of this run, and our own scan on the vectors that faiss gets."""

import json
import statistics
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from facesearch.faces.index.vectors import Block, inverse_norms, probe_of, scan
from facesearch.faces.packing import pack, values_of
from tools.bench import machine, made_up

MINIMUM, THREADS = 0.36, 2
"""From where the second pass looks on; a search's vCPUs."""


def peers(python: Path | None, pictures: dict[str, Path], sizes: Sequence[int], rounds: int, folder: Path) -> Any:
    """What `peers` measures; None where there is no such environment."""
    if python is None or not python.exists():
        return None
    vectors = {}
    for size in sizes:
        vectors[str(size)] = str(folder / f"{size}.npy")
        np.save(vectors[str(size)], made_up.faces(size, 1))
    wanted = {
        "pictures": {name: str(path) for name, path in pictures.items()},
        "vectors": vectors,
        "rounds": rounds,
        "minimum": MINIMUM,
        "threads": THREADS,
    }
    script = Path(__file__).with_name("peers.py")
    done = subprocess.run([python, "-I", script], input=json.dumps(wanted), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def own(sizes: Sequence[int], rounds: int) -> dict[str, float]:
    """Wall milliseconds of our scan by the number of faces, medians."""
    found = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for size in sizes:
            vectors = made_up.faces(size, 1)
            values = np.ascontiguousarray(values_of(pack(vectors)))
            block, probe = Block(values, inverse_norms(values)), probe_of(vectors[size // 2])
            times = [machine.seconds(lambda: scan([block], probe, MINIMUM, pool)) for _ in range(5 * rounds + 1)]  # noqa: B023
            found[str(size)] = 1000 * statistics.median(times[1:])
    return found
