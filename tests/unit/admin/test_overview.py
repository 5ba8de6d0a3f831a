"""What operators see of an event: bounded counts, photos latest first, searches."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from typing_extensions import override

from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.admin import overview
from facesearch.admin.overview import Overview, PhotoFilter, PhotoPage, file_of
from facesearch.faces.packing import FACE_BYTES
from facesearch.models import DEFAULT_MODEL, SearchKey, SearchSummary
from facesearch.records import Photo
from tests.support.fakes import EVENT

FACE = bytes(FACE_BYTES)


class Stamped(MemoryPhotoStore):
    """Photos with stamps of the test's choice."""

    def put(self, number: int, stamp: int, **values: object) -> Photo:
        photo = Photo(uuid.UUID(int=number), "indexed", f"{EVENT.org_id}/456/IMG_{number}.JPG", 4, 3, DEFAULT_MODEL)
        photo = replace(photo, changed_at=stamp, **values)  # type: ignore[arg-type]
        self._shards[456, number % EVENT.shards][photo.image_id] = photo
        return photo


class Counting(Stamped):
    """Counts what is read of the feed."""

    read = 0

    @override
    def newest(self, event_id: int, shard: int, before: int | None, most: int) -> Iterator[Photo]:
        for photo in super().newest(event_id, shard, before, most):
            self.read += 1
            yield photo


@pytest.fixture
def store() -> Counting:
    return Counting()


@pytest.fixture
def searches() -> MemoryReader:
    return MemoryReader()


@pytest.fixture
def seen(store: Counting, searches: MemoryReader, pool: ThreadPoolExecutor) -> Overview:
    return Overview(
        photos=store, results=searches, watched_until=lambda search: search.request_id.int or None, pool=pool
    )


def pages(seen: Overview, wanted: PhotoFilter = PhotoFilter.ALL, name: str = "") -> list[PhotoPage]:
    """All pages of a list."""
    found = [seen.photo_page(EVENT, wanted, name)]
    while found[-1].before is not None:
        found.append(seen.photo_page(EVENT, wanted, name, found[-1].before))
    return found


def numbers(found: list[PhotoPage]) -> list[int]:
    return [photo.image_id.int for page in found for photo in page.photos]


def test_an_event_without_anything_counts_nothing_and_has_one_empty_page(seen: Overview) -> None:
    counts = seen.counts(EVENT)
    assert (counts.photos, counts.faces, counts.searches, counts.newest_at) == (0, 0, 0, None)
    assert not counts.more_photos
    assert pages(seen) == [PhotoPage([], 0, None)]
    assert seen.search_page(EVENT).searches == []


def test_photos_are_counted_by_what_became_of_them(seen: Overview, store: Stamped) -> None:
    store.put(1, 5_000_000, faces=FACE * 3)
    store.put(2, 7_000_000, faces=FACE)
    store.put(3, 9_000_000)
    store.put(4, 8_000_000, status="failed", model="", reason="no readable picture")
    store.put(5, 9_900_000, status="deleted")
    counts = seen.counts(EVENT)
    assert (counts.photos, counts.failed, counts.without_faces, counts.faces) == (4, 1, 1, 4)
    assert counts.newest_at == datetime.fromtimestamp(9, UTC)
    assert not counts.more_photos


def test_given_more_than_are_counted_then_it_says_so(
    seen: Overview, store: Counting, searches: MemoryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "COUNTED_IN_A_SHARD", 2)
    monkeypatch.setattr(overview, "COUNTED_SEARCHES", 3)
    for number in range(EVENT.shards * 2):
        store.put(number, number + 1)
    for number in range(3):
        searches.save(SearchKey(EVENT.org_id, 456, uuid.UUID(int=number)), SearchSummary(0, 90), [])
    counts = seen.counts(EVENT)
    assert (counts.photos, counts.more_photos, counts.searches, counts.more_searches) == (8, False, 3, False)
    store.put(EVENT.shards * 2, 100)
    searches.save(SearchKey(EVENT.org_id, 456, uuid.UUID(int=9)), SearchSummary(0, 90), [])
    counts = seen.counts(EVENT)
    assert (counts.photos, counts.more_photos, counts.searches, counts.more_searches) == (8, True, 3, True)


@pytest.mark.parametrize("stamp", [lambda number: number + 1, lambda number: number // 100 + 1, lambda _: 7])
def test_every_photo_is_on_one_page_latest_first(seen: Overview, store: Counting, stamp: object) -> None:
    stamps = {number: stamp(number) for number in range(205)}  # type: ignore[operator]
    for number, its in stamps.items():
        store.put(number, its)
    found = pages(seen)
    assert sorted(numbers(found)) == list(range(205))
    assert [stamps[number] for number in numbers(found)] == sorted(stamps.values(), reverse=True)
    assert sum(page.scanned for page in found) == 205


def test_one_page_reads_little_of_a_large_event(seen: Overview, store: Counting) -> None:
    for number in range(2_000):
        store.put(number, number + 1)
    page = seen.photo_page(EVENT)
    assert len(page.photos) == page.scanned == overview.PHOTOS_AT_ONCE
    assert store.read <= (EVENT.shards + 1) * overview.PHOTOS_AT_ONCE


def test_filters_go_on_where_a_page_has_looked_through_enough(
    seen: Overview, store: Stamped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "SCANNED_PHOTOS", 100)
    for number in range(300):
        store.put(number, number + 1, faces=FACE)
    store.put(7, 400, status="failed", model="", reason="no readable picture")
    store.put(8, 8, reason="The original is gone.")
    store.put(9, 9)
    store.put(290, 401, status="deleted")
    found = pages(seen, PhotoFilter.FAILED)
    assert numbers(found) == [7, 8]
    assert len(found) == 3, "each looks through 120 at the most"
    assert numbers(pages(seen, PhotoFilter.NO_FACE)) == [9, 8]
    assert numbers(pages(seen, name="img_29")) == [299, 298, 297, 296, 295, 294, 293, 292, 291, 29]


def test_a_photo_of_our_own_tool_is_named_by_its_file_alone() -> None:
    image_id = uuid.UUID(int=1)
    ours = Photo(image_id, "indexed", f"{EVENT.org_id}/456/{image_id}/a/IMG_1.JPG")
    assert file_of(EVENT, ours) == "a/IMG_1.JPG"
    assert file_of(EVENT, replace(ours, key=f"{EVENT.org_id}/456/day 1/IMG_1.JPG")) == "day 1/IMG_1.JPG"


def test_searches_come_latest_first_with_their_watches(
    seen: Overview, searches: MemoryReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "SHOWN_SEARCHES", 2)
    keys = [SearchKey(EVENT.org_id, 456, uuid.UUID(int=number)) for number in range(3)]
    for age, key in enumerate(keys):
        searches.save(key, SearchSummary(age, 90), [])
        searches.created[key] = int(time.time()) - 100 * age
    page = seen.search_page(EVENT)
    assert [each.finished.search for each in page.searches] == keys[:2]
    assert [each.watched_until for each in page.searches] == [None, 1]
    assert (page.scanned, page.more) == (3, False)
    assert [each.finished.summary.total for each in seen.search_page(EVENT, str(keys[2].request_id)).searches] == [2]
