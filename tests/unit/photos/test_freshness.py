"""What readers are promised, however slow a write is: the real photo store on moto, under a clock that a test turns.

A search or a gallery that looks after a write has returned knows of it, though it had looked while that was under way.
"""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table, encode
from facesearch.adapters.memory.stores import MemorySnapshotStore
from facesearch.faces.index import event as index_module
from facesearch.faces.index.event import IndexCache
from facesearch.faces.index.vectors import probe_of
from facesearch.faces.packing import pack
from facesearch.models import Event, Page
from facesearch.photos import gallery as gallery_module
from facesearch.photos.gallery import Galleries
from facesearch.reading import Wanted
from facesearch.records import CHANGING_SECONDS, OVERLAP_MICROSECONDS, STAMPED_MICROSECONDS, Held, Photo
from tests.support.aws import TABLE, create_table, moto
from tests.support.examples import examples
from tests.support.fakes import EVENT, EVENT_ID

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
FACE = np.eye(1, 128, dtype=np.float32)
CONFIGURATION = {
    "event_id": EVENT_ID,
    "org_id": EVENT.org_id,
    "name": EVENT.name,
    "slug": EVENT.slug,
    "event_date": EVENT.date,
    "event_enabled": True,
    "selfie_search": True,
    "confidence": EVENT.confidence,
    "shards": 1,
    "faces": str(EVENT.faces),
}
SAID = {EVENT_ID: 2 * NOW}
"""Of a writer that has said already that photos come."""
FASTEST_CLOCK = OVERLAP_MICROSECONDS - STAMPED_MICROSECONDS
"""How far a reader's clock may be ahead of a writer's."""


def photo(number: int) -> Photo:
    return Photo(uuid.UUID(int=number), "indexed", f"k{number}", 4, 3, EVENT.model, pack(FACE))


@dataclass
class Wire:
    """The way to DynamoDB and back. Each write takes the next of `delays` to be visible and the one after it until its
    writer knows; `under_way` is called before, between and after."""

    now: int = NOW
    delays: list[int] = field(default_factory=list)
    under_way: Callable[[], None] = lambda: None

    def there(self, **_: Any) -> None:
        self.back()
        self.under_way()

    def back(self, **_: Any) -> None:
        self.under_way()
        self.now += self.delays.pop(0) if self.delays else 1_000


class Readers:
    """A warm index and a warm gallery of one environment, which reads the event with each request."""

    def __init__(self, table: Table, wire: Wire, pool: ThreadPoolExecutor) -> None:
        store, self.reader, self.pool = DynamoPhotoStore(table), DynamoReader(table), pool
        self.galleries = Galleries(photos=store, pool=pool)
        self.indexes = IndexCache(store, MemorySnapshotStore(), 1, pool, clock=lambda: wire.now / SECOND)

    def event(self) -> Event:
        event = self.reader.read(Wanted(event_id=EVENT_ID)).event
        assert event is not None
        return event

    def found(self) -> list[int]:
        index = self.indexes.current(self.event())
        hits = index.search(probe_of(FACE[0]), 0.9, self.pool)
        return sorted(index.photo(number).image_id.int for number in hits.photos.tolist())

    def shown(self) -> list[int]:
        gallery = self.galleries.current(self.event(), 25)
        return [photo.image_id.int for photo in gallery.cut(Page(1, 100))]


class FreshnessBench(NamedTuple):
    wire: Wire
    writer: DynamoPhotoStore
    readers: Readers


