"""Galleries kept in memory: their order, what changes them, what is read again, and which are dropped."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch import gallery as gallery_module
from facesearch.gallery import Galleries, Gallery
from facesearch.pagination import Page
from facesearch.photos import OVERLAP_MICROSECONDS, PhotoChange
from facesearch.store.memory import MemoryPhotoStore
from tests.unit.fakes import EVENT

NOON = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - a camera's clock has no zone
NOW = 1_800_000_000_000_000
"""Microseconds since the epoch."""
EVERYTHING = Page(1, 10_000)


def change(number: int, at: int = 1, taken: datetime | None = None, status: str = "indexed") -> PhotoChange:
    """A photo of that number, changed so many microseconds after this module's now."""
    return PhotoChange(uuid.UUID(int=number), NOW + at, status, "m", b"", 30, 20, taken)


@dataclass
class Feed(MemoryPhotoStore):
    """Changes as a test says them; notes from when on each event was read. `broken` shards fail."""

    rows: dict[int, list[PhotoChange]] = field(default_factory=dict)
    reads: list[tuple[int, int, int]] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, *changes: PhotoChange, event: int = EVENT.event_id) -> None:
        """A photo has one row, its latest."""
        kept = {row.image_id: row for row in self.rows.get(event, [])}
        self.rows[event] = list((kept | {row.image_id: row for row in changes}).values())

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[PhotoChange]:
        assert not faces
        with self.lock:
            self.reads.append((event_id, shard, since))
        if shard in self.broken:
            raise ConnectionError
        rows = [row for row in self.rows.get(event_id, []) if row.image_id.int % 4 == shard and row.changed_at >= since]
        return iter(sorted(rows, key=lambda row: row.changed_at))


@pytest.fixture(scope="module", autouse=True)
def clock() -> Iterator[SimpleNamespace]:
    """Stands still unless a test sets `now`."""
    with pytest.MonkeyPatch.context() as patch:
        clock = SimpleNamespace(now=NOW)
        patch.setattr(gallery_module, "time", SimpleNamespace(time_ns=lambda: clock.now * 1000))
        yield clock


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def galleries(feed: Feed, pool: ThreadPoolExecutor) -> Galleries:
    return Galleries(feed, pool)


def shown(gallery: Gallery) -> list[int]:
    return [photo.image_id.int for photo in gallery.cut(EVERYTHING)]


def test_photos_come_by_capture_time_then_image_id_and_last_without_a_time(feed: Feed, galleries: Galleries) -> None:
    feed.put(change(5), change(2), change(9, taken=NOON), change(4, taken=NOON), change(7, taken=datetime(1969, 1, 1)))  # noqa: DTZ001
    feed.put(change(1, taken=NOON + timedelta(seconds=1)), change(3, status="failed"))
    gallery = galleries.current(EVENT)
    assert shown(gallery) == [7, 4, 9, 1, 2, 5]
    assert len(gallery) == 6
    assert [photo.image_id.int for photo in gallery.cut(Page(2, 4))] == [2, 5]
    assert gallery.cut(Page(3, 3)) == []
    first = gallery.cut(Page(1, 1))[0]
    assert (first.width, first.height) == (30, 20)


Times = st.none() | st.integers(0, 5).map(lambda seconds: NOON + timedelta(seconds=seconds))
Batch = st.lists(st.tuples(st.integers(0, 12), Times, st.sampled_from(["indexed", "indexed", "failed", "deleted"])))


def test_whatever_came_when_the_gallery_is_what_the_table_says(pool: ThreadPoolExecutor) -> None:
    @settings(max_examples=60)
    @given(st.lists(Batch, max_size=5))
    def check(batches: list[list[tuple[int, datetime | None, str]]]) -> None:
        feed, at = Feed(), 0
        kept = Galleries(feed, pool)
        for batch in batches:
            for number, taken, status in batch:
                at += 1
                feed.put(change(number, at, taken, status))
            rows = [row for row in feed.rows.get(EVENT.event_id, []) if row.status == "indexed"]
            rows.sort(key=lambda row: (row.taken_at is None, row.taken_at or NOON, row.image_id.int))
            assert shown(kept.current(EVENT)) == [row.image_id.int for row in rows]
            assert shown(Galleries(feed, pool).current(EVENT)) == [row.image_id.int for row in rows], "as a cold one"

    check()


