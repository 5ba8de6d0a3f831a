"""The face index measured beside the machine it runs on: `python -m tools.bench.index [SIZES]`.

For every size an event of made-up faces is built, saved to the store's S3 and to a file, given a tail of a page in
DynamoDB, and loaded and searched in a fresh process. Every time is a median, and every limit is a ratio to what the
machine does with the same number of bytes, measured in turns with it: times alone say little about another machine.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from facesearch.bootstrap import IO_THREADS
from facesearch.embedded import SECOND_PASS, match_faces
from facesearch.engine import DEFAULT_MODEL
from facesearch.index import EventIndex, IndexCache, Snapshot, SnapshotInfo, open_index, probe_of
from facesearch.index.snapshot import decode, encode
from facesearch.store.memory import MemoryPhotoStore
from facesearch.store.photos import DynamoPhotoStore
from facesearch.store.snapshots import S3SnapshotStore
from tools.bench import machine, made_up
from tools.bench.requests import Counter, Prices, Requests, read_prices
from tools.cli.terminal import results, say
from tools.local.clients import aws_environment, make_clients
from tools.local.resources import Resources
from tools.local.stores import Place, Store, StoreError, start
from tools.local.template import Deployment, Template

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10_000, 100_000, 1_000_000)
TAIL_MEGABYTES = 0.97
"""A page of a query is 1 MB; a little less, so that it is one."""
CORES = 2
"""Threads of a scan: the vCPUs of the search function's default memory are one or two."""
PROBES = 5
MOST_COLD, MOST_MATCH, MOST_MEMORY = 1.5, 1.5, 1.3
JUDGED_FROM = 1_000_000
"""Limits hold from this size on: below, calls cost more than bytes."""


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


