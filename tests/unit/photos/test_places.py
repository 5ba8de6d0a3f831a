"""Originals that are renamed, moved, lost and restored in S3: the photo leads to its file as long as there is one."""

import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.memory.stores import MemoryObjects, MemoryPhotoStore
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.models import REKOGNITION, FaceSetKind
from facesearch.photos.links import Link, Originals
from facesearch.photos.looking import IndexingOutcome
from facesearch.photos.places import GONE, find_moved, note_place
from facesearch.records import MAX_COPIES, Original, Photo, image_id_of_bytes
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.support.site import Inline
from tests.unit.faces.sets.bench import ANNA, B, RebuildBench, picture
from tests.unit.photos.indexing.fakes import PHOTOS, notification

FOLDER = f"{ORG}/{EVENT_ID}/"
FIRST, MOVED = f"{FOLDER}IMG_1.jpg", f"{FOLDER}day 1/IMG_1.jpg"
DATA = picture(1, ANNA)
ID = image_id_of_bytes(EVENT_ID, DATA)


@pytest.fixture
def site() -> RebuildBench:
    site = RebuildBench()
    put(site, FIRST)
    return site


def put(site: RebuildBench, key: str, data: bytes = DATA, *, told: bool = True) -> None:
    site.s3.objects[PHOTOS, key] = data
    if told:
        site.indexer.index_message(notification(key))


def drop(site: RebuildBench, key: str) -> None:
    del site.s3.objects[PHOTOS, key]


def record_of(photos: MemoryPhotoStore, image_id: uuid.UUID = ID) -> Photo:
    record = photos.get(EVENT_ID, EVENT.shards, image_id)
    assert record is not None
    return record


def linked(site: RebuildBench) -> str | None:
    """Where the photo's link leads to."""
    there = dict(site.s3.etags_under(FOLDER))
    bucket = SimpleNamespace(etag=there.get, link=lambda key, filename: key)
    (found,) = Originals(photos=site.photos, store=cast("Any", bucket), pool=Inline()).links(EVENT, [str(ID)])
    return found.url if isinstance(found, Link) else None


def test_a_file_that_is_copied_and_then_loses_its_first_key_is_linked_and_keeps_its_faces(site: RebuildBench) -> None:
    put(site, MOVED)
    assert linked(site) == FIRST, "the first place that still has it"
    drop(site, FIRST)
    assert linked(site) == MOVED
    assert site.rebuild.run(EVENT_ID, B).faces == 1


def test_a_file_that_comes_back_under_another_key_is_linked_there(site: RebuildBench) -> None:
    drop(site, FIRST)
    assert linked(site) is None
    put(site, MOVED)
    assert linked(site) == MOVED
    assert site.photo(ID).originals == (Original(MOVED, site.s3._etag_of(PHOTOS, MOVED)),)


def test_a_file_that_another_has_overwritten_is_linked_where_it_was_moved_to(site: RebuildBench) -> None:
    put(site, FIRST, picture(2))
    put(site, MOVED)
    assert linked(site) == MOVED


