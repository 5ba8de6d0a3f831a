"""Snapshots: the format, both stores by one contract, and compaction."""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import boto3
import numpy as np
import pytest

from facesearch import bootstrap
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.stores import MemoryPhotoStore, MemorySnapshotStore
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.faces.exact_set import SnapshotBuilder
from facesearch.faces.index.event import EventIndex, open_index
from facesearch.faces.index.snapshot import HEADER_BYTES, SnapshotError, SnapshotInfo, SnapshotStore, decode, encode
from facesearch.faces.index.vectors import probe_of
from facesearch.faces.packing import pack
from facesearch.models import Event
from facesearch.observability import logger
from facesearch.records import SHARDS, Photo
from tests.conftest import ROOT
from tests.support.aws import TABLE, create_table, moto
from tests.support.fakes import EVENT, EVENT_ID, Context
from tests.unit.api.test_handlers import load
from tests.unit.faces.test_cohort import crowd

MODEL = EVENT.model
BUCKET = "snapshots"


@pytest.fixture(params=["memory", "s3"])
def snapshots(request: pytest.FixtureRequest) -> SnapshotStore:
    if request.param == "memory":
        return MemorySnapshotStore()
    stack: Stack = request.getfixturevalue("stack")
    return stack.snapshots


def photos_with(count: int, seed: int = 0, faces: int = 3) -> MemoryPhotoStore:
    rng, store = np.random.default_rng(seed), MemoryPhotoStore()
    for number in range(count):
        vectors = rng.normal(size=(number % (faces + 1), 128)).astype(np.float32)
        image_id = uuid.UUID(int=random.Random(seed * 10_000 + number).getrandbits(128))
        store.add(EVENT_ID, 4, Photo(image_id, "indexed", "k", number + 1, 7, MODEL, pack(vectors)))
    return store


def index_of(store: MemoryPhotoStore, pool: ThreadPoolExecutor) -> EventIndex:
    index = EventIndex(EVENT_ID, MODEL)
    index.refresh(store, EVENT, pool)
    return index


def all_hits(index: EventIndex, pool: ThreadPoolExecutor) -> list[tuple[str, int, int, float]]:
    hits = index.search(probe_of(np.arange(1, 129, dtype=np.float64)), -1.0, pool)
    rows = zip(map(index.photo, hits.photos.tolist()), hits.cosines.tolist(), strict=True)
    return sorted((str(photo.image_id), photo.width, photo.height, cosine) for photo, cosine in rows)


def info(index: EventIndex) -> SnapshotInfo:
    return SnapshotInfo(EVENT_ID, MODEL, "k", index.complete_until, 0, 0)


def read_of(file: bytes | bytearray) -> Callable[[int, memoryview], None]:
    def read(start: int, buffer: memoryview) -> None:
        buffer[:] = file[start : start + len(buffer)]

    return read


@pytest.mark.parametrize("photos", [200, 0])
def test_an_index_read_back_from_its_file_finds_the_same(
    snapshots: SnapshotStore, pool: ThreadPoolExecutor, photos: int
) -> None:
    index = index_of(photos_with(photos), pool)
    saved = snapshots.save(index.to_snapshot(), None)
    assert saved is not None
    assert (saved.photos, saved.faces) == (photos, index.faces)
    assert snapshots.current(EVENT_ID, MODEL) == saved
    again = open_index(EVENT, snapshots, pool)
    assert again.complete_until == index.complete_until
    assert all_hits(again, pool) == all_hits(index, pool)
    assert len(all_hits(again, pool)) == index.faces


def test_only_one_of_two_writers_replaces_a_snapshot_and_what_is_deleted_is_gone(
    snapshots: SnapshotStore, pool: ThreadPoolExecutor
) -> None:
    made = [index_of(photos_with(count), pool).to_snapshot() for count in (10, 11, 12, 13)]
    first = snapshots.save(made[0], None)
    assert first is not None
    assert snapshots.save(made[1], None) is None
    second = snapshots.save(made[2], first)
    assert second is not None
    assert snapshots.save(made[3], first) is None
    assert snapshots.current(EVENT_ID, MODEL) == second
    assert [snapshots.delete(EVENT_ID), snapshots.delete(EVENT_ID)] == [1, 0]
    assert snapshots.current(EVENT_ID, MODEL) is None
    for gone in (first, second):
        with pytest.raises(SnapshotError):
            snapshots.load(gone, pool)


