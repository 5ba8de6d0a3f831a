"""An event of made-up faces: its snapshot in S3 and in a file, its tail in DynamoDB."""

import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.faces.index.event import EventIndex
from facesearch.faces.index.snapshot import Snapshot, SnapshotInfo, decode, encode
from facesearch.models import DEFAULT_MODEL
from facesearch_local.clients import aws_environment, make_clients
from tools.bench import machine, made_up

TAIL_MEGABYTES = 0.97
"""A page of a query is 1 MB; a little less, so that it is one."""


@dataclass(frozen=True)
class Where:
    """The store, and the names in it."""

    endpoint_url: str
    table: str
    bucket: str
    folder: Path


@dataclass(frozen=True)
class Made:
    """What it took to make an event. Seconds; `file_bytes` of the snapshot, `tail_bytes` of vectors and rows."""

    event_id: int
    build: float
    compact: float
    encode: float
    save: float
    file_bytes: int
    tail_photos: int


class FileSnapshots:
    """`SnapshotStore` over one plain file that is there already."""

    def __init__(self, path: Path, info: SnapshotInfo) -> None:
        self._path = path
        self._info = info

    def current(self, event_id: int, model: str) -> SnapshotInfo | None:
        """See `SnapshotStore.current`."""
        return self._info

    def load(self, info: SnapshotInfo, pool: Executor) -> Snapshot:
        """See `SnapshotStore.load`."""
        with self._path.open("rb", buffering=0) as file:
            return decode(
                lambda start, buffer: machine.pread(file.fileno(), start, buffer),
                self._path.stat().st_size,
                info,
                pool,
            )

    def save(self, snapshot: Snapshot, replaces: SnapshotInfo | None) -> SnapshotInfo | None:
        """Not used."""
        raise NotImplementedError

    def count(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """Not used."""
        raise NotImplementedError

    def delete(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """Not used."""
        raise NotImplementedError


def make(where: Where, event_id: int, size: int) -> Made:
    """Build the event's index from photo items, save its snapshot to S3 and to a file, put a tail into the table."""
    clients = make_clients(aws_environment(where.endpoint_url, is_ours=True))
    photos = DynamoPhotoStore(Table(clients.dynamodb, where.table))
    snapshots = S3SnapshotStore(clients.s3, where.bucket, Table(clients.dynamodb, where.table))
    index, built = EventIndex(event_id, DEFAULT_MODEL), 0.0
    now, rng = time.time_ns() // 1000 - 3600_000_000, np.random.default_rng(event_id)
    vectors = made_up.faces(size, event_id)
    step = 30_000 * made_up.FACES_A_PHOTO // made_up.PHOTOS_A_PERSON * made_up.PHOTOS_A_PERSON
    for first in range(0, size, step):
        rows = list(made_up.changes(vectors[first : first + step], now, rng))
        began = time.perf_counter()
        index.apply(rows)
        built += time.perf_counter() - began
    del vectors
    index.complete_until = now + 1
    began = time.perf_counter()
    snapshot = index.to_snapshot()
    compacted = time.perf_counter()
    file = encode(snapshot)
    encoded = time.perf_counter()
    (where.folder / f"{event_id}.fsindex").write_bytes(file)
    del file, index
    saving = machine.seconds(lambda: snapshots.save(snapshot, None))
    tail = made_up.tail(TAIL_MEGABYTES)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda photo: photos.add(event_id, 4, photo), tail))
    return Made(
        event_id=event_id,
        build=built,
        compact=compacted - began,
        encode=encoded - compacted,
        save=saving,
        file_bytes=(where.folder / f"{event_id}.fsindex").stat().st_size,
        tail_photos=len(tail),
    )
