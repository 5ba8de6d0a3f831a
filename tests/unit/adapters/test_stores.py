"""One contract for every adapter of a store: DynamoDB's (on moto, in this process) and the one in memory."""

import datetime as dt
import time
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.reading import DynamoReader, pack_chunk
from facesearch.adapters.dynamodb.results import INLINE_PHOTOS, DynamoResultStore
from facesearch.adapters.dynamodb.table import Table, delete, put, update
from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.errors import Throttled
from facesearch.models import Page, RenditionUrls, SearchKey, SearchSummary
from facesearch.reading import Reader, Wanted
from facesearch.records import Photo, PhotoEraser, newest_photo
from facesearch.search.results import OutdatedError, ResultStore
from tests.support.aws import TABLE
from tests.support.fakes import photos
from tests.support.pools import LEAVES
from tests.support.site import Inline
from tools.bench.units import item_bytes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SEARCH = SearchKey(903, 456, uuid.UUID(int=7))


@pytest.fixture(params=["dynamodb", "memory"])
def results(request: pytest.FixtureRequest) -> tuple[Reader, ResultStore]:
    if request.param == "memory":
        memory = MemoryReader()
        return memory, memory
    table = request.getfixturevalue("table")
    return DynamoReader(table), DynamoResultStore(table, retention_days=30, pool=LEAVES)


@pytest.fixture(params=["dynamodb", "memory"])
def photo_store(request: pytest.FixtureRequest) -> PhotoEraser:
    if request.param == "memory":
        return MemoryPhotoStore()
    return DynamoPhotoStore(request.getfixturevalue("table"))


def test_where_another_api_serves_the_renditions_is_kept_with_the_search(results: tuple[Reader, ResultStore]) -> None:
    reader, store = results
    summary = SearchSummary(3, 87, RenditionUrls("https://a.example/l/{image_id}.jpg", "https://a.example/{image_id}"))
    store.save(SEARCH, summary, photos(3))
    assert store.save(SEARCH, SearchSummary(3, 50), photos(3)) is False, "a saved search never changes"
    stored = reader.read(Wanted(search=SEARCH, page=Page(1, 32))).result
    assert stored is not None
    assert stored.summary == summary
    assert stored.expires_at == pytest.approx(time.time() + 31 * 86_400, abs=5)


@pytest.mark.parametrize("faces", [None, 3])
def test_how_many_faces_the_selfie_shows_is_kept(results: tuple[Reader, ResultStore], faces: int | None) -> None:
    reader, store = results
    store.save(SEARCH, SearchSummary(3, 90, selfie_faces=faces), photos(3))
    stored = reader.read(Wanted(search=SEARCH, page=Page(1, 32))).result
    assert stored is not None
    assert stored.summary.selfie_faces == faces


def test_what_the_guest_agreed_to_is_kept_with_the_search_and_goes_with_it(results: tuple[Reader, ResultStore]) -> None:
    _, store = results
    other, before = SearchKey(903, 456, uuid.UUID(int=8)), int(time.time())
    store.enter(SEARCH)
    store.enter(other)
    store.save(SEARCH, SearchSummary(3, 90), photos(3), consent="standard-1")
    store.save(other, SearchSummary(3, 90), photos(3))
    assert store.save(SEARCH, SearchSummary(3, 90), photos(3), consent="another") is False
    kept = {each.search: each.consent for each in store.finished([SEARCH, other])}
    agreed = kept[SEARCH]
    assert agreed is not None
    assert (agreed.version, kept[other]) == ("standard-1", None)
    assert before <= agreed.at <= time.time()
    store.hide(SEARCH)
    store.delete(SEARCH)
    assert [each.search for each in store.finished([SEARCH, other])] == [other]


def test_what_is_not_there_or_not_asked_for_is_none(results: tuple[Reader, ResultStore]) -> None:
    reader, _ = results
    for snapshot in (reader.read(Wanted("00", 1, SEARCH, Page(1, 32), 2, 2)), reader.read(Wanted())):
        assert (snapshot.key, snapshot.event, snapshot.result) == (None, None, None)


