"""What re-indexing asks of the stores: the same of DynamoDB's (on moto) and of those in memory."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.reading import event_from_item
from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.models import DEFAULT_MODEL, FIRST_MODEL, Event
from facesearch.photos.reindexing import EventModels
from facesearch.records import Photo, PhotoChange, PhotoEraser
from tests.support.aws import create_table, moto
from tests.support.fakes import EVENT, EVENT_ID
from tests.unit.photos.reindexing.bench import A, B, MemoryEvents

ID = uuid.UUID(int=5)
LIVE, NEXT = b"\x01" * 132, b"\x02" * 264


@pytest.fixture(params=["dynamodb", "memory"])
def photos(request: pytest.FixtureRequest) -> Iterator[PhotoEraser]:
    if request.param == "memory":
        yield MemoryPhotoStore()
        return
    with moto():
        create_table(boto3.client("dynamodb"), "Table", "table")
        yield DynamoPhotoStore(boto3.client("dynamodb"), "table")


@pytest.fixture(params=["dynamodb", "memory"])
def events(request: pytest.FixtureRequest) -> Iterator[tuple[EventModels, Event]]:
    if request.param == "memory":
        reader = MemoryReader()
        reader.events[EVENT_ID] = EVENT
        yield MemoryEvents(reader), EVENT
        return
    with moto():
        create_table(boto3.client("dynamodb"), "Table", "table")
        admin = DynamoAdmin(boto3.client("dynamodb"), "table")
        event = admin.event(admin.create_event(admin.create_org("Runners"), "Marathon"))
        assert event is not None
        yield admin, event


def added(photos: PhotoEraser) -> Photo:
    assert photos.add(EVENT_ID, 4, Photo(ID, "indexed", "k", 3, 4, A, LIVE))
    return got(photos)


def got(photos: PhotoEraser) -> Photo:
    photo = photos.get(EVENT_ID, 4, ID)
    assert photo is not None
    return photo


def change(photos: PhotoEraser, *, faces: bool = True) -> PhotoChange:
    (row,) = photos.changes(EVENT_ID, ID.int % 4, 0, faces=faces)
    return row


def test_next_faces_lie_beside_the_live_ones_and_readers_see_them(photos: PhotoEraser) -> None:
    before = added(photos)
    assert before.faces_by(B) is None
    assert photos.put_next(EVENT_ID, 4, before, B, NEXT)
    after, row = got(photos), change(photos)
    assert (after.faces_by(A), after.faces_by(B)) == (LIVE, NEXT)
    assert (row.faces_by(A), row.faces_by(B)) == (LIVE, NEXT)
    assert row.changed_at == after.changed_at > before.changed_at
    assert change(photos, faces=False).faces_by(B) == b""


def test_faces_of_a_photo_that_changed_meanwhile_are_not_stored(photos: PhotoEraser) -> None:
    seen = added(photos)
    assert photos.put_next(EVENT_ID, 4, seen, B, NEXT)
    assert not photos.put_next(EVENT_ID, 4, seen, B, LIVE), "a redelivery that began at the same time"
    seen = got(photos)
    photos.bury(EVENT_ID, 4, ID)
    assert not photos.put_next(EVENT_ID, 4, seen, B, NEXT)
    assert not photos.fold(EVENT_ID, 4, ID, B)
    assert photos.get(EVENT_ID, 4, ID) is None
    assert change(photos).faces_by(B) is None


def test_next_faces_become_the_faces_without_a_reader_having_to_look_again(photos: PhotoEraser) -> None:
    photos.put_next(EVENT_ID, 4, added(photos), B, b"", "The original is gone.")
    before = change(photos)
    assert not photos.fold(EVENT_ID, 4, ID, "another")
    assert photos.fold(EVENT_ID, 4, ID, B)
    after = got(photos)
    assert (after.model, after.faces, after.next_model, after.reason) == (B, b"", "", "The original is gone.")
    assert after.changed_at == before.changed_at
    assert not photos.fold(EVENT_ID, 4, ID, B)


def test_a_photo_that_was_recorded_with_both_is_folded_too(photos: PhotoEraser) -> None:
    photos.add(EVENT_ID, 4, Photo(ID, "indexed", "k", 3, 4, A, LIVE, next_model=B, next_faces=NEXT, qualities=b"q"))
    assert change(photos).faces_by(B) == NEXT
    assert got(photos).qualities == b"q"
    assert photos.fold(EVENT_ID, 4, ID, B)
    assert (got(photos).faces, got(photos).reason, got(photos).qualities) == (NEXT, "", b"")


def test_next_faces_are_dropped_for_good(photos: PhotoEraser) -> None:
    photos.put_next(EVENT_ID, 4, added(photos), B, NEXT)
    before = got(photos)
    assert not photos.drop_next(EVENT_ID, 4, ID, "another")
    assert photos.drop_next(EVENT_ID, 4, ID, B)
    assert not photos.drop_next(EVENT_ID, 4, ID, B)
    after = got(photos)
    assert (after.faces, after.faces_by(B)) == (LIVE, None)
    assert after.changed_at > before.changed_at


def test_faces_that_were_taken_out_leave_no_next_ones_and_a_mark(photos: PhotoEraser) -> None:
    photos.put_next(EVENT_ID, 4, added(photos), B, NEXT)
    assert photos.replace_faces(EVENT_ID, 4, change(photos), b"")
    after = got(photos)
    assert (after.faces_by(A), after.faces_by(B), after.stripped) == (b"", None, True)


def test_faces_of_one_model_are_never_written_over_those_of_another(photos: PhotoEraser) -> None:
    """A fold leaves no new time behind; whoever has read the photo before must notice all the same."""
    photos.put_next(EVENT_ID, 4, added(photos), B, NEXT)
    before = change(photos)
    photos.fold(EVENT_ID, 4, ID, B)
    assert not photos.replace_faces(EVENT_ID, 4, before, LIVE)
    assert got(photos).faces == NEXT


def test_models_change_in_one_step_from_what_they_are(events: tuple[EventModels, Event]) -> None:
    admin, event = events
    assert event.models == (DEFAULT_MODEL,)
    begun = replace(event, next_model=B)
    assert admin.change_models(event, begun)
    assert not admin.change_models(event, replace(event, next_model="another")), "somebody else was first"
    now = admin.event(event.event_id)
    assert now is not None
    assert (now.models, now.erasures) == ((A, B), 0)
    switched = replace(now, model=B, next_model="", previous_model=A)
    assert admin.change_models(now, switched)
    now = admin.event(event.event_id)
    assert now is not None
    assert (now.models, now.previous_model, now.erasures) == ((B,), A, 1), "searches under way begin afresh"
    assert not admin.change_models(replace(event, event_id=1), begun)


def test_an_item_without_a_model_has_the_first_one_and_a_change_of_settings_keeps_the_models() -> None:
    with moto():
        dynamodb = boto3.client("dynamodb")
        create_table(dynamodb, "Table", "table")
        admin = DynamoAdmin(dynamodb, "table")
        event_id = admin.create_event(admin.create_org("Runners"), "Marathon")
        key = schema.event_key(event_id)
        dynamodb.update_item(
            TableName="table", Key=key, UpdateExpression="REMOVE #m", ExpressionAttributeNames={"#m": "model"}
        )
        event = event_from_item(dynamodb.get_item(TableName="table", Key=key)["Item"])
        assert event.model == FIRST_MODEL
        assert admin.change_models(event, replace(event, next_model=B))
        assert admin.update_event(event_id, name="Half marathon").models == (FIRST_MODEL, B)
        now = admin.event(event_id)
        assert now is not None
        assert now.models == (FIRST_MODEL, B)
