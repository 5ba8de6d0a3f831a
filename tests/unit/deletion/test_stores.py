"""What deletions need of the stores, by one contract for DynamoDB's (on moto) and those in memory."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.dynamodb import bibs as bib_items
from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.erasure_log import DynamoErasureLog
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore, corrected_clock, microseconds
from facesearch.adapters.dynamodb.reading import CHUNK_SIZE, DynamoReader
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.table import Conflict, Table, Write, put
from facesearch.adapters.memory import stores as memory_stores
from facesearch.adapters.memory.stores import MemoryErasureLog, MemoryPhotoStore, MemoryReader
from facesearch.adapters.s3.objects import S3Objects
from facesearch.deletion.log import Erasing, ErasureLog
from facesearch.models import Page, SearchKey, SearchSummary
from facesearch.photos.objects import StillThereError
from facesearch.reading import Reader, Wanted
from facesearch.records import TOMBSTONE_SECONDS, Bib, Held, Original, Photo, PhotoEraser
from facesearch.search.results import OutdatedError, ResultStore
from tests.support.aws import TABLE
from tests.support.fakes import EVENT, EVENT_ID, photos
from tests.support.pools import LEAVES
from tests.support.site import Inline

ID = uuid.UUID(int=4)
PHOTO = Photo(ID, "indexed", "903/456/a.jpg", 3240, 4860, "m", b"f" * 264, etag='"e"', qualities=b"q" * 6)
SEARCH = SearchKey(903, EVENT_ID, uuid.UUID(int=7))
FIRST = Page(1, 100)


@pytest.fixture(params=["dynamodb", "memory"])
def store(request: pytest.FixtureRequest) -> PhotoEraser:
    if request.param == "memory":
        return MemoryPhotoStore()
    return DynamoPhotoStore(request.getfixturevalue("table"))


@pytest.fixture(params=["dynamodb", "memory"])
def results(request: pytest.FixtureRequest) -> tuple[Reader, ResultStore]:
    if request.param == "memory":
        memory = MemoryReader()
        memory.events[EVENT_ID] = EVENT
        return memory, memory
    table = request.getfixturevalue("table")
    table.write(put(schema.event_key(EVENT_ID)))
    return DynamoReader(table), DynamoResultStore(table, retention_days=30, pool=LEAVES)


def feed(store: PhotoEraser) -> list[Photo]:
    return list(store.changes(EVENT_ID, 0, 0))


def test_a_buried_photo_is_in_the_feed_as_later_than_before_and_nowhere_else(store: PhotoEraser) -> None:
    store.add(EVENT_ID, 4, PHOTO)
    (before,) = feed(store)
    assert store.delete(EVENT_ID, 4, ID) == Held(1, 264)
    (after,) = feed(store)
    assert (after.status, after.faces, after.width) == ("deleted", b"", 0)
    assert after.changed_at > before.changed_at
    assert store.get(EVENT_ID, 4, ID) is None
    assert store.get_many(EVENT_ID, 4, [ID]) == {}
    assert store.delete(EVENT_ID, 4, ID) is None
    assert store.delete(EVENT_ID, 4, uuid.UUID(int=8)) is None


def test_a_tombstone_refuses_what_was_uploaded_before_it_was_finished(store: PhotoEraser) -> None:
    assert store.tombstone(EVENT_ID, 4, ID) is None
    store.add(EVENT_ID, 4, PHOTO)
    assert store.tombstone(EVENT_ID, 4, ID) is None
    store.delete(EVENT_ID, 4, ID)
    unfinished = store.tombstone(EVENT_ID, 4, ID)
    assert unfinished is not None
    assert unfinished.finished is False
    assert unfinished.refuses(2**60)
    assert store.add(EVENT_ID, 4, PHOTO, 2**52) is False
    store.expire(EVENT_ID, 4, ID)
    finished = store.tombstone(EVENT_ID, 4, ID)
    assert finished is not None
    assert finished.deleted_at > unfinished.deleted_at
    for uploaded_at in (0, unfinished.deleted_at, finished.deleted_at):
        assert finished.refuses(uploaded_at)
        assert store.add(EVENT_ID, 4, PHOTO, uploaded_at) is False
    store.expire(EVENT_ID, 4, ID)
    assert store.tombstone(EVENT_ID, 4, ID) == finished, "finished once"
    store.touch(EVENT_ID, 4, ID)
    assert store.tombstone(EVENT_ID, 4, ID) == finished, "a file that came since is still a new one"
    assert store.add(EVENT_ID, 4, PHOTO, finished.deleted_at + 1) is True
    assert store.get(EVENT_ID, 4, ID) == PHOTO
    (change,) = feed(store)
    assert change.changed_at > finished.deleted_at
    store.expire(EVENT_ID, 4, ID)
    assert store.get(EVENT_ID, 4, ID) == PHOTO, "only tombstones are finished"


def test_faces_are_replaced_only_if_nothing_has_changed_since_they_were_read(store: PhotoEraser) -> None:
    store.add(EVENT_ID, 4, PHOTO)
    (before,) = feed(store)
    assert store.replace_faces(EVENT_ID, 4, before, b"g" * 132) is True
    (after,) = feed(store)
    assert (after.status, after.faces, after.width) == ("indexed", b"g" * 132, 3240)
    assert after.changed_at > before.changed_at
    left = store.get(EVENT_ID, 4, ID)
    assert left is not None
    assert left.qualities == b"", "they were of the faces before"
    assert store.replace_faces(EVENT_ID, 4, before, b"") is False
    store.delete(EVENT_ID, 4, ID)
    assert store.replace_faces(EVENT_ID, 4, after, b"") is False
    assert feed(store)[0].status == "deleted"


def test_a_deleted_shard_and_a_removed_photo_leave_no_trace(store: PhotoEraser) -> None:
    for number in range(0, 240, 4):
        store.add(EVENT_ID, 4, Photo(uuid.UUID(int=number), "failed", "k", reason="no"))
    store.add(EVENT_ID, 4, Photo(uuid.UUID(int=1), "failed", "k", reason="no"))
    store.delete(EVENT_ID, 4, ID)
    assert (store.count(EVENT_ID, 0).photos, store.count(EVENT_ID, 1).photos) == (60, 1)
    assert store.delete_all(EVENT_ID, 0).photos == 59, "the tombstone is no photo"
    assert (store.count(EVENT_ID, 0).photos, store.count(EVENT_ID, 1).photos, feed(store)) == (0, 1, [])
    store.remove(EVENT_ID, 4, uuid.UUID(int=1))
    assert store.count(EVENT_ID, 1).photos == 0


def test_a_tombstone_holds_nothing_expires_and_leaves_the_list_also_when_it_is_touched_meanwhile(table: Table) -> None:
    log, other = DynamoErasureLog(table), DynamoPhotoStore(table)
    other.add(EVENT_ID, 4, PHOTO)
    log.begin(EVENT_ID, [Erasing(ID, whole=True)])
    other.delete(EVENT_ID, 4, ID)
    key = schema.photo_key(EVENT_ID, 4, ID)
    assert (table.get(key) or {}).keys() == {"pk", "sk", "status", "changed_at"}
    touches = [True]

    def clock() -> int:
        if touches:
            touches.clear()
            other.touch(EVENT_ID, 4, ID)
        return microseconds()

    DynamoPhotoStore(table, clock).expire(EVENT_ID, 4, ID)
    tombstone = other.tombstone(EVENT_ID, 4, ID)
    assert tombstone is not None
    assert tombstone.finished
    expires_at = (table.get(key) or {})["expires_at"]
    assert expires_at == pytest.approx(time.time() + TOMBSTONE_SECONDS, abs=60)
    assert log.pending(EVENT_ID) == []


def test_where_the_file_lies_is_noted_if_nobody_else_has_and_nothing_else_changes(store: PhotoEraser) -> None:
    here, there = Original(PHOTO.key, '"new"'), Original("another/key ü.jpg", '"parts-2"')
    assert store.set_originals(EVENT_ID, 4, PHOTO, [here]) is False, "there is no such photo"
    store.add(EVENT_ID, 4, PHOTO)
    before = store.get(EVENT_ID, 4, ID)
    assert before == PHOTO
    assert store.set_originals(EVENT_ID, 4, PHOTO, [here, there, Original("k")]) is True
    after = store.get(EVENT_ID, 4, ID)
    assert after == replace(PHOTO, etag='"new"', copies=(there, Original("k")))
    assert after.originals == (here, there, Original("k"))
    assert after.changed_at == before.changed_at
    assert store.set_originals(EVENT_ID, 4, PHOTO, [there]) is False, "it was seen before it was changed"
    assert store.set_originals(EVENT_ID, 4, after, [there]) is True
    moved = store.get(EVENT_ID, 4, ID)
    assert moved == replace(PHOTO, key=there.key, etag=there.etag)
    store.delete(EVENT_ID, 4, ID)
    assert store.set_originals(EVENT_ID, 4, moved, [here]) is False


def test_tombstones_are_found_many_at_a_time(store: PhotoEraser) -> None:
    ids = [uuid.UUID(int=number) for number in range(1, 5)]
    for image_id in ids[:3]:
        store.add(EVENT_ID, 4, replace(PHOTO, image_id=image_id))
    for image_id in ids[:2]:
        store.delete(EVENT_ID, 4, image_id)
    store.expire(EVENT_ID, 4, ids[0])
    found = store.tombstones(EVENT_ID, 4, ids)
    assert found == {image_id: store.tombstone(EVENT_ID, 4, image_id) for image_id in ids[:2]}
    assert [found[image_id].finished for image_id in ids[:2]] == [True, False]


PLACES = (Original("k", '"e"'), Original("further/k"))


@pytest.mark.parametrize("log", [MemoryErasureLog(), None])
def test_what_is_under_way_is_listed_until_it_is_over(log: ErasureLog | None, table: Table) -> None:
    log = log or DynamoErasureLog(table)
    entries = [
        Erasing(uuid.UUID(int=number), whole=number > 1, places=PLACES[:number], originals=True) for number in range(3)
    ]
    log.begin(EVENT_ID, entries)
    assert sorted(log.pending(EVENT_ID), key=lambda entry: entry.image_id) == entries
    assert log.pending(EVENT_ID + 1) == []
    log.end(EVENT_ID, [entry.image_id for entry in entries[1:]])
    assert log.pending(EVENT_ID) == entries[:1]


def test_a_result_is_listed_hidden_and_deleted(results: tuple[Reader, ResultStore]) -> None:
    reader, store = results
    store.enter(SEARCH)
    store.save(SEARCH, SearchSummary(250, 90), photos(250), 0)
    assert list(store.searches(EVENT_ID)) == [SEARCH]
    assert list(store.searches(EVENT_ID + 1)) == []
    named = [photo.image_id for photo in photos(250)]
    assert (store.photos(SEARCH), store.photos(SEARCH, whole=True)) == (named, named)
    store.hide(SEARCH)
    assert reader.read(Wanted(search=SEARCH, page=FIRST)).result is None
    assert (store.photos(SEARCH), store.photos(SEARCH, whole=True)) == (named, [])
    store.delete(SEARCH)
    assert (list(store.searches(EVENT_ID)), store.photos(SEARCH)) == ([], [])
    store.enter(SEARCH)
    assert store.save(SEARCH, SearchSummary(1, 90), photos(1), 0) is True


def test_a_result_of_before_a_deletion_is_not_kept(results: tuple[Reader, ResultStore]) -> None:
    reader, store = results
    for erasures, search in ((1, SEARCH), (0, SearchKey(903, EVENT_ID + 1, uuid.UUID(int=8)))):
        with pytest.raises(OutdatedError):
            store.save(search, SearchSummary(3, 90), photos(3), erasures)
        assert reader.read(Wanted(search=search, page=FIRST)).result is None
        assert (list(store.searches(search.event_id)), store.photos(search)) == ([], [])


def test_a_deletion_that_finds_an_announced_result_takes_it_along(table: Table) -> None:
    """The deletion comes after the search has looked at the count, and before the result is confirmed."""
    table.write(put(schema.event_key(EVENT_ID)))
    deletion = DynamoResultStore(table, 30, pool=LEAVES)

    class Overtaken(DynamoResultStore):
        def _is_current(self, search: SearchKey, erasures: int | None) -> bool:
            current = super()._is_current(search, erasures)
            reader = DynamoReader(table)
            assert reader.read(Wanted(search=SEARCH, page=FIRST)).result is None, "not yet"
            assert [search] == list(deletion.searches(EVENT_ID))
            assert deletion.photos(search)
            assert deletion.photos(search, whole=True) == []
            deletion.hide(search)
            deletion.delete(search)
            return current

    overtaken = Overtaken(table, 30, pool=LEAVES)
    overtaken.enter(SEARCH)
    with pytest.raises(OutdatedError):
        overtaken.save(SEARCH, SearchSummary(3, 90), photos(3), 0)
    assert [item["sk"] for item in table.client.scan(TableName=TABLE)["Items"]] == [{"S": "EVENT"}]


def test_a_search_that_took_over_confirms_its_own_result_only(table: Table) -> None:
    table.write(put(schema.event_key(EVENT_ID)))
    second = DynamoResultStore(table, 30, pool=LEAVES)

    class Killed(DynamoResultStore):
        def _is_current(self, search: SearchKey, erasures: int | None) -> bool:
            assert second.save(SEARCH, SearchSummary(5, 90), photos(5), 0)  # while this one is held up
            return super()._is_current(search, erasures)

    second.enter(SEARCH)
    assert Killed(table, 30, pool=LEAVES).save(SEARCH, SearchSummary(3, 90), photos(3), 0) is False
    stored = DynamoReader(table).read(Wanted(search=SEARCH, page=FIRST)).result
    assert stored is not None
    assert (stored.summary.total, stored.photos) == (5, photos(5)), "and leaves the other's alone"


@pytest.mark.parametrize("count", [3, 250])
@pytest.mark.parametrize("moment", ["before it is announced", "once it is"])
def test_the_end_of_a_deletion_takes_nothing_of_a_later_search(table: Table, moment: str, count: int) -> None:
    """It has found nothing to keep, and deletes the place in the list, while the search begins anew under its id."""
    table.write(put(schema.event_key(EVENT_ID)))
    search, deletion = DynamoResultStore(table, 30, pool=LEAVES), DynamoResultStore(table, 30, pool=LEAVES)
    search.enter(SEARCH)
    search.save(SEARCH, SearchSummary(count, 90), photos(count), 0)
    search.hide(SEARCH)
    saved: list[bool] = []

    def save(*_: Any, **__: Any) -> None:
        if moment == "once it is" and not saved:
            saved.append(search.save(SEARCH, SearchSummary(count, 90), photos(count), 0))

    client: Any = boto3.client("dynamodb")
    client.meta.events.register("before-call.dynamodb.TransactWriteItems", save)
    replace(deletion, table=Table(client, TABLE)).delete(SEARCH)
    if moment == "once it is":
        assert saved == [True]
        assert list(search.searches(EVENT_ID)) == [SEARCH]
        assert search.photos(SEARCH, whole=True) == [photo.image_id for photo in photos(count)]
    else:
        with pytest.raises(OutdatedError):  # and the search is done afresh
            search.save(SEARCH, SearchSummary(count, 90), photos(count), 0)
        assert DynamoReader(table).read(Wanted(search=SEARCH, page=FIRST)).result is None


@pytest.mark.parametrize("killed", [False, True])
def test_of_more_chunks_than_a_transaction_takes_the_place_goes_last(table: Table, killed: bool) -> None:
    results, count = DynamoResultStore(table, 30, pool=LEAVES), 98 * CHUNK_SIZE + 1
    table.write(put(schema.event_key(EVENT_ID)))
    results.enter(SEARCH)
    results.save(SEARCH, SearchSummary(count, 90), photos(count), 0)
    results.hide(SEARCH)
    sizes: list[int] = []

    def look(params: Any, **_: Any) -> None:
        sizes.append(len(json.loads(params["body"])["TransactItems"]))
        if killed and len(sizes) == 2:
            raise KeyboardInterrupt

    client: Any = boto3.client("dynamodb")
    client.meta.events.register("before-call.dynamodb.TransactWriteItems", look)
    deletion = replace(results, table=Table(client, TABLE))
    if killed:
        with pytest.raises(KeyboardInterrupt):
            deletion.delete(SEARCH)
        assert list(results.searches(EVENT_ID)) == [SEARCH], "a list leads to what is left"
    deletion.delete(SEARCH)
    assert (sizes[0], sum(sizes[1:])) == (100, 2 if not killed else 4)
    assert [item["sk"] for item in table.client.scan(TableName=TABLE)["Items"]] == [{"S": "EVENT"}]


class StubbornS3:
    """Refuses the last key of every batch, for the first `rounds` calls."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.batches: list[int] = []

    def delete_objects(self, Bucket: str, Delete: Any) -> Any:  # noqa: N803 - boto3's names
        keys = [each["Key"] for each in Delete["Objects"]]
        self.batches.append(len(keys))
        self.rounds -= 1
        return {"Errors": [{"Key": keys[-1], "Code": "SlowDown"}]} if self.rounds >= 0 else {}