def test_two_keys_indexed_at_the_same_moment_are_both_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one's run finds no record when it begins, and the other's when it ends."""
    site = RebuildBench()
    site.s3.objects[PHOTOS, FIRST] = site.s3.objects[PHOTOS, MOVED] = DATA
    add, overtaking = site.photos.add, iter([MOVED])

    def add_late(*arguments: Any) -> bool:
        for key in overtaking:
            site.indexer.index_message(notification(key))
        return add(*arguments)

    monkeypatch.setattr(site.photos, "add", add_late)
    (report,) = site.indexer.index_message(notification(FIRST))
    assert report.outcome is IndexingOutcome.KNOWN
    assert [place.key for place in site.photo(ID).originals] == [MOVED, FIRST]


def test_a_move_that_nobody_told_of_costs_no_faces_when_they_are_made_again(site: RebuildBench) -> None:
    drop(site, FIRST)
    put(site, MOVED, told=False)
    assert linked(site) is None
    done = site.rebuild.run(EVENT_ID, B)
    assert (done.faces, done.failed) == (1, [])
    assert linked(site) == MOVED


def test_a_look_that_was_killed_before_the_original_went_leaves_no_faces_at_the_service(
    site: RebuildBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.rebuild.run(EVENT_ID, kind=FaceSetKind.REKOGNITION, wait=False)
    with monkeypatch.context() as patch:
        patch.setattr(site.photos, "put_faces", None)  # killed once the faces were indexed
        with pytest.raises(TypeError):
            site.deliver()
    assert site.kept()[REKOGNITION] == {ID: 1}
    drop(site, FIRST)
    done = site.rebuild.run(EVENT_ID)
    assert (done.failed, site.kept()[REKOGNITION]) == ([(ID, GONE)], {})


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=30))
def test_whatever_is_copied_and_deleted_the_photo_is_linked_as_long_as_a_known_place_has_it(
    steps: list[tuple[int, bool]],
) -> None:
    """Up to as many places as are remembered; and a record never leads to more of them."""
    photos, etag = MemoryPhotoStore(), '"e"'
    photos.add(EVENT_ID, EVENT.shards, Photo(ID, "indexed", "0", etag=etag))
    there = {"0": etag}
    for number, is_copied in steps:
        key = str(number)
        if is_copied:
            there[key] = etag
            note_place(photos, there.get, EVENT, record_of(photos), Original(key, etag))
        else:
            there.pop(key, None)
        record = record_of(photos)
        assert len(record.copies) <= MAX_COPIES
        if len(there) <= MAX_COPIES:
            assert any(place.key in there for place in record.originals) or not there or not is_copied


def test_records_that_lead_nowhere_are_led_to_what_has_their_etag_and_the_lost_are_named() -> None:
    photos = MemoryPhotoStore()
    places = [Original("a", '"1"'), Original("b", '"2"'), Original("c", '"3"'), Original("d")]
    for number, place in enumerate(places):
        photos.add(EVENT_ID, EVENT.shards, Photo(uuid.UUID(int=number), "indexed", place.key, etag=place.etag))
    known = [record_of(photos, uuid.UUID(int=number)) for number in range(4)]
    lost = find_moved(photos, EVENT, known, {"a": '"1"', "elsewhere/b": '"2"', "c": '"taken"'})
    assert [photo.key for photo in lost] == ["c", "d"]
    assert record_of(photos, uuid.UUID(int=1)).originals == (Original("elsewhere/b", '"2"'), Original("b", '"2"'))


def test_a_file_that_was_moved_after_the_listing_is_not_lost() -> None:
    photos, etag = MemoryPhotoStore(), '"1"'
    photos.add(EVENT_ID, EVENT.shards, Photo(ID, "indexed", "before", etag=etag))
    listing, there = {"before": etag}, {"after": etag}
    note_place(photos, there.get, EVENT, record_of(photos), Original("after", etag))
    assert find_moved(photos, EVENT, [record_of(photos)], listing) == []
    assert Original("after", etag) in record_of(photos).originals


def test_a_deleted_photos_original_goes_wherever_it_lies(site: RebuildBench) -> None:
    """Moved with a message or without one, copied, in other parts; another file under a key that it had stays."""
    in_parts, silent, taken = f"{FOLDER}parts.jpg", f"{FOLDER}silent/IMG_1.jpg", FIRST
    site.s3.etags[in_parts] = '"abc-2"'
    for key in (MOVED, in_parts):
        put(site, key)
    bucket = MemoryObjects()
    bucket.files = {MOVED: DATA, in_parts: b"as if of other parts", silent: DATA, taken: b"another photo"}
    bucket.files[f"{FOLDER}neighbour.jpg"] = b"neighbour"
    etags = bucket.etags(list(bucket.files))
    record = site.photo(ID)
    named = [replace(place, etag=etags.get(place.key, place.etag)) for place in record.originals if place.key != taken]
    known = [Original(taken, etags[MOVED]), *named]
    assert site.photos.set_originals(EVENT_ID, EVENT.shards, record, known)
    eraser = PhotoDeletion(stores=replace(site.stores, originals=cast("Any", bucket)))
    receipt = eraser.delete_photos(EVENT, [ID], Files(originals=True))
    assert receipt.complete
    assert receipt.deleted.originals == 3
    assert set(bucket.files) == {taken, f"{FOLDER}neighbour.jpg"}