def test_a_photo_is_recorded_once_and_read_back_whole(photo_store: PhotoEraser) -> None:
    taken_at = datetime(2026, 5, 1, 9, 30)  # noqa: DTZ001
    photo = Photo(uuid.UUID(int=5), "indexed", "a/b.jpg", 3240, 4860, "m", bytes(132), taken_at, qualities=bytes(3))
    assert photo_store.get(456, 4, photo.image_id) is None
    assert photo_store.add(456, 4, photo) is True
    assert photo_store.add(456, 4, Photo(photo.image_id, "failed", "other", reason="no")) is False
    assert photo_store.get(456, 4, photo.image_id) == photo
    assert photo_store.get(457, 4, photo.image_id) is None


def test_records_are_read_whole_in_the_order_of_their_ids(photo_store: PhotoEraser) -> None:
    kept = [
        Photo(uuid.UUID(int=9 << 64), "indexed", "k", 3, 4, "m", bytes(264), qualities=bytes(6)),
        Photo(uuid.UUID(int=7 << 64), "failed", "k", reason="no readable picture"),
        Photo(uuid.UUID(int=8 << 64), "indexed", "k", 3, 4, "m", bytes(132)),
    ]
    for photo in [*kept, Photo(uuid.UUID(int=4), "indexed", "k"), Photo(uuid.UUID(int=5), "indexed", "k")]:
        photo_store.add(456, 4, photo)
    photo_store.delete(456, 4, uuid.UUID(int=4))
    assert list(photo_store.records(456, 0)) == sorted(kept, key=lambda photo: photo.image_id)
    assert [photo.image_id.int for photo in photo_store.records(456, 1)] == [5]
    assert list(photo_store.records(457, 0)) == []


def test_changes_come_oldest_first_from_a_moment_on(photo_store: PhotoEraser) -> None:
    for number in range(0, 40, 4):
        photo_store.add(456, 4, Photo(uuid.UUID(int=number), "indexed", "k", 1, 2, "m", bytes([number])))
        time.sleep(0.001)
    changes = list(photo_store.changes(456, 0, 0))
    assert [change.image_id.int for change in changes] == list(range(0, 40, 4))
    assert [change.faces for change in changes] == [bytes([number]) for number in range(0, 40, 4)]
    assert list(photo_store.changes(456, 0, changes[6].changed_at)) == changes[6:]
    assert list(photo_store.changes(456, 1, 0)) == []