def test_what_s3_refuses_to_delete_is_asked_for_again_and_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    s3: Any = StubbornS3(rounds=1)
    assert S3Objects(s3, "b", Inline()).delete(str(number) for number in range(2_001)) == 2_001
    assert s3.batches == [1_000, 1, 1_000, 1]
    with pytest.raises(StillThereError):
        S3Objects(StubbornS3(rounds=99), "b", Inline()).delete(["k"])  # type: ignore[arg-type]


@given(
    true=st.integers(0, 2_000_000),
    wrong_by=st.sampled_from([-3_600, -2, -1, 0, 1, 90]).flatmap(lambda s: st.integers(s * 10**6, (s + 1) * 10**6)),
    there=st.integers(0, 3_000_000),
    back=st.integers(0, 3_000_000),
)
def test_an_operator_s_clock_is_a_second_slow_at_most(true: int, wrong_by: int, there: int, back: int) -> None:
    """`true`: microseconds since a full second, by DynamoDB's clock; `there` and `back`: how long the call takes."""
    now = 1_700_000_000_000_000 + true

    class DynamoDB:
        def get_item(self, TableName: str, Key: Any) -> Any:  # noqa: N803 - boto3's names
            nonlocal now
            now += there
            date = format_datetime(datetime.fromtimestamp(now // 1_000_000, UTC), usegmt=True)
            now += back
            return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    client: Any = DynamoDB()
    clock = corrected_clock(Table(client, TABLE), lambda: now + wrong_by)
    fast_by = clock() - now
    assert fast_by >= -1_000_000
    assert fast_by <= 1_000_000 + there


BIBS = (Bib("123", 1), Bib("F45"))
READ = replace(PHOTO, bibs=BIBS, bib_model="reader")


def test_a_photo_is_found_by_its_bibs_as_long_as_its_record_has_them(store: PhotoEraser) -> None:
    store.add(EVENT_ID, 4, READ)
    assert store.get(EVENT_ID, 4, ID) == READ
    assert store.get_many(EVENT_ID, 4, [ID]) == {ID: READ}
    assert (store.bib_photos(EVENT_ID, "123"), store.bib_photos(EVENT_ID, "F45")) == ([ID], [ID])
    assert (store.bib_photos(EVENT_ID, "45"), store.bib_photos(EVENT_ID + 1, "123")) == ([], [])
    assert store.add(EVENT_ID, 4, replace(READ, bibs=(Bib("9"),))) is False
    assert store.bib_photos(EVENT_ID, "9") == [], "a photo that is known already is not added"
    seen = store.get(EVENT_ID, 4, ID)
    assert seen is not None
    assert store.set_bibs(EVENT_ID, 4, seen, (Bib("123"), Bib("7", 0)), "reader+2") is True
    assert store.set_bibs(EVENT_ID, 4, seen, (Bib("8"),), "reader+2") is False, "it has changed since"
    assert [store.bib_photos(EVENT_ID, bib) for bib in ("123", "7", "F45", "8")] == [[ID], [ID], [], []]
    assert store.delete(EVENT_ID, 4, ID) == Held(1, 264, 2)
    assert [store.bib_photos(EVENT_ID, bib) for bib in ("123", "7")] == [[], []]
    assert (store.count_bibs(EVENT_ID), store.delete_bibs(EVENT_ID)) == (0, 0), "nothing is left that names them"


def test_bibs_that_go_with_faces_find_the_photo_no_more(store: PhotoEraser) -> None:
    store.add(EVENT_ID, 4, READ)
    (change,) = feed(store)
    assert store.replace_faces(EVENT_ID, 4, change, b"") is False, "the feed does not know what would go"
    seen = store.get(EVENT_ID, 4, ID)
    assert seen is not None
    assert store.replace_faces(EVENT_ID, 4, seen, b"g" * 132, None, (Bib("F45"),)) is True
    after = store.get(EVENT_ID, 4, ID)
    assert after is not None
    assert (after.faces, after.bibs, after.bib_model) == (b"g" * 132, (Bib("F45"),), "reader")
    assert (store.bib_photos(EVENT_ID, "123"), store.bib_photos(EVENT_ID, "F45")) == ([], [ID])


def test_what_finds_photos_by_bibs_is_undone_with_an_added_photo_and_goes_with_an_event(store: PhotoEraser) -> None:
    for number in range(3):
        store.add(EVENT_ID, 4, replace(READ, image_id=uuid.UUID(int=number)))
    store.remove(EVENT_ID, 4, uuid.UUID(int=1))
    assert store.bib_photos(EVENT_ID, "123") == [uuid.UUID(int=0), uuid.UUID(int=2)]
    held = [store.delete_all(EVENT_ID, shard) for shard in range(4)]
    assert [each.bibs for each in held] == [2, 0, 2, 0]
    store.delete_bibs(EVENT_ID)
    assert store.count_bibs(EVENT_ID) == 0
    assert store.bib_photos(EVENT_ID, "123") == []


def test_a_number_that_is_on_very_many_photos_is_no_bib(store: PhotoEraser, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bib_items, memory_stores):
        monkeypatch.setattr(module, "MOST_PHOTOS_OF_A_BIB", 3)
    for number in range(5):
        store.add(EVENT_ID, 4, replace(READ, image_id=uuid.UUID(int=number), bibs=(Bib("10"), Bib(f"{number}"))))
    assert store.bib_photos(EVENT_ID, "10") == [uuid.UUID(int=number) for number in range(3)]
    last = store.get(EVENT_ID, 4, uuid.UUID(int=4))
    assert last is not None
    assert last.bibs == (Bib("4"),)
    assert store.set_bibs(EVENT_ID, 4, last, (Bib("10"), Bib("4"), Bib("44")), "reader") is True
    assert [store.bib_photos(EVENT_ID, bib) for bib in ("4", "44")] == [[last.image_id]] * 2
    first = store.get(EVENT_ID, 4, uuid.UUID(int=0))
    assert first is not None
    assert store.set_bibs(EVENT_ID, 4, first, (Bib("10"), Bib("0")), "reader") is True
    assert len(store.bib_photos(EVENT_ID, "10")) == 3, "who has it keeps it"


def test_a_photo_whose_number_everybody_is_at_is_recorded_without_and_read_later(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact = Table.transact

    def conflict(table: Table, writes: Sequence[Write]) -> None:
        if len(writes) > 1:
            raise Conflict("TransactWriteItems", "TransactionConflict")
        transact(table, writes)

    store = DynamoPhotoStore(table)
    monkeypatch.setattr(Table, "transact", conflict)
    assert store.add(EVENT_ID, 4, READ) is True
    monkeypatch.undo()
    assert store.get(EVENT_ID, 4, ID) == PHOTO
    assert store.bib_photos(EVENT_ID, "123") == []
