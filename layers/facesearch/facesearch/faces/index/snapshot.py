"""A snapshot: an event's faces in one file that is read straight into the arrays which are searched.

| bytes            | what                                                                                    |
| ---------------- | --------------------------------------------------------------------------------------- |
| 0 to 65,535      | magic, length and CRC-32 of the description, the description as JSON, zeros             |
| from 65,536 on   | the body: the arrays of `_SECTIONS` one after the other, each padded to 64 bytes          |

The description has the body's CRC-32 by parts of 8 MiB, so that parts can be read and checked side by side. Numbers are
little-endian, as on every machine that Lambda has.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.index.vectors import DIMENSIONS, Block

MAGIC, VERSION = b"FSINDEX\0", 1
HEADER_BYTES = 65_536
PART_BYTES = 8 * 2**20
ALIGNMENT = 64

_START = struct.Struct("<8sII")
_SECTIONS: tuple[tuple[str, str, str, int], ...] = (
    # name, numpy type, counted by, columns
    ("ids", "<u1", "photos", 16),
    ("changed_at", "<i8", "photos", 1),
    ("sizes", "<u4", "photos", 2),
    ("counts", "<u2", "photos", 1),
    ("inverse_norms", "<f4", "faces", 1),
    ("values", "<i1", "faces", DIMENSIONS),
)


class SnapshotError(Exception):
    """The file is torn, of another version, or another event's or model's: the index must be built from the table."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What an event's index knew at one moment, photos without faces included.

    Attributes:
        watermark: microseconds since the epoch; every change up to it is in the snapshot.
        ids: shape (photos, 16), bytes of the image_ids, ascending.
        changed_at: shape (photos,), microseconds since the epoch.
        sizes: shape (photos, 2), width and height in pixels.
        counts: shape (photos,), faces of each photo, which lie in `faces` in the same order.
        faces: all vectors.
    """

    event_id: int
    model: str
    watermark: int
    ids: NDArray[np.uint8]
    changed_at: NDArray[np.int64]
    sizes: NDArray[np.uint32]
    counts: NDArray[np.uint16]
    faces: Block

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.ids.nbytes + self.changed_at.nbytes + self.sizes.nbytes + self.counts.nbytes + self.faces.nbytes


@dataclass(frozen=True)
class SnapshotInfo:
    """Where an event's current snapshot lies."""

    event_id: int
    model: str
    key: str
    watermark: int
    photos: int
    faces: int


