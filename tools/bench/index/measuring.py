"""Loading and searching an event in a process that has done nothing yet, in turns with what the machine can do."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.bootstrap.stores import IO_THREADS
from facesearch.faces.embedded import SECOND_PASS, match_faces
from facesearch.faces.index.cohort import NOBODY
from facesearch.faces.index.event import EventIndex, IndexCache, open_index
from facesearch.faces.index.vectors import probe_of
from facesearch.models import DEFAULT_MODEL
from facesearch_local.clients import aws_environment, make_clients
from facesearch_local.stores import StoreError
from tools.bench import machine, made_up
from tools.bench.index.making import TAIL_MEGABYTES, FileSnapshots, Made, Where
from tools.bench.requests import Counter, Requests

CORES = 2
"""Threads of a scan: the vCPUs of the search function's default memory are one or two."""
PROBES = 5
BLAS_SECONDS = 0.2
"""Until its threads have gone to sleep."""
MOST_COLD, MOST_MATCH, MOST_MEMORY = 1.5, 1.5, 1.3
JUDGED_FROM = 1_000_000
"""Limits hold from this size on: below, calls cost more than bytes."""


@dataclass(frozen=True)
class Measured:
    """One size. Medians in seconds, memory in bytes.

    Attributes:
        cold, cold_file: snapshot and tail into a ready index, from the store and from a file (with the tail in memory).
        store, file: the same bytes, raw: from the store the same ranges, then the same queries, by plain HTTP.
        first_cold: a fresh process's first, with its connections.
        refresh_page, refresh_idle: reading a tail of one page; finding nothing new.
        scan: one probe, all faces, from the second pass's floor on; `match`: all of a search's matching.
        not_levelled: the same without a cohort.
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
    not_levelled: float
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


def measure(where: Where, made: Made, size: int, repeats: int) -> Measured:
    """Load and search it, in a process that has done nothing yet."""
    clients = make_clients(aws_environment(where.endpoint_url, is_ours=True))
    photos = DynamoPhotoStore(Table(clients.dynamodb, where.table))
    snapshots = S3SnapshotStore(clients.s3, where.bucket, Table(clients.dynamodb, where.table))
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
        scan, match, not_levelled, read, copied, float32 = _searches(index, size, made.event_id, repeats, cpu)
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
        not_levelled=not_levelled,
        read=read,
        copied=copied,
        float32=float32,
        scanned=index.faces * 132,
        matrix=index.faces * 128,
        resident=resident,
        requests=counted,
    )


def _searches(index: EventIndex, size: int, event_id: int, repeats: int, pool: Executor) -> list[float]:
    """Median seconds of a scan, a search's matching, the same without levelling, reading and copying as many bytes, and
    numpy's float32."""
    vectors = made_up.faces(size, event_id)
    selfies = vectors[np.random.default_rng(9).integers(0, size, PROBES)].copy()
    probes = [probe_of(selfie) for selfie in selfies]
    memory = machine.Memory(index.faces * 132, CORES, pool)
    floor = SECOND_PASS.least - SECOND_PASS.floor
    minimum = SECOND_PASS.least
    plain = _NotLevelled(index)
    times: list[list[float]] = [[] for _ in range(6)]
    for probe, selfie in zip(probes, selfies, strict=True):
        found = in_turns(
            repeats,
            lambda probe=probe: index.search(probe, floor, pool),  # type: ignore[misc]
            lambda selfie=selfie: match_faces(index, selfie, minimum, pool),  # type: ignore[misc]
            lambda selfie=selfie: match_faces(plain, selfie, minimum, pool),  # type: ignore[misc]
            memory.read,
            memory.copy,
        )
        # On its own: BLAS's threads wait for more work in a loop, and would take a core from whatever comes next.
        found += in_turns(repeats, lambda selfie=selfie: np.flatnonzero(vectors @ selfie >= floor))  # type: ignore[misc]
        time.sleep(BLAS_SECONDS)
        for place, each in enumerate(found):
            times[place].append(each)
    return [statistics.median(each) for each in times]


class _NotLevelled:
    """The same index without a cohort."""

    cohort = NOBODY

    def __init__(self, index: EventIndex) -> None:
        self.search = index.search
        self.photo = index.photo


def in_turns(repeats: int, *works: Callable[[], object]) -> list[float]:
    """Median seconds of each. They take turns, so that whatever else the machine does meets all of them alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for place, work in enumerate(works):
            times[place].append(machine.seconds(work))
    return [statistics.median(each) for each in times]