def test_a_warm_gallery_reads_only_what_may_have_changed_with_room_for_late_writers(
    feed: Feed, galleries: Galleries, clock: SimpleNamespace
) -> None:
    feed.put(change(1, at=-10))
    galleries.current(EVENT)
    assert sorted(feed.reads) == [(EVENT.event_id, shard, 0) for shard in range(4)]
    feed.reads.clear()
    feed.put(change(2, at=-OVERLAP_MICROSECONDS))  # stamped before the last look, visible only now
    clock.now = NOW + 60_000_000
    assert shown(galleries.current(EVENT)) == [1, 2]
    assert sorted(feed.reads) == [(EVENT.event_id, shard, NOW - OVERLAP_MICROSECONDS) for shard in range(4)]
    feed.reads.clear()
    galleries.current(EVENT)
    assert {since for _, _, since in feed.reads} == {clock.now - OVERLAP_MICROSECONDS}
    clock.now = NOW


def test_a_tombstone_takes_a_photo_out_and_an_older_row_does_not_bring_it_back(
    feed: Feed, galleries: Galleries
) -> None:
    feed.put(change(1, at=5), change(2, at=5))
    assert shown(galleries.current(EVENT)) == [1, 2]
    feed.put(change(1, at=9, status="deleted"))
    assert shown(galleries.current(EVENT)) == [2]
    feed.put(change(1, at=7))
    assert shown(galleries.current(EVENT)) == [2]
    feed.put(change(1, at=10))
    assert shown(galleries.current(EVENT)) == [1, 2]


def test_a_photo_whose_time_was_corrected_moves(feed: Feed, galleries: Galleries) -> None:
    feed.put(change(1, taken=NOON), change(2, taken=NOON + timedelta(hours=1)))
    assert shown(galleries.current(EVENT)) == [1, 2]
    feed.put(change(1, at=2, taken=NOON + timedelta(hours=2)))
    assert shown(galleries.current(EVENT)) == [2, 1]


def test_a_gallery_that_could_be_read_only_in_part_is_not_kept(feed: Feed, galleries: Galleries) -> None:
    feed.put(change(1), change(2))
    feed.broken.add(2)
    with pytest.raises(ConnectionError):
        galleries.current(EVENT)
    feed.broken.clear()
    feed.reads.clear()
    assert shown(galleries.current(EVENT)) == [1, 2]
    assert {since for _, _, since in feed.reads} == {0}


def test_the_gallery_that_was_not_used_for_longest_is_dropped_first(
    feed: Feed, galleries: Galleries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_module, "PHOTOS_KEPT", 5)
    events = [replace(EVENT, event_id=number) for number in (1, 2, 3)]
    for event in events:
        feed.put(change(1), change(2), event=event.event_id)
    for event in (events[0], events[1], events[0], events[2]):  # 6 photos: one gallery too many
        galleries.current(event)

    def cold(number: int) -> bool:
        feed.reads.clear()
        galleries.current(events[number - 1])
        return feed.reads[0][2] == 0

    assert not cold(1)
    assert not cold(3)
    assert cold(2)


def test_a_gallery_beyond_the_limit_is_kept_while_it_is_the_only_one(
    feed: Feed, galleries: Galleries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_module, "PHOTOS_KEPT", 1)
    feed.put(change(1), change(2))
    galleries.current(EVENT)
    feed.reads.clear()
    assert shown(galleries.current(EVENT)) == [1, 2]
    assert all(since for _, _, since in feed.reads)