class SnapshotStore(Protocol):
    """Where snapshots are kept; per event and model at most one is current."""

    def current(self, event_id: int, model: str) -> SnapshotInfo | None:
        """The current one, read strongly consistent."""

    def load(self, info: SnapshotInfo, pool: Executor) -> Snapshot:
        """Read it, side by side on `pool`.

        Raises:
            SnapshotError: it is torn, foreign or gone.
        """

    def save(self, snapshot: Snapshot, replaces: SnapshotInfo | None) -> SnapshotInfo | None:
        """Make it the current one, whole or not at all; None if another one than `replaces` is current by now."""

    def count(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """How many files `delete` would delete."""

    def delete(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """Delete every snapshot of an event, of every model, or all but a current one; how many files there were."""


def encode(snapshot: Snapshot) -> bytearray:
    """The file."""
    shapes = _shapes(len(snapshot.ids), len(snapshot.faces))
    file = bytearray(HEADER_BYTES + shapes[-1].end)
    body = memoryview(file)[HEADER_BYTES:]
    arrays = {
        "ids": snapshot.ids,
        "changed_at": snapshot.changed_at,
        "sizes": snapshot.sizes,
        "counts": snapshot.counts,
        "inverse_norms": snapshot.faces.inverse_norms,
        "values": snapshot.faces.values,
    }
    for shape in shapes:
        shape.view(body)[...] = arrays[shape.name]
    parts = [zlib.crc32(body[start : start + PART_BYTES]) for start in range(0, len(body), PART_BYTES)]
    description = {
        "version": VERSION,
        "event_id": snapshot.event_id,
        "model": snapshot.model,
        "watermark": snapshot.watermark,
        "photos": len(snapshot.ids),
        "faces": len(snapshot.faces),
        "crc32": parts,
    }
    text = json.dumps(description, separators=(",", ":")).encode()
    if len(text) > HEADER_BYTES - _START.size:
        raise ValueError("the snapshot is too large for its format")
    file[: _START.size] = _START.pack(MAGIC, len(text), zlib.crc32(text))
    file[_START.size : _START.size + len(text)] = text
    return file


def decode(read: Callable[[int, memoryview], None], size: int, info: SnapshotInfo, pool: Executor) -> Snapshot:
    """Read a file of `size` bytes.

    Args:
        read: fills a buffer with the file's bytes from an offset on; called side by side on `pool`.
        size: of the file.
        info: what is expected in it.
        pool: runs the reads.

    Raises:
        SnapshotError: see there.
    """
    if size < HEADER_BYTES:
        raise SnapshotError("shorter than a header")
    file = np.empty(size, np.uint8).data
    # The header and the first part in one go: a small snapshot is one read.
    read(0, file[: HEADER_BYTES + PART_BYTES])
    said = _describe(bytes(file[:HEADER_BYTES]), info)
    shapes = _shapes(said["photos"], said["faces"])
    if size != HEADER_BYTES + shapes[-1].end:
        raise SnapshotError(f"{size} bytes instead of {HEADER_BYTES + shapes[-1].end}")
    body = file[HEADER_BYTES:]

    def part(start: int, checksum: int) -> bool:
        here = body[start : start + PART_BYTES]
        if start:
            read(HEADER_BYTES + start, here)
        return zlib.crc32(here) == checksum

    starts = range(0, len(body), PART_BYTES)
    if len(starts) != len(said["crc32"]) or not all(pool.map(part, starts, said["crc32"])):
        raise SnapshotError("its checksum is wrong")
    views = {shape.name: shape.view(body) for shape in shapes}
    if int(views["counts"].sum(dtype=np.int64)) != said["faces"]:
        raise SnapshotError("its counts do not add up")
    return Snapshot(
        event_id=info.event_id,
        model=info.model,
        watermark=said["watermark"],
        ids=views["ids"],
        changed_at=views["changed_at"],
        sizes=views["sizes"],
        counts=views["counts"],
        faces=Block(views["values"], views["inverse_norms"]),
    )


@dataclass(frozen=True)
class _Shape:
    """Where an array lies in the body."""

    name: str
    dtype: str
    start: int
    rows: int
    columns: int

    @property
    def end(self) -> int:
        length = self.rows * self.columns * np.dtype(self.dtype).itemsize
        return -(-(self.start + length) // ALIGNMENT) * ALIGNMENT

    def view(self, body: memoryview) -> NDArray[Any]:
        flat = np.frombuffer(body, self.dtype, self.rows * self.columns, self.start)
        return flat.reshape(self.rows, self.columns) if self.columns > 1 else flat


def _shapes(photos: int, faces: int) -> Sequence[_Shape]:
    def each() -> Iterator[_Shape]:
        start = 0
        for name, dtype, counted_by, columns in _SECTIONS:
            shape = _Shape(name, dtype, start, photos if counted_by == "photos" else faces, columns)
            yield shape
            start = shape.end

    return list(each())


def _describe(header: bytes, info: SnapshotInfo) -> dict[str, Any]:
    magic, length, checksum = _START.unpack_from(header)
    text = header[_START.size : _START.size + length]
    if magic != MAGIC or zlib.crc32(text) != checksum:
        raise SnapshotError("no snapshot, or a torn one")
    said: dict[str, Any] = json.loads(text)
    if said["version"] != VERSION:
        raise SnapshotError(f"version {said['version']}")
    if (said["event_id"], said["model"]) != (info.event_id, info.model):
        raise SnapshotError("another event's or another model's")
    return said