@pytest.fixture
def worlds(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], FreshnessBench]]:
    with moto():
        client: Any = boto3.client("dynamodb")
        create_table(client)

        def new(ahead: int) -> FreshnessBench:
            for number in range(9):
                client.delete_item(
                    TableName=TABLE, Key={"pk": {"S": f"PHOTOS#{EVENT_ID}#0"}, "sk": {"S": str(photo(number).image_id)}}
                )
            client.put_item(TableName=TABLE, Item=encode(schema.event_key(EVENT_ID) | CONFIGURATION))
            wire, slow = Wire(), boto3.client("dynamodb")
            for name in ("PutItem", "UpdateItem"):
                slow.meta.events.register(f"before-call.dynamodb.{name}", wire.there)
                slow.meta.events.register(f"after-call.dynamodb.{name}", wire.back)
            clock = SimpleNamespace(time_ns=lambda: (wire.now + ahead) * 1000)
            monkeypatch.setattr(index_module, "time", clock)
            monkeypatch.setattr(gallery_module, "time", clock)
            readers = Readers(Table(client, TABLE), wire, pool)
            return FreshnessBench(wire, DynamoPhotoStore(Table(slow, TABLE), lambda: wire.now), readers)

        yield new


Delays = st.lists(
    st.one_of(st.integers(0, 20_000), st.sampled_from([STAMPED_MICROSECONDS, SECOND, 13 * SECOND, 40 * SECOND])),
    max_size=5,
)
Pauses = st.sampled_from([0, SECOND, 31 * SECOND, 63 * SECOND])
"""Whole seconds before the writer is heard of again: half of what an event says, and more than all of it."""
Steps = st.lists(st.tuples(st.integers(1, 3), Delays, st.integers(0, 7), Pauses), min_size=1, max_size=6)


def test_what_was_written_is_known_to_the_next_look_however_long_the_write_took(
    worlds: Callable[[int], FreshnessBench],
) -> None:
    @settings(max_examples=examples(25), derandomize=True, database=None, deadline=None)
    @given(Steps, st.integers(0, FASTEST_CLOCK - 10_000))
    def check(steps: list[tuple[int, list[int], int, int]], ahead: int) -> None:
        world, there = worlds(ahead), set[int]()
        for number, delays, looks, pause in steps:
            asked = 0
            world.wire.now += pause
            world.readers.found()
            world.readers.shown()

            def look(looks: int = looks) -> None:
                nonlocal asked
                if looks >> asked & 1:
                    world.readers.found()
                    world.readers.shown()
                asked += 1

            world.wire.delays, world.wire.under_way = list(delays), look
            if number in there:
                assert world.writer.delete(EVENT_ID, 1, photo(number).image_id) == Held(1, len(photo(number).faces))
                world.writer.expire(EVENT_ID, 1, photo(number).image_id)
            else:
                assert world.writer.add(EVENT_ID, 1, photo(number), uploaded_at=world.wire.now + 1)
            there ^= {number}
            world.wire.now += 2
            assert world.readers.found() == sorted(there)
            assert world.readers.shown() == sorted(there)

    check()


def test_where_nothing_is_written_nothing_is_asked_for(worlds: Callable[[int], FreshnessBench]) -> None:
    """While an event's writers are heard of, every look asks; later none does, until the next write."""
    world, asked = worlds(0), list[str]()
    events = world.readers.reader.table.client.meta.events
    events.register("before-call.dynamodb.Query", lambda **_: asked.append("Query"))

    def looks() -> tuple[list[int], int]:
        asked.clear()
        found = world.readers.found()
        assert world.readers.shown() == found
        return found, len(asked)

    assert looks() == ([], 2), "nobody has said anything of this event"
    assert looks() == ([], 2)
    world.writer.add(EVENT_ID, 1, photo(1))
    assert looks() == looks() == ([1], 2)
    world.wire.now += CHANGING_SECONDS * SECOND + OVERLAP_MICROSECONDS + SECOND
    assert looks() == ([1], 2)
    assert looks() == looks() == ([1], 0)
    world.writer.delete(EVENT_ID, 1, photo(1).image_id)
    assert looks() == looks() == ([], 2)