def test_a_writer_that_was_killed_before_its_file_became_current_leaves_no_trace(
    stack: "Stack", pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.s3.put_object(Bucket=BUCKET, Key=f"snapshots/{EVENT_ID}/orphan.fsindex", Body=b"half")
    monkeypatch.setattr("facesearch.adapters.s3.snapshots.ORPHAN_SECONDS", -10)
    saved = stack.snapshots.save(index_of(photos_with(10), pool).to_snapshot(), None)
    assert saved is not None
    assert [file["Key"] for file in stack.s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [saved.key]


@pytest.mark.parametrize("seed", range(40))
def test_a_torn_file_is_never_taken_for_a_snapshot(seed: int, pool: ThreadPoolExecutor) -> None:
    index = index_of(photos_with(50), pool)
    file, chance = encode(index.to_snapshot()), random.Random(seed)
    # Bytes between the description and the body are nobody's; every other one counts.
    described = file.rindex(b"}", 0, HEADER_BYTES) + 1
    place = chance.choice([chance.randrange(described), chance.randrange(HEADER_BYTES, len(file))])
    torn = bytearray(file)
    torn[place] ^= 1 << chance.randrange(8)
    cut = file[: chance.randrange(len(file))]
    for broken in (torn, cut, file + b"\0", b""):
        with pytest.raises(SnapshotError):
            decode(read_of(broken), len(broken), info(index), pool)


def test_another_events_or_models_snapshot_is_refused(pool: ThreadPoolExecutor) -> None:
    index = index_of(photos_with(5), pool)
    file = encode(index.to_snapshot())
    for wrong in (replace(info(index), event_id=1), replace(info(index), model="older")):
        with pytest.raises(SnapshotError):
            decode(read_of(file), len(file), wrong, pool)


def test_a_snapshot_that_is_broken_is_built_again_from_the_table(pool: ThreadPoolExecutor) -> None:
    store, snapshots = photos_with(100), MemorySnapshotStore()
    builder = SnapshotBuilder(photos=store, snapshots=snapshots, pool=pool)
    assert builder.compact(EVENT, at_least=1).written
    expected = all_hits(index_of(store, pool), pool)
    (key,) = snapshots.files
    snapshots.files[key] = snapshots.files[key][:-1]
    index = open_index(EVENT, snapshots, pool)
    index.refresh(store, EVENT, pool)
    assert all_hits(index, pool) == expected
    assert builder.compact(EVENT).written is False, "nothing to gain yet"
    assert builder.compact(EVENT, at_least=1).written
    assert all_hits(open_index(EVENT, snapshots, pool), pool) == expected


def test_a_short_tail_is_left_alone_and_a_long_one_folded_in(pool: ThreadPoolExecutor) -> None:
    store, snapshots = photos_with(30), MemorySnapshotStore()
    builder = SnapshotBuilder(photos=store, snapshots=snapshots, pool=pool)
    assert builder.compact(EVENT).written is False
    tail_bytes = sum(200 + len(change.faces) for shard in range(4) for change in store.changes(EVENT_ID, shard, 0))
    done = builder.compact(EVENT, at_least=tail_bytes)
    assert (done.written, done.photos, done.tail_bytes) == (True, 30, tail_bytes)
    assert builder.compact(EVENT, at_least=1).written is False, "nothing came after it"


class Stack:
    """The snapshots function on moto."""

    def __init__(self) -> None:
        dynamodb, self.s3 = boto3.client("dynamodb"), boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        create_table(dynamodb)
        self.admin, self.photos = DynamoAdmin(Table(dynamodb, TABLE)), DynamoPhotoStore(Table(dynamodb, TABLE))
        self.snapshots = S3SnapshotStore(self.s3, BUCKET, Table(dynamodb, TABLE))
        self.org = self.admin.create_org("Runners")

    def upload(self, event_id: int, number: int, faces: bytes) -> Photo:
        photo = Photo(uuid.UUID(int=number), "indexed", "k", 3, 4, MODEL, faces)
        self.photos.add(event_id, SHARDS, photo)
        return photo

    def compact(self, event_id: int) -> None:
        message = json.loads((ROOT / "events" / "snapshots.json").read_text())
        message["Records"] = [message["Records"][0] | {"body": json.dumps({"event_id": event_id})}]
        assert load("snapshots")(message, Context("snapshots")) == {"batchItemFailures": []}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name, value in (("TABLE_NAME", TABLE), ("SNAPSHOTS_BUCKET", BUCKET), ("SNAPSHOT_TAIL_BYTES", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bootstrap, "container", bootstrap.Container())
    with moto():
        yield Stack()


def test_a_snapshot_of_an_event_that_was_deleted_meanwhile_is_taken_back(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deleted(bootstrap.Container):
        def event(self, event_id: int) -> Event | None:
            found = super().event(event_id)
            stack.admin.close_event(event_id)  # the deletion begins when the function has looked
            return found

    monkeypatch.setattr(bootstrap, "container", Deleted())
    event_id = stack.admin.create_event(stack.org, "Marathon")
    stack.upload(event_id, 1, pack(np.ones((1, 128), np.float32)))
    stack.compact(event_id)
    assert stack.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []) == []
    assert stack.snapshots.current(event_id, MODEL) is None


@pytest.mark.parametrize("tail_bytes", ["1", "1000000"])
@pytest.mark.parametrize(("alike", "size", "unusual"), [(0.0, 2, False), (0.63, 2, True), (0.63, 1, None)])
def test_how_alike_strangers_of_an_event_are_is_told_whether_a_snapshot_is_written_or_not(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tail_bytes: str,
    alike: float,
    size: int,
    unusual: bool | None,
) -> None:
    monkeypatch.setenv("SNAPSHOT_TAIL_BYTES", tail_bytes)
    warnings = list[tuple[str, int]]()
    monkeypatch.setattr(logger, "warning", lambda text, *, event_id, **_: warnings.append((text, event_id)))
    event_id = stack.admin.create_event(stack.org, "Marathon")
    people = crowd(200, 1, alike).astype(np.float32)
    for number in range(100):
        stack.upload(event_id, number, pack(people[2 * number : 2 * number + size]))
    stack.compact(event_id)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    values = [value for metrics in told for value in metrics.get("FacesAlike", [])]
    assert [value >= 0.36 for value in values] == ([] if unusual is None else [unusual])
    assert warnings == ([("faces unusually alike", event_id)] if unusual else [])
    assert not any("event_id" in metrics for metrics in told), "a dimension each would cost for good"


def test_the_daily_call_takes_the_faces_of_events_that_are_over(stack: Stack) -> None:
    admin, org, day = stack.admin, stack.org, date(2020, 1, 1)
    over = admin.create_event(org, "Over", event_date=day, retention_days=30)
    kept = admin.create_event(org, "Kept", event_date=day)
    later = admin.create_event(org, "Later", retention_days=30)
    photo, *_ = [stack.upload(event_id, 4, bytes(132)) for event_id in (over, kept, later)]
    event = json.loads((ROOT / "events" / "snapshots-daily.json").read_text())
    assert load("snapshots")(event, Context("snapshots")) is None
    left = {event_id: stack.photos.get(event_id, SHARDS, photo.image_id) for event_id in (over, kept, later)}
    assert left == {over: replace(photo, faces=b"", stripped=True), kept: photo, later: photo}
    assert [ended.event_id for ended in admin.ended_events(date(2100, 1, 1))] == [later], "long over: looked at once"
