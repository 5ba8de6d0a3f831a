"""What others take for the same files: dlib's face_recognition and faiss, each if it is installed.

Run by an environment of its own, which is in no lock file: see docs/contributing/benchmarks.md. What is wanted comes
as JSON on stdin. Uses nothing of ours.
"""

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except (ImportError, SystemExit):  # face_recognition ends the process where its models are missing
        return None


def _median(work: Callable[[], Any], rounds: int, clock: Callable[[], float]) -> tuple[float, Any]:
    """Milliseconds, and what it returns."""
    times, result = [], None
    for _ in range(rounds):
        began = clock()
        result = work()
        times.append(1000 * (clock() - began))
    return statistics.median(times), result


def dlib(pictures: dict[str, str], rounds: int) -> Any:
    """CPU milliseconds and faces by picture; None if it is not installed."""
    package = _module("face_recognition")
    if package is None:
        return None

    def all_of_it(path: str) -> int:
        image = package.load_image_file(path)
        boxes = package.face_locations(image)
        return len(package.face_encodings(image, boxes))

    found = {}
    for name, path in pictures.items():
        cpu, faces = _median(partial(all_of_it, path), rounds, time.process_time)
        found[name] = {"cpu": cpu, "faces": faces}
    return found


def faiss(vectors: dict[str, str], rounds: int, minimum: float, threads: int) -> Any:
    """Wall milliseconds by the number of faces: everything from a cosine on, exactly; None if it is not installed."""
    package, numpy = _module("faiss"), _module("numpy")
    if package is None or numpy is None:
        return None
    package.omp_set_num_threads(threads)
    found = {}
    for name, path in vectors.items():
        rows = numpy.load(path)
        index = package.IndexFlatIP(rows.shape[1])
        index.add(rows)
        probe = rows[len(rows) // 2 : len(rows) // 2 + 1]
        search = partial(index.range_search, probe, minimum)
        found[name], _ = _median(search, rounds, time.perf_counter)
    return found


def main() -> None:
    """Measure what there is."""
    wanted = json.load(sys.stdin)
    said = {
        "dlib": dlib(wanted["pictures"], wanted["rounds"]),
        "faiss": faiss(wanted["vectors"], 5 * wanted["rounds"], wanted["minimum"], wanted["threads"]),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
