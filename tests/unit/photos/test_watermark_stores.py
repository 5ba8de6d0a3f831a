"""Claims of renditions and files of watermarks, by DynamoDB and by its twins in memory."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.watermarks import DynamoWatermarkFiles
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import Watermark, WatermarkPlace
from facesearch.records import Photo
from tests.support.aws import moto
from tests.support.site import Parts

IMAGE, OTHER = UUID(int=1), UUID(int=2)
HOUR = 3_600


@pytest.fixture(params=["memory", "aws"])
def parts(request: pytest.FixtureRequest) -> Iterator[Parts]:
    if request.param == "memory":
        yield Parts.memory()
    else:
        with moto():
            yield Parts.aws()


class Photos:
    """The store of one event's photos."""

    def __init__(self, parts: Parts) -> None:
        self.store, self.where = parts.stores.photos, (parts.event.event_id, parts.event.shards)
        self.store.add(*self.where, Photo(IMAGE, "indexed", "1/2/a", rendered="first"))

    @property
    def photo(self) -> Photo:
        photo = self.store.get(*self.where, IMAGE)
        assert photo is not None
        (listed,) = self.store.records(self.where[0], IMAGE.int % self.where[1])
        assert listed == photo
        return photo

    def claim(self, seconds: int = HOUR, image_id: UUID = IMAGE, **options: Any) -> int | None:
        return self.store.claim_renditions(*self.where, image_id, seconds, **options)

    def end(self, claim: int | None, rendering: str, **options: Any) -> bool:
        assert claim is not None
        return self.store.end_claim(*self.where, IMAGE, claim, rendering, **options)


@pytest.fixture
def photos(parts: Parts) -> Photos:
    return Photos(parts)


def test_a_record_says_how_its_renditions_look(photos: Photos) -> None:
    assert photos.photo.looks("first")
    stamp = photos.photo.changed_at
    claim = photos.claim()
    assert not photos.photo.looks("first"), "somebody may be overwriting them"
    assert photos.end(claim, "second")
    assert photos.photo.looks("second")
    assert photos.end(photos.claim(), "")
    assert photos.photo.looks("")
    assert photos.photo.changed_at == stamp, "neither index nor gallery need look again"


def test_one_at_a_time_has_a_claim_and_who_takes_it_away_ends_it(photos: Photos) -> None:
    first = photos.claim()
    assert photos.claim() is None
    second = photos.claim(even_so=True)
    assert second not in (None, first)
    assert not photos.end(first, "first's")
    assert photos.end(second, "second's")
    assert not photos.end(second, "again")
    assert photos.photo.rendered == "second's"


def test_a_claim_runs_out(photos: Photos) -> None:
    first = photos.claim(-1)
    assert not photos.photo.looks("first"), "what it has done is not known"
    second = photos.claim()
    assert second is not None
    assert not photos.end(first, "late")
    assert photos.end(second, "first")


def test_what_was_in_vain_is_told_apart_from_what_is_tried_again(photos: Photos) -> None:
    assert not photos.photo.cannot_look("")
    assert photos.end(photos.claim(), "", failed=True)
    once = photos.photo
    assert (once.cannot_look(""), once.cannot_look("second"), once.looks("first")) == (True, False, True)
    assert photos.end(photos.claim(), "", failed=True)
    assert photos.photo.cannot_look("")
    assert photos.photo.unrendered != once.unrendered
    assert photos.end(photos.claim(), "second")
    assert not photos.photo.unrendered


def test_a_photo_that_is_not_there_is_not_claimed(photos: Photos) -> None:
    claim = photos.claim()
    photos.store.delete(*photos.where, IMAGE)
    assert not photos.end(claim, "second")
    assert photos.claim(even_so=True) is None
    assert photos.claim(image_id=OTHER) is None
    photos.store.add(*photos.where, Photo(OTHER, "failed", "1/2/b"))
    assert photos.claim(image_id=OTHER) is None
    assert photos.store.get(*photos.where, IMAGE) is None


def test_a_tombstone_says_nothing_of_renditions(dynamodb: Any) -> None:
    table = Table(dynamodb, "facesearch")
    store = DynamoPhotoStore(table)
    store.add(7, 1, Photo(IMAGE, "indexed", "1/7/a", rendered="first"))
    claim = store.claim_renditions(7, 1, IMAGE, HOUR)
    assert claim is not None
    store.end_claim(7, 1, IMAGE, claim, "second", failed=True)
    store.claim_renditions(7, 1, IMAGE, HOUR)
    store.delete(7, 1, IMAGE)
    (item,) = dynamodb.scan(TableName="facesearch")["Items"]
    assert set(item) == {"pk", "sk", "status", "changed_at"}


def test_files_are_kept_by_their_content(parts: Parts) -> None:
    files, event_id = parts.stores.watermarks, parts.event.event_id
    one, other = files.put(event_id, b"one"), files.put(event_id, b"other")
    assert files.put(event_id, b"one") == one
    assert (files.get(event_id, one), files.get(event_id, other)) == (b"one", b"other")
    assert files.get(event_id + 1, one) is None
    assert files.count(event_id) == 2
    files.keep(event_id, one)
    assert (files.count(event_id), files.get(event_id, one)) == (1, b"one")
    assert (files.delete(event_id), files.count(event_id)) == (1, 0)


def test_a_file_that_an_event_names_stays_whoever_tidies_up(parts: Parts) -> None:
    """Two commands at once: the one that is done first does not delete what the other has just named."""
    files, events, event_id = parts.stores.watermarks, parts.stores.events, parts.event.event_id
    one, other = files.put(event_id, b"one"), files.put(event_id, b"other")
    events.update_event(event_id, watermark=Watermark(picture=other))
    files.keep(event_id, one)
    assert files.count(event_id) == 2
    files.keep(event_id, "")
    assert (files.get(event_id, one), files.get(event_id, other)) == (None, b"other")
    events.update_event(event_id, watermark=Watermark("a text"))
    files.keep(event_id, "")
    assert files.count(event_id) == 0


def test_no_file_comes_to_an_event_that_is_being_deleted(parts: Parts) -> None:
    files, event_id = parts.stores.watermarks, parts.event.event_id
    parts.stores.events.close_event(event_id)
    for gone in (event_id, event_id + 1):
        with pytest.raises(NotFound):
            files.put(gone, b"late")
    assert files.count(event_id) == 0


def test_an_event_keeps_its_watermark_and_names_no_file_that_is_gone(dynamodb: Any) -> None:
    table = Table(dynamodb, "facesearch")
    admin, files = DynamoAdmin(table), DynamoWatermarkFiles(table)
    event_id = admin.create_event(admin.create_org("Runners"), "10 km")
    text = Watermark("© Runners", place=WatermarkPlace.TILED, size=30, opacity=50)
    for watermark in (text, Watermark(picture=files.put(event_id, b"png")), replace(text, size=31), None):
        assert admin.update_event(event_id, watermark=watermark).watermark == watermark
        stored = admin.event(event_id)
        assert stored is not None
        assert stored.watermark == watermark
    with pytest.raises(InvalidRequest, match="file is gone"):
        admin.update_event(event_id, watermark=Watermark(picture="0" * 64))
    with pytest.raises(InvalidRequest, match="opacity"):
        admin.update_event(event_id, watermark=replace(text, opacity=0))
    assert admin.update_event(event_id, name="5 km").watermark is None