@dataclass(frozen=True)
class Measured:
    """One size. Medians in seconds, memory in bytes.

    Attributes:
        cold, cold_file: snapshot and tail into a ready index, from the store and from a file (with the tail in memory).
        store, file: the same bytes, raw: from the store the same ranges, then the same queries, by plain HTTP.
        first_cold: a fresh process's first, with its connections.
        refresh_page, refresh_idle: reading a tail of one page; finding nothing new.
        scan: one probe, all faces, from the second pass's floor on; `match`: all of a search's matching.
        read, copied: as many bytes as a scan reads, read in memory and nothing else, and copied.
        float32: numpy's `X @ q` and flatnonzero on the same vectors.
        matrix, resident, peak: bytes of the vectors; what the process grew by, at rest and at most.
    """

    faces: int
    made: Made
    cold: float
    cold_file: float
    store: float
    file: float
    first_cold: float
    refresh_page: float
    refresh_idle: float
    scan: float
    match: float
    read: float
    copied: float
    float32: float
    scanned: int
    matrix: int
    resident: int | None
    requests: Requests

    @property
    def cold_ratio(self) -> float:
        """To the store's own speed."""
        return self.cold / self.store

    @property
    def cold_file_ratio(self) -> float:
        """To the file's."""
        return self.cold_file / self.file

    @property
    def match_ratio(self) -> float:
        """To reading as many bytes."""
        return self.scan / self.read

    @property
    def memory_ratio(self) -> float | None:
        """To the vectors alone."""
        return None if self.resident is None else self.resident / self.matrix

    @property
    def too_slow(self) -> list[str]:
        """Which limits it misses."""
        if self.faces < JUDGED_FROM:
            return []
        limits = (
            ("cold load", self.cold_ratio, MOST_COLD),
            ("match", self.match_ratio, MOST_MATCH),
            ("memory", self.memory_ratio, MOST_MEMORY),
        )
        return [f"{name} {ratio:.2f} > {most}" for name, ratio, most in limits if ratio is not None and ratio > most]


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

    def forget(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """Not used."""
        raise NotImplementedError


def make(where: Where, event_id: int, size: int) -> Made:
    """Build the event's index from photo items, save its snapshot to S3 and to a file, put a tail into the table."""
    clients = make_clients(aws_environment(where.endpoint_url, is_ours=True))
    photos = DynamoPhotoStore(clients.dynamodb, where.table)
    snapshots = S3SnapshotStore(clients.s3, where.bucket, clients.dynamodb, where.table)
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


def measure(where: Where, made: Made, size: int, repeats: int) -> Measured:
    """Load and search it, in a process that has done nothing yet."""
    clients = make_clients(aws_environment(where.endpoint_url, is_ours=True))
    photos = DynamoPhotoStore(clients.dynamodb, where.table)
    snapshots = S3SnapshotStore(clients.s3, where.bucket, clients.dynamodb, where.table)
    event = made_up.event(made.event_id)
    with ThreadPoolExecutor(IO_THREADS) as io, ThreadPoolExecutor(CORES) as cpu:
        list(io.map(lambda _: snapshots.current(0, "nothing"), range(IO_THREADS)))  # code and threads, not the event
        at_rest = machine.resident_bytes()
        counter = Counter(clients.dynamodb, clients.s3)
        caches = [IndexCache(photos, snapshots, 8192, io)]
        first_cold = machine.seconds(lambda: caches[0].current(event))
        counted = counter.counted
        now = machine.resident_bytes()
        resident = None if now is None or at_rest is None else now - at_rest
        caches.clear()
        counter.stop()

        def cold() -> None:
            IndexCache(photos, snapshots, 8192, io).current(event)

        info = snapshots.current(made.event_id, DEFAULT_MODEL)
        if info is None:
            raise StoreError("the snapshot is gone")
        url = clients.s3.generate_presigned_url("get_object", Params={"Bucket": where.bucket, "Key": info.key})
        from_file = FileSnapshots(where.folder / f"{made.event_id}.fsindex", info)
        in_memory = MemoryPhotoStore()
        for photo in made_up.tail(TAIL_MEGABYTES):
            in_memory.add(made.event_id, 4, photo)

        def cold_file() -> None:
            IndexCache(in_memory, from_file, 8192, io).current(event)

        def store_alone() -> None:
            machine.read_url(url, made.file_bytes, io)
            machine.post_all(counter.queries, io)

        path = where.folder / f"{made.event_id}.fsindex"
        cold_time, store_time, cold_file_time, file_time = in_turns(
            repeats,
            cold,
            store_alone,
            cold_file,
            lambda: machine.read_file(path, made.file_bytes, io),
        )
        index = open_index(event, snapshots, io)
        refresh_page = machine.seconds(lambda: index.refresh(photos, event, io))

        def nothing_new() -> None:
            index.complete_until += 3600_000_000  # past the tail, which was written a moment ago
            index.refresh(photos, event, io)

        refresh_idle = in_turns(repeats, nothing_new)[0]
        scan, match, read, copied, float32 = _searches(index, size, made.event_id, repeats, cpu)
    return Measured(
        faces=size,
        made=made,
        cold=cold_time,
        cold_file=cold_file_time,
        store=store_time,
        file=file_time * (1 + counted.dynamodb_bytes / made.file_bytes),  # the tail's bytes at the same speed
        first_cold=first_cold,
        refresh_page=refresh_page,
        refresh_idle=refresh_idle,
        scan=scan,
        match=match,
        read=read,
        copied=copied,
        float32=float32,
        scanned=index.faces * 132,
        matrix=index.faces * 128,
        resident=resident,
        requests=counted,
    )


def _searches(index: EventIndex, size: int, event_id: int, repeats: int, pool: Executor) -> list[float]:
    """Median seconds of a scan, a search's matching, reading and copying as many bytes, and numpy's float32."""
    vectors = made_up.faces(size, event_id)
    selfies = vectors[np.random.default_rng(9).integers(0, size, PROBES)].copy()
    probes = [probe_of(selfie) for selfie in selfies]
    memory = machine.Memory(index.faces * 132, CORES, pool)
    floor = SECOND_PASS.least - SECOND_PASS.floor
    minimum = SECOND_PASS.least
    times: list[list[float]] = [[] for _ in range(5)]
    for probe, selfie in zip(probes, selfies, strict=True):
        found = in_turns(
            repeats,
            lambda probe=probe: index.search(probe, floor, pool),  # type: ignore[misc]
            lambda selfie=selfie: match_faces(index, selfie, minimum, pool),  # type: ignore[misc]
            memory.read,
            memory.copy,
            lambda selfie=selfie: np.flatnonzero(vectors @ selfie >= floor),  # type: ignore[misc]
        )
        for place, each in enumerate(found):
            times[place].append(each)
    return [statistics.median(each) for each in times]


def in_turns(repeats: int, *works: Callable[[], object]) -> list[float]:
    """Median seconds of each. They take turns, so that whatever else the machine does meets all of them alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for place, work in enumerate(works):
            times[place].append(machine.seconds(work))
    return [statistics.median(each) for each in times]


async def run(sizes: Sequence[int], store_name: str, repeats: int) -> list[Measured]:
    """Every size on a store of its own; each step in a fresh process.

    Raises:
        StoreError: the store does not start.
    """
    with tempfile.TemporaryDirectory(prefix="facesearch-bench-") as name:
        folder = Path(name)
        store = await start(store_name, Place(None, folder, folder / "store.log"))
        try:
            return await asyncio.to_thread(_sizes, store, sizes, repeats, folder)
        finally:
            await store.stop()


def _sizes(store: Store, sizes: Sequence[int], repeats: int, folder: Path) -> list[Measured]:
    names = create(store.endpoint_url)
    where = Where(store.endpoint_url, names["Table"], names["SnapshotsBucket"], folder)
    rows = []
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        for event_id, size in enumerate(sizes, 1):
            say(f"{size} faces …")
            made = fresh.submit(make, where, event_id, size).result()
            rows.append(fresh.submit(measure, where, made, size, repeats).result())
            (folder / f"{event_id}.fsindex").unlink()
    return rows


def create(endpoint_url: str) -> Mapping[str, str]:
    """The template's tables and buckets in the store; names by logical id."""
    clients = make_clients(aws_environment(endpoint_url, is_ours=True))
    deployment = Deployment(
        "bench", "000000000000", "us-east-1", suggestions={"RenditionsBaseUrl": "http://127.0.0.1:1"}
    )
    resources = Resources(Template.load(ROOT / "template.yaml", deployment), clients)
    resources.create()
    return resources.names()


def show(rows: Sequence[Measured], prices: Prices) -> None:
    """Print the tables."""
    out = results()
    out.print(
        "Medians in milliseconds; ratios to what the machine does with the same number of bytes, in the same run."
    )
    _table(
        ("faces", "build", "compact", "encode", "save", "file MB", "first cold", "page of tail", "nothing new"),
        [
            (
                *(f"{row.faces}", _ms(row.made.build), _ms(row.made.compact), _ms(row.made.encode)),
                *(_ms(row.made.save), f"{row.made.file_bytes / 1e6:.1f}", _ms(row.first_cold)),
                *(_ms(row.refresh_page), _ms(row.refresh_idle)),
            )
            for row in rows
        ],
    )
    _table(
        ("faces", "cold, S3", "raw", "ratio", "cold, file", "raw", "ratio", "resident / vectors"),
        [
            (
                *(f"{row.faces}", _ms(row.cold), _ms(row.store), f"{row.cold_ratio:.2f}"),
                *(_ms(row.cold_file), _ms(row.file), f"{row.cold_file_ratio:.2f}"),
                "-" if row.memory_ratio is None else f"{row.memory_ratio:.2f}",
            )
            for row in rows
        ],
    )
    out.print("raw: the same bytes into new memory in parts of 8 MiB, from S3 by plain HTTP, which then sends the same")
    out.print(
        "queries for the tail; from a file that the system has in memory by preadv (there the tail is in memory, too)."
    )
    _table(
        ("faces", "scan", "read", "ratio", "copy", "ratio", "float32", "a search's matching"),
        [
            (
                *(f"{row.faces}", _ms(row.scan), _ms(row.read), f"{row.match_ratio:.2f}"),
                *(_ms(row.copied), f"{row.scan / row.copied:.2f}", _ms(row.float32), _ms(row.match)),
            )
            for row in rows
        ],
    )
    speeds = ", ".join(f"{row.scanned / row.read / 1e9:.1f}" for row in rows)
    out.print(
        f"read: {CORES} threads XOR as many bytes as the scan reads, 64 bits at a time: {speeds} GB/s; copy: they copy"
    )
    out.print("them, every byte counted once. float32: numpy's X @ q and flatnonzero on the same vectors.")
    _table(
        ("faces", "DynamoDB", "read units", "MB", "S3 GET", "MB", "dollars"),
        [
            (
                *(f"{row.faces}", f"{row.requests.dynamodb}", f"{row.requests.read_units:.0f}"),
                *(f"{row.requests.dynamodb_bytes / 1e6:.2f}", f"{row.requests.gets}"),
                *(f"{row.requests.s3_bytes / 1e6:.1f}", f"{row.requests.dollars(prices):.7f}"),
            )
            for row in rows
        ],
    )
    out.print(f"What one cold load asks for; dollars by {prices.region}'s prices of {prices.as_of}.")
    for row in rows:
        for complaint in row.too_slow:
            out.print(f"MISSED at {row.faces} faces: {complaint}")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.{0 if seconds >= 0.1 else 1}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    results().print("\n" + "\n".join(lines))


def main() -> int:
    """Measure; the exit code is 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.index", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sizes", nargs="?", default=",".join(map(str, SIZES)), help="faces, with commas between")
    parser.add_argument("--repeats", type=int, default=7, help="how often everything is measured (default 7)")
    parser.add_argument("--store", choices=("ministack", "moto"), default="ministack", help="what stands in for AWS")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        rows = asyncio.run(run([int(each) for each in options.sizes.split(",")], options.store, options.repeats))
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    except (StoreError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    if options.json:
        print(json.dumps({"rows": [asdict(row) | {"missed": row.too_slow} for row in rows]}))
    else:
        show(rows, read_prices())
    return 1 if any(row.too_slow for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