def test_a_writer_says_once_in_a_while_that_photos_come(worlds: Callable[[int], FreshnessBench]) -> None:
    world, said = worlds(0), list[int]()
    events = world.writer.table.client.meta.events
    events.register("before-call.dynamodb.UpdateItem", lambda **_: said.append(world.wire.now))
    for number in range(8):
        world.wire.now += CHANGING_SECONDS // 5 * SECOND
        world.writer.add(EVENT_ID, 1, photo(number))
    assert len(said) == 3, "in 96 seconds"
    assert (world.readers.event().changing_until or 0) >= world.wire.now + CHANGING_SECONDS // 2 * SECOND - SECOND


@pytest.mark.parametrize("seconds", [1, 40])
def test_what_a_killed_run_has_written_is_known_when_it_was_repeated(
    worlds: Callable[[int], FreshnessBench], seconds: int
) -> None:
    """It was visible late, and nobody was left to stamp it again."""
    world = worlds(0)

    class KilledError(Exception):
        pass

    def kill(**_: Any) -> None:
        raise KilledError

    def late_and_killed(write: Callable[[DynamoPhotoStore], object]) -> None:
        client = boto3.client("dynamodb")
        for name in ("PutItem", "UpdateItem"):
            client.meta.events.register(f"after-call.dynamodb.{name}", kill)
        stamp = world.wire.now
        world.wire.now += seconds * SECOND + OVERLAP_MICROSECONDS
        world.readers.found()
        world.readers.shown()
        with pytest.raises(KilledError):
            write(DynamoPhotoStore(Table(client, TABLE), lambda: stamp, SAID))

    one = photo(1).image_id
    late_and_killed(lambda store: store.add(EVENT_ID, 1, photo(1)))
    world.writer.touch(EVENT_ID, 1, one)
    assert (world.readers.found(), world.readers.shown()) == ([1], [1])
    late_and_killed(lambda store: store.delete(EVENT_ID, 1, one))
    assert world.writer.delete(EVENT_ID, 1, one) is None
    assert (world.readers.found(), world.readers.shown()) == ([], [])
    world.writer.touch(EVENT_ID, 1, photo(2).image_id)
    assert world.writer.tombstone(EVENT_ID, 1, photo(2).image_id) is None, "nothing comes of nothing"


def test_a_write_whose_response_was_lost_is_not_taken_for_somebody_else_s(
    worlds: Callable[[int], FreshnessBench],
) -> None:
    worlds(0)
    client: Any = boto3.client("dynamodb")
    lost = 0

    def lose(caught_exception: Any, **_: Any) -> int | None:
        """Botocore sends a request again in so many seconds."""
        nonlocal lost
        lost += 1
        return 0 if caught_exception is None and lost % 2 == 1 else None

    for name in ("PutItem", "UpdateItem"):
        client.meta.events.register_first(f"needs-retry.dynamodb.{name}", lose)
    store, one = DynamoPhotoStore(Table(client, TABLE), _changing=SAID), photo(1)
    assert store.add(EVENT_ID, 1, one)
    assert lost == 2
    assert store.add(EVENT_ID, 1, one) is False, "but that of an earlier run is"
    (change,) = store.changes(EVENT_ID, 0, 0)
    assert store.replace_faces(EVENT_ID, 1, change, b"")
    assert store.replace_faces(EVENT_ID, 1, change, b"") is False
    assert store.delete(EVENT_ID, 1, one.image_id) == Held(1, 0)


def test_two_writers_with_slow_clocks_are_told_apart(worlds: Callable[[int], FreshnessBench]) -> None:
    """Both stamp a photo by the microsecond that follows its own, which is ahead of their clocks."""
    world, one = worlds(0), photo(1)
    world.writer.add(EVENT_ID, 1, one, uploaded_at=NOW + SECOND)
    seen = world.writer.get(EVENT_ID, 1, one.image_id)
    assert seen is not None
    assert world.writer.add(EVENT_ID, 1, one, uploaded_at=NOW + SECOND) is False
    assert world.writer.put_faces(EVENT_ID, 1, seen, "next", b"")
    assert world.writer.put_faces(EVENT_ID, 1, seen, "other", b"") is False
