"""What the machine can do: the speeds that everything else is measured against, each for the same number of bytes."""

import http.client
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from tools.bench.requests import Sent

PART_BYTES = 8 * 2**20
"""As snapshots are read."""


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def resident_bytes() -> int | None:
    """Memory that this process holds now; None where the system does not say it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


class Memory:
    """As many bytes as a scan reads, an equal slice to each thread."""

    def __init__(self, size: int, threads: int, pool: Executor) -> None:
        """Touch all of it, so that it is there."""
        words = np.ones(size // 8, np.uint64)
        self._from: list[NDArray[np.uint64]] = np.array_split(words, threads)
        self._to: list[NDArray[np.uint64]] = np.array_split(words + 1, threads)
        self._pool = pool

    def copy(self) -> None:
        """Copied to other memory once, as C's memcpy does it; every byte is counted once, though two are moved."""
        list(self._pool.map(np.copyto, self._to, self._from))

    def read(self) -> None:
        """Read once and nothing written: XOR over 64-bit words, which is as fast as the words come."""
        list(self._pool.map(np.bitwise_xor.reduce, self._from))


def read_file(path: Path, size: int, pool: Executor) -> None:
    """The file into new memory, as `decode` reads it: parts of 8 MiB, side by side, by preadv."""
    buffer = np.empty(size, np.uint8).data
    with path.open("rb", buffering=0) as file:
        number = file.fileno()
        list(pool.map(lambda start: pread(number, start, buffer[start : start + PART_BYTES]), _starts(size)))


def pread(number: int, start: int, buffer: memoryview) -> None:
    """Fill a buffer from a place in an open file."""
    filled = 0
    while filled < len(buffer):
        count = os.preadv(number, [buffer[filled:]], start + filled)
        if not count:
            raise OSError("the file is cut short")
        filled += count


def read_url(url: str, size: int, pool: Executor) -> None:
    """A presigned URL's object into new memory: ranges of 8 MiB, side by side, by http.client without botocore."""
    buffer = np.empty(size, np.uint8).data
    place = urlsplit(url)

    def part(start: int) -> None:
        here = buffer[start : start + PART_BYTES]
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        try:
            wanted = {"Range": f"bytes={start}-{start + len(here) - 1}"}
            connection.request("GET", f"{place.path}?{place.query}", headers=wanted)
            answer = connection.getresponse()
            filled = 0
            while filled < len(here):
                count = answer.readinto(here[filled:])
                if not count:
                    raise OSError(f"the store sent {filled} of {len(here)} bytes, status {answer.status}")
                filled += count
        finally:
            connection.close()

    list(pool.map(part, _starts(size)))


def post_all(sent: Sequence[Sent], pool: Executor) -> None:
    """Requests that botocore sent once, sent again side by side by http.client; the answers are read and left alone."""

    def one(request: Sent) -> None:
        place = urlsplit(request.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        try:
            connection.request("POST", place.path or "/", request.body, request.headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"the store answered {answer.status} to a repeated query")
            answer.read()
        finally:
            connection.close()

    list(pool.map(one, sent))


def _starts(size: int) -> range:
    return range(0, size, PART_BYTES)
