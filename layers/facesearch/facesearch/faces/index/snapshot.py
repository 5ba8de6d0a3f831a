"""A snapshot: an event's faces in one file that is read straight into the arrays which are searched.

64 KiB of header (magic, length and CRC-32 of the description, the description as JSON, zeros), then the body: the
arrays of `_SECTIONS`, each padded to 64 bytes. The description has the body's CRC-32 by parts of 8 MiB, so that parts
can be read and checked side by side. Numbers are little-endian, as on every machine that Lambda has.
"""

import json
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.index.vectors import DIMENSIONS, Block, Values

MAGIC, VERSION = b"FSINDEX\0", 1
HEADER_BYTES = 65_536
PART_BYTES = 8 * 2**20
ALIGNMENT = 64

_START = struct.Struct("<8sII")
_SECTIONS = (
    # name, type of a row, whether there is one a photo, not one a face
    ("ids", np.dtype("(16,)u1"), True),
    ("changed_at", np.dtype("<i8"), True),
    ("sizes", np.dtype("(2,)<u4"), True),
    ("counts", np.dtype("<u2"), True),
    ("inverse_norms", np.dtype("<f4"), False),
    ("values", np.dtype(f"({DIMENSIONS},)i1"), False),
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
        inverse_norms, values: of `faces`.
    """

    event_id: int
    model: str
    watermark: int
    ids: NDArray[np.uint8]
    changed_at: NDArray[np.int64]
    sizes: NDArray[np.uint32]
    counts: NDArray[np.uint16]
    inverse_norms: NDArray[np.float32]
    values: Values

    @classmethod
    def empty(cls, event_id: int, model: str) -> "Snapshot":
        """The snapshot of an event without photos."""
        return cls(event_id, model, 0, **_views(memoryview(b""), 0, 0))

    @property
    def faces(self) -> Block:
        """All vectors."""
        return Block(self.values, self.inverse_norms)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return sum(getattr(self, name).nbytes for name, *_ in _SECTIONS)


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
        """Read it, side by side on `pool`; `SnapshotError`: it is torn, foreign or gone."""

    def save(self, snapshot: Snapshot, replaces: SnapshotInfo | None) -> SnapshotInfo | None:
        """Make it the current one, whole or not at all; None if another one than `replaces` is current by now."""

    def count(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """How many files `delete` would delete."""

    def delete(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """Delete every snapshot of an event, of every model, or all but a current one; how many files there were."""


def encode(snapshot: Snapshot) -> bytearray:
    """The file."""
    counts = len(snapshot.ids), len(snapshot.values)
    file = bytearray(HEADER_BYTES + _body_bytes(*counts))
    body = memoryview(file)[HEADER_BYTES:]
    for name, view in _views(body, *counts).items():
        view[...] = getattr(snapshot, name)
    description = {
        "version": VERSION,
        "event_id": snapshot.event_id,
        "model": snapshot.model,
        "watermark": snapshot.watermark,
        "photos": counts[0],
        "faces": counts[1],
        "crc32": [zlib.crc32(body[start : start + PART_BYTES]) for start in range(0, len(body), PART_BYTES)],
    }
    text = json.dumps(description, separators=(",", ":")).encode()
    if len(text) > HEADER_BYTES - _START.size:
        raise ValueError("the snapshot is too large for its format")
    start = _START.pack(MAGIC, len(text), zlib.crc32(text)) + text
    file[: len(start)] = start
    return file


def decode(read: Callable[[int, memoryview], None], size: int, info: SnapshotInfo, pool: Executor) -> Snapshot:
    """Read a file of `size` bytes, in which `info` is expected. `read` fills a buffer with the file's bytes from an
    offset on; it is called side by side on `pool`."""
    if size < HEADER_BYTES:
        raise SnapshotError("shorter than a header")
    file = np.empty(size, np.uint8).data
    # The header and the first part in one go: a small snapshot is one read.
    read(0, file[: HEADER_BYTES + PART_BYTES])
    said = _describe(bytes(file[:HEADER_BYTES]), info)
    if size != (expected := HEADER_BYTES + _body_bytes(said["photos"], said["faces"])):
        raise SnapshotError(f"{size} bytes instead of {expected}")
    body = file[HEADER_BYTES:]

    def part(start: int, checksum: int) -> bool:
        here = body[start : start + PART_BYTES]
        if start:
            read(HEADER_BYTES + start, here)
        return zlib.crc32(here) == checksum

    starts = range(0, len(body), PART_BYTES)
    if len(starts) != len(said["crc32"]) or not all(pool.map(part, starts, said["crc32"])):
        raise SnapshotError("its checksum is wrong")
    views = _views(body, said["photos"], said["faces"])
    if int(views["counts"].sum(dtype=np.int64)) != said["faces"]:
        raise SnapshotError("its counts do not add up")
    return Snapshot(info.event_id, info.model, said["watermark"], **views)


def _padded(length: int) -> int:
    return -(-length // ALIGNMENT) * ALIGNMENT


def _body_bytes(photos: int, faces: int) -> int:
    return sum(_padded((photos if by_photo else faces) * row.itemsize) for _, row, by_photo in _SECTIONS)


def _views(body: memoryview, photos: int, faces: int) -> dict[str, NDArray[Any]]:
    """The arrays in a body, by their names."""
    views, start = dict[str, NDArray[Any]](), 0
    for name, row, by_photo in _SECTIONS:
        views[name] = np.ndarray((photos if by_photo else faces,), row, body, start)
        start += _padded(views[name].nbytes)
    return views


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
