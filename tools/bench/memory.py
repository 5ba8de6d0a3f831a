"""What memory buys a search: milliseconds and dollars for several `SearchMemory`.

    python -m tools.bench.memory [SELFIE] [--own 17] [--waiting 23]

The selfie is that of 2 MP of `make bench`, unless you name one; the two numbers are from its table. Lambda gives CPU by
memory, a vCPU for 1,769 MB. The selfie is looked at here with one and with two of OpenCV's threads, in turns. Of two
threads the calling one's CPU counts, which is how long they take where both have a core to themselves: measure on an
idle machine. The rest of a search, Python's own and waiting for AWS, is the same whatever the memory.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tomllib
from pathlib import Path

import cv2

from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.errors import NoFaceFound, UnusableImage
from facesearch.settings import Settings
from facesearch_cli import interrupts
from tools.assets import DEFAULT_FOLDER
from tools.bench.bounds import between
from tools.bench.requests import PRICES
from tools.bench.run import pictures

VCPU_MEGABYTES = 1769
MEMORY = (1024, VCPU_MEGABYTES, 2650, 2 * VCPU_MEGABYTES)
REPETITIONS = 15


def looks(engine: OpenCvEngine, selfie: bytes) -> dict[int, tuple[float, float]]:
    """Milliseconds of a look at the selfie by threads: of all CPUs, and until it is over; medians."""
    taken: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for number in range(-2, REPETITIONS):
        for threads, measured in taken.items():
            cv2.setNumThreads(threads)
            cpu, own = time.process_time(), time.thread_time()
            engine.probe(selfie)
            if number >= 0:
                measured.append((time.process_time() - cpu, time.thread_time() - own))
    return {
        threads: (statistics.median(all_ * 1e3 for all_, _ in each), statistics.median(own * 1e3 for _, own in each))
        for threads, each in taken.items()
    }


def milliseconds(memory: int, looked: dict[int, tuple[float, float]], own: float, waiting: float) -> float:
    """How long a search takes. Below a vCPU, all of its CPU is stretched; a part of a second one helps nobody."""
    settings = Settings.from_environment({"TABLE_NAME": "-", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)})
    threads = min(2, settings.vcpus)
    return waiting + (looked[threads][1] + own) / min(1.0, memory / VCPU_MEGABYTES)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.memory", description=__doc__)
    span = between(0.0, 60_000.0)
    parser.add_argument("selfie", type=Path, nargs="?")
    parser.add_argument("--own", type=span, default=17, help="milliseconds of Python's own in a search")
    parser.add_argument("--waiting", type=span, default=23, help="in which only DynamoDB and S3 are waited for")
    asked = parser.parse_args()
    prices = tomllib.loads(PRICES.read_text())["lambda"]
    try:
        selfie = pictures.selfie(2) if asked.selfie is None else asked.selfie.read_bytes()
        looked = looks(OpenCvEngine(DEFAULT_FOLDER / "models", threads=1), selfie)
    except (NoFaceFound, OSError, UnusableImage) as error:
        parser.error(f"{asked.selfie}: {error}")
    for threads, (cpu, until) in looked.items():
        print(f"{threads} thread(s): {cpu:.0f} ms of CPU, over in {until:.0f} ms")
    print("\n| MB | vCPU | ms | 1,000 searches |\n| --- | --- | --- | --- |")
    for memory in MEMORY:
        taken = milliseconds(memory, looked, asked.own, asked.waiting)
        dollars = taken * memory / 1024 * prices["dollars_per_million_gb_seconds"] / 1e6
        print(f"| {memory:,} | {memory / VCPU_MEGABYTES:.2f} | {taken:.0f} | ${dollars:.4f} |")


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
