"""Galleries kept in memory: their order, what changes them, what is read again, and which are dropped."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.errors import GalleryLoading
from facesearch.models import Page
from facesearch.photos import gallery as gallery_module
from facesearch.photos.gallery import SPARE_SECONDS, Galleries, Gallery
from facesearch.records import OVERLAP_MICROSECONDS, TOMBSTONE_SECONDS, Photo, Status
from tests.support.examples import examples
from tests.support.fakes import EVENT

NOON = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - a camera's clock has no zone
NOW = 1_800_000_000_000_000
"""Microseconds since the epoch."""
EVERYTHING = Page(1, 10_000)
SECONDS = 25.0
"""What is left of an invocation that has only just begun."""


def change(number: int, at: int = 1, taken: datetime | None = None, status: Status = "indexed") -> Photo:
    """A photo of that number, changed so many microseconds after this module's now."""
    return Photo(uuid.UUID(int=number), status, "k", 30, 20, "m", b"", taken, changed_at=NOW + at)


@dataclass
class Feed(MemoryPhotoStore):
    """Changes as a test says them; notes from when on each event was read. `broken` shards fail."""

    rows: dict[int, list[Photo]] = field(default_factory=dict)
    reads: list[tuple[int, int, int]] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, *changes: Photo, event: int = EVENT.event_id) -> None:
        """A photo has one row, its latest."""
        kept = {row.image_id: row for row in self.rows.get(event, [])}
        self.rows[event] = list((kept | {row.image_id: row for row in changes}).values())

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
        assert not faces
        with self.lock:
            self.reads.append((event_id, shard, since))
        if shard in self.broken:
            raise ConnectionError
        rows = [row for row in self.rows.get(event_id, []) if row.image_id.int % 4 == shard and row.changed_at >= since]
        return iter(sorted(rows, key=lambda row: row.changed_at))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands still unless a test sets `now`."""
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr(gallery_module, "time", SimpleNamespace(time_ns=lambda: clock.now * 1000))
    return clock


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def galleries(feed: Feed, pool: ThreadPoolExecutor) -> Galleries:
    return Galleries(photos=feed, pool=pool)


def shown(gallery: Gallery) -> list[int]:
    return [photo.image_id.int for photo in gallery.cut(EVERYTHING)]


def test_photos_come_by_capture_time_then_image_id_and_last_without_a_time(feed: Feed, galleries: Galleries) -> None:
    feed.put(change(5), change(2), change(9, taken=NOON), change(4, taken=NOON), change(7, taken=datetime(1969, 1, 1)))  # noqa: DTZ001
    feed.put(change(1, taken=NOON + timedelta(seconds=1)), change(3, status="failed"))
    gallery = galleries.current(EVENT, SECONDS)
    assert shown(gallery) == [7, 4, 9, 1, 2, 5]
    assert len(gallery) == 6
    assert [photo.image_id.int for photo in gallery.cut(Page(2, 4))] == [2, 5]
    assert gallery.cut(Page(3, 3)) == []
    first = gallery.cut(Page(1, 1))[0]
    assert (first.width, first.height) == (30, 20)


Times = st.none() | st.integers(0, 5).map(lambda seconds: NOON + timedelta(seconds=seconds))
Batch = st.lists(st.tuples(st.integers(0, 12), Times, st.sampled_from(["indexed", "indexed", "failed", "deleted"])))


def test_whatever_came_when_the_gallery_is_what_the_table_says(pool: ThreadPoolExecutor) -> None:
    @settings(max_examples=examples(60))
    @given(st.lists(Batch, max_size=5))
    def check(batches: list[list[tuple[int, datetime | None, Status]]]) -> None:
        feed, at = Feed(), 0
        kept = Galleries(photos=feed, pool=pool)
        for batch in batches:
            for number, taken, status in batch:
                at += 1
                feed.put(change(number, at, taken, status))
            rows = [row for row in feed.rows.get(EVENT.event_id, []) if row.status == "indexed"]
            rows.sort(key=lambda row: (row.taken_at is None, row.taken_at or NOON, row.image_id.int))
            expected = [row.image_id.int for row in rows]
            assert shown(kept.current(EVENT, SECONDS)) == expected
            assert shown(Galleries(photos=feed, pool=pool).current(EVENT, SECONDS)) == expected, "as a cold one"

    check()


def test_a_warm_gallery_reads_only_what_may_have_changed_with_room_for_late_writers(
    feed: Feed, galleries: Galleries, clock: SimpleNamespace
) -> None:
    feed.put(change(1, at=-10))
    galleries.current(EVENT, SECONDS)
    assert sorted(feed.reads) == [(EVENT.event_id, shard, 0) for shard in range(4)]
    feed.reads.clear()
    feed.put(change(2, at=-OVERLAP_MICROSECONDS))  # stamped before the last look, visible only now
    clock.now = NOW + 60_000_000
    assert shown(galleries.current(EVENT, SECONDS)) == [1, 2]
    assert sorted(feed.reads) == [(EVENT.event_id, shard, NOW - OVERLAP_MICROSECONDS) for shard in range(4)]
    feed.reads.clear()
    galleries.current(EVENT, SECONDS)
    assert {since for _, _, since in feed.reads} == {clock.now - OVERLAP_MICROSECONDS}


def test_a_gallery_of_which_a_part_could_not_be_read_is_read_on_from_there(feed: Feed, galleries: Galleries) -> None:
    feed.put(change(1), change(2))
    feed.broken.add(2)
    with pytest.raises(ConnectionError):
        galleries.current(EVENT, SECONDS)
    feed.broken.clear()
    feed.reads.clear()
    assert shown(galleries.current(EVENT, SECONDS)) == [1, 2]
    assert {shard for _, shard, since in feed.reads if not since} == {2}


@dataclass
class SlowFeed(Feed):
    """Every photo takes a second to read, by a clock of its own."""

    seconds: float = 0.0

    def clock(self) -> float:
        return self.seconds

    def of(self, photos: int) -> Self:
        self.put(*(change(number, -OVERLAP_MICROSECONDS - 1000 + number) for number in range(photos)))
        return self

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
        for row in super().changes(event_id, shard, since, faces=faces):
            with self.lock:
                self.seconds += 1
            yield row


def calls_until_whole(galleries: Galleries, seconds: float = SPARE_SECONDS + 40) -> tuple[int, Gallery]:
    for calls in range(1, 100):
        with suppress(GalleryLoading):
            return calls, galleries.current(EVENT, seconds)
    raise AssertionError("it never ends")


def test_a_gallery_that_takes_longer_than_a_call_is_whole_after_several(pool: ThreadPoolExecutor) -> None:
    feed = SlowFeed().of(400)
    calls, gallery = calls_until_whole(Galleries(photos=feed, pool=pool, clock=feed.clock))
    assert 10 <= calls <= 20, "40 photos a call, of which each shard reads one again"
    assert shown(gallery) == list(range(400)), "none is missing, none is there twice"


def test_what_changes_while_a_gallery_is_read_in_several_calls_is_in_it(
    pool: ThreadPoolExecutor, clock: SimpleNamespace
) -> None:
    feed = SlowFeed().of(100)
    galleries = Galleries(photos=feed, pool=pool, clock=feed.clock)
    with pytest.raises(GalleryLoading) as refused:
        galleries.current(EVENT, SPARE_SECONDS + 40)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    clock.now = NOW + 60_000_000
    feed.put(change(0, 50_000_000, status="deleted"), change(1, 50_000_001, taken=NOON), change(99, 50_000_002))
    feed.put(change(100, -OVERLAP_MICROSECONDS + 1))  # stamped before the first call, visible only now
    _, gallery = calls_until_whole(galleries)
    assert shown(gallery) == list(range(1, 101))


def test_a_gallery_that_was_begun_long_ago_is_begun_afresh(pool: ThreadPoolExecutor, clock: SimpleNamespace) -> None:
    feed = SlowFeed().of(100)
    galleries = Galleries(photos=feed, pool=pool, clock=feed.clock)
    with pytest.raises(GalleryLoading):
        galleries.current(EVENT, SPARE_SECONDS + 40)
    clock.now = NOW + TOMBSTONE_SECONDS * 1_000_000
    rows = feed.rows[EVENT.event_id]
    feed.rows[EVENT.event_id] = [row for row in rows if row.image_id.int]  # deleted, and its tombstone has expired
    _, gallery = calls_until_whole(galleries)
    assert shown(gallery) == list(range(1, 100))


def test_the_gallery_that_was_not_used_for_longest_is_dropped_first(
    feed: Feed, galleries: Galleries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_module, "PHOTOS_KEPT", 5)
    events = [replace(EVENT, event_id=number) for number in (1, 2, 3)]
    for event in events:
        feed.put(change(1), change(2), event=event.event_id)
    for event in (events[0], events[1], events[0], events[2]):  # 6 photos: one gallery too many
        galleries.current(event, SECONDS)

    def cold(number: int) -> bool:
        feed.reads.clear()
        galleries.current(events[number - 1], SECONDS)
        return feed.reads[0][2] == 0

    assert not cold(1)
    assert not cold(3)
    assert cold(2)
    monkeypatch.setattr(gallery_module, "PHOTOS_KEPT", 1)
    assert not cold(2)
    assert not cold(2), "the only one is kept, however large"
    assert cold(3)