def test_the_newest_photo_is_one_that_was_indexed_and_is_there(photo_store: PhotoEraser) -> None:
    def newest() -> dt.datetime | None:
        return newest_photo(photo_store, 456, 4, Inline())

    failed, indexed = uuid.UUID(int=4), uuid.UUID(int=9)
    photo_store.add(456, 4, Photo(failed, "failed", "k", 1, 2, "m"))
    assert newest() is None
    photo_store.add(456, 4, Photo(indexed, "indexed", "k", 1, 2, "m"))
    record = photo_store.get(456, 4, indexed)
    assert record is not None
    assert newest() == dt.datetime.fromtimestamp(record.changed_at // 1_000_000, dt.UTC)
    photo_store.delete(456, 4, indexed)
    assert newest() is None


def test_the_newest_come_latest_first_and_so_many_at_the_most(photo_store: PhotoEraser) -> None:
    for number in range(0, 24, 4):
        photo_store.add(456, 4, Photo(uuid.UUID(int=number), "indexed", "k", 1, 2, "m", bytes([number])))
        time.sleep(0.001)
    changes = list(photo_store.changes(456, 0, 0))
    assert list(photo_store.newest(456, 0, None, 9)) == changes[::-1]
    assert list(photo_store.newest(456, 0, changes[4].changed_at, 2)) == [changes[3], changes[2]]
    assert list(photo_store.newest(456, 0, changes[0].changed_at, 2)) == []


def test_searches_are_listed_by_their_beginning_and_told_of_while_they_can_be_read(
    results: tuple[Reader, ResultStore],
) -> None:
    _, store = results
    others = [SearchKey(903, 456, uuid.UUID(int=number << 96)) for number in (1, 2, 3)]
    for total, search in enumerate([*others, SEARCH]):
        store.enter(search)
        store.save(search, SearchSummary(total, 90), photos(total))
    store.hide(others[0])
    assert list(store.searches(456)) == [SEARCH, *others]
    assert list(store.searches(456, most=2)) == [SEARCH, others[0]]
    assert list(store.searches(456, "00000003")) == [others[2]]
    now = time.time()
    told = {each.search: each for each in store.finished([*others, SEARCH])}
    assert told.keys() == {SEARCH, *others[1:]}
    assert told[others[2]].summary == SearchSummary(2, 90)
    assert abs(told[SEARCH].created_at - now) < 60 < told[SEARCH].expires_at - now


def test_an_expired_result_is_gone_before_dynamodb_deletes_it(
    dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, store = (
        DynamoReader(Table(dynamodb, TABLE)),
        DynamoResultStore(Table(dynamodb, TABLE), retention_days=1, pool=LEAVES),
    )
    store.save(SEARCH, SearchSummary(3, 90), photos(3))
    later = time.time() + 2 * 86_400 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert reader.read(Wanted(search=SEARCH, page=Page(1, 32))).result is None
    assert store.save(SEARCH, SearchSummary(1, 90), photos(1)), "the same request_id may be searched again"


def test_what_a_failed_run_left_is_on_no_page_of_the_next_ones_result(table: Table) -> None:
    reader, store = DynamoReader(table), DynamoResultStore(table, 30, pool=LEAVES)
    store.save(SEARCH, SearchSummary(250, 90), photos(250))
    table.write(delete(schema.header_key(SEARCH)))  # as if it had died before
    assert reader.read(Wanted(search=SEARCH, page=Page(1, 32))).result is None
    store.save(SEARCH, SearchSummary(50, 90), photos(50))
    for page in (Page(2, 100), Page(2, 60), Page(3, 100)):
        stored = reader.read(Wanted(search=SEARCH, page=page)).result
        assert stored is not None
        assert stored.photos == []
    assert store.photos(SEARCH, whole=True) == [photo.image_id for photo in photos(50)]


@pytest.mark.parametrize("total", [0, 1, INLINE_PHOTOS, INLINE_PHOTOS + 1, 100, 101])
def test_a_small_result_is_one_item_of_one_write_unit(table: Table, total: int) -> None:
    reader, store = DynamoReader(table), DynamoResultStore(table, 30, pool=LEAVES)
    store.save(SEARCH, SearchSummary(total, 90, selfie_faces=3), photos(total), consent="standard-1")
    items = table.client.scan(TableName=TABLE)["Items"]
    assert len(items) == 1 + (-(-total // 100) if total > INLINE_PHOTOS else 0)
    (header,) = [item for item in items if item["sk"] == {"S": "HEADER"}]
    assert item_bytes(header) <= 1024
    for page in (Page(1, 32), Page(2, 20), Page(2, 100), Page(4, 32)):
        stored = reader.read(Wanted(search=SEARCH, page=page)).result
        assert stored is not None
        assert stored.photos == photos(total)[page.start : page.stop]
    assert store.photos(SEARCH, whole=True) == store.photos(SEARCH) == [photo.image_id for photo in photos(total)]


def test_a_small_result_of_before_lies_in_a_chunk_and_is_read(table: Table) -> None:
    reader, store = DynamoReader(table), DynamoResultStore(table, 30, pool=LEAVES)
    store.save(SEARCH, SearchSummary(3, 90), photos(3))
    table.write(update(schema.header_key(SEARCH), "REMOVE photos"))
    table.write(put(schema.chunk_key(SEARCH, 0) | {"photos": pack_chunk(photos(5))}))
    stored = reader.read(Wanted(search=SEARCH, page=Page(1, 32))).result
    assert stored is not None
    assert stored.photos == photos(3)
    assert store.photos(SEARCH, whole=True) == [photo.image_id for photo in photos(3)]


def test_a_small_result_counts_whatever_a_run_before_it_has_left(table: Table) -> None:
    reader, store = DynamoReader(table), DynamoResultStore(table, 30, pool=LEAVES)
    table.write(put(schema.chunk_key(SEARCH, 0) | {"photos": pack_chunk(photos(100)[50:])}))
    store.save(SEARCH, SearchSummary(3, 90), photos(3))
    stored = reader.read(Wanted(search=SEARCH, page=Page(1, 32))).result
    assert stored is not None
    assert stored.photos == photos(3)
    assert store.photos(SEARCH, whole=True) == [photo.image_id for photo in photos(3)]


def test_a_search_that_is_saved_anew_during_its_deletion_stays_whole(results: tuple[Reader, ResultStore]) -> None:
    reader, store = results
    store.enter(SEARCH)
    store.save(SEARCH, SearchSummary(3, 90), photos(3))
    store.hide(SEARCH)
    store.enter(SEARCH)
    assert store.save(SEARCH, SearchSummary(11, 90), photos(11))
    store.delete(SEARCH)
    stored = reader.read(Wanted(search=SEARCH, page=Page(1, 32))).result
    assert stored is not None
    assert stored.photos == photos(11)
    assert store.holds(SEARCH)
    store.hide(SEARCH)
    store.delete(SEARCH)
    assert not store.holds(SEARCH)
    assert store.photos(SEARCH) == []


def test_who_has_asked_before_a_cancellation_keeps_nothing(results: tuple[Reader, ResultStore]) -> None:
    reader, store = results
    wanted, found = Wanted(search=SEARCH, page=Page(1, 32)), (SEARCH, SearchSummary(3, 90), photos(3))
    store.save(*found, cancelled="")
    store.cancel(SEARCH)
    known = reader.read(wanted)
    assert known.result is None
    assert known.cancelled
    for before in ("", "another"):
        with pytest.raises(OutdatedError):
            store.save(*found, cancelled=before)
    store.hide(SEARCH)
    store.delete(SEARCH)
    assert (store.holds(SEARCH), store.photos(SEARCH)) == (False, [])
    assert reader.read(wanted).cancelled == known.cancelled, "neither forgets it"
    assert store.save(*found, cancelled=known.cancelled)
    assert reader.read(wanted).result is not None
    assert reader.read(wanted).cancelled == ""
    store.cancel(SEARCH)
    assert store.save(*found), "who does not care"


def test_an_api_key_is_stored_nowhere(table: Table) -> None:
    admin = DynamoAdmin(table)
    created = admin.create_key(admin.create_org("Marathon Photos"))
    assert len(created.api_key) >= 43, "256 bits"
    assert created.api_key not in str(table.client.scan(TableName=TABLE)["Items"])


class StubbornDynamoDB:
    """Leaves the last key or item of every batch unprocessed, for the first `rounds` calls."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.written: list[Any] = []

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        keys = RequestItems[TABLE]["Keys"]
        left = self._left(keys)
        unprocessed = {TABLE: {"Keys": left, "ConsistentRead": True}} if left else {}
        return {"Responses": {TABLE: [key for key in keys if key not in left]}, "UnprocessedKeys": unprocessed}

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        puts = RequestItems[TABLE]
        left = self._left(puts)
        self.written += [put for put in puts if put not in left]
        return {"UnprocessedItems": {TABLE: left} if left else {}}

    def _left(self, requests: list[Any]) -> list[Any]:
        self.rounds -= 1
        return requests[-1:] if self.rounds >= 0 else []


def test_what_dynamodb_leaves_unprocessed_is_asked_for_again_within_bounds() -> None:
    keys = [schema.event_key(number) for number in range(130)]
    table = Table(StubbornDynamoDB(rounds=3), TABLE)
    assert sorted(map(str, table.batch_get(keys))) == sorted(map(str, keys))
    table = Table(StubbornDynamoDB(rounds=3), TABLE)
    table.batch_put(keys)
    assert len(table.client.written) == 130
    table = Table(StubbornDynamoDB(rounds=99), TABLE)
    with pytest.raises(Throttled):
        table.batch_get(keys)
    with pytest.raises(Throttled):
        table.batch_put(keys)
