"""What a rebuild asks of the stores: the same of DynamoDB's (on moto) and of those in memory."""

import uuid
from dataclasses import replace

import pytest

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.faces.sets import EventFaceSets
from facesearch.models import REKOGNITION, Event
from facesearch.records import Photo, PhotoEraser
from tests.support.fakes import EVENT, EVENT_ID
from tests.unit.faces.sets.bench import EXACT_A, VECTORS_B, A, B, MemoryEvents

ID = uuid.UUID(int=5)
LIVE, NEXT = b"\x01" * 132, b"\x02" * 264


@pytest.fixture(params=["dynamodb", "memory"])
def photos(request: pytest.FixtureRequest) -> PhotoEraser:
    if request.param == "memory":
        return MemoryPhotoStore()
    return DynamoPhotoStore(request.getfixturevalue("table"))


@pytest.fixture(params=["dynamodb", "memory"])
def events(request: pytest.FixtureRequest) -> tuple[EventFaceSets, Event]:
    if request.param == "memory":
        reader = MemoryReader()
        reader.events[EVENT_ID] = EVENT
        return MemoryEvents(reader), EVENT
    admin = DynamoAdmin(request.getfixturevalue("table"))
    event = admin.event(admin.create_event(admin.create_org("Runners"), "Marathon"))
    assert event is not None
    return admin, event


def added(photos: PhotoEraser) -> Photo:
    assert photos.add(EVENT_ID, 4, Photo(ID, "indexed", "k", 3, 4, A, LIVE))
    return got(photos)


def got(photos: PhotoEraser) -> Photo:
    photo = photos.get(EVENT_ID, 4, ID)
    assert photo is not None
    return photo


def change(photos: PhotoEraser, *, faces: bool = True) -> Photo:
    (row,) = photos.changes(EVENT_ID, ID.int % 4, 0, faces=faces)
    return row


def test_built_faces_lie_beside_the_live_ones_and_readers_see_them(photos: PhotoEraser) -> None:
    before = added(photos)
    assert before.faces_by(B) is None
    assert photos.put_faces(EVENT_ID, 4, before, B, NEXT)
    after, row = got(photos), change(photos)
    assert (after.faces_by(A), after.faces_by(B)) == (LIVE, NEXT)
    assert (row.faces_by(A), row.faces_by(B)) == (LIVE, NEXT)
    assert row.changed_at == after.changed_at > before.changed_at
    assert change(photos, faces=False).faces_by(B) == b""


def test_faces_of_a_photo_that_changed_meanwhile_are_not_stored(photos: PhotoEraser) -> None:
    seen = added(photos)
    assert photos.put_faces(EVENT_ID, 4, seen, B, NEXT)
    assert not photos.put_faces(EVENT_ID, 4, seen, B, LIVE), "a redelivery that began at the same time"
    seen = got(photos)
    photos.delete(EVENT_ID, 4, ID)
    assert not photos.put_faces(EVENT_ID, 4, seen, B, NEXT)
    assert not photos.promote(EVENT_ID, 4, ID, B)
    assert photos.get(EVENT_ID, 4, ID) is None
    assert change(photos).faces_by(B) is None


def test_built_faces_become_the_faces_without_a_reader_having_to_look_again(photos: PhotoEraser) -> None:
    photos.put_faces(EVENT_ID, 4, added(photos), B, b"", "The original is gone.")
    before = change(photos)
    assert not photos.promote(EVENT_ID, 4, ID, "another")
    assert photos.promote(EVENT_ID, 4, ID, B)
    after = got(photos)
    assert (after.model, after.faces, after.built_model, after.reason) == (B, b"", "", "The original is gone.")
    assert after.changed_at == before.changed_at
    assert not photos.promote(EVENT_ID, 4, ID, B)


def test_a_photo_that_was_recorded_with_both_is_promoted_too(photos: PhotoEraser) -> None:
    photos.add(EVENT_ID, 4, Photo(ID, "indexed", "k", 3, 4, A, LIVE, built_model=B, built_faces=NEXT, qualities=b"q"))
    assert (change(photos).faces_by(B), got(photos).qualities) == (NEXT, b"q")
    assert photos.promote(EVENT_ID, 4, ID, B)
    assert (got(photos).faces, got(photos).reason, got(photos).qualities) == (NEXT, "", b"")


def test_built_faces_are_dropped_for_good(photos: PhotoEraser) -> None:
    photos.put_faces(EVENT_ID, 4, added(photos), B, NEXT)
    before = got(photos)
    assert not photos.delete_faces(EVENT_ID, 4, ID, "another")
    assert photos.delete_faces(EVENT_ID, 4, ID, B)
    assert not photos.delete_faces(EVENT_ID, 4, ID, B)
    after = got(photos)
    assert (after.faces, after.faces_by(B)) == (LIVE, None)
    assert after.changed_at > before.changed_at


def test_faces_that_were_taken_out_leave_no_next_ones_and_a_mark(photos: PhotoEraser) -> None:
    photos.put_faces(EVENT_ID, 4, added(photos), B, NEXT)
    assert photos.replace_faces(EVENT_ID, 4, change(photos), b"")
    after = got(photos)
    assert (after.faces_by(A), after.faces_by(B), after.stripped) == (b"", None, True)


def test_faces_of_one_model_are_never_written_over_those_of_another(photos: PhotoEraser) -> None:
    """A promotion leaves no new time behind; whoever has read the photo before must notice all the same."""
    photos.put_faces(EVENT_ID, 4, added(photos), B, NEXT)
    before = change(photos)
    photos.promote(EVENT_ID, 4, ID, B)
    assert not photos.replace_faces(EVENT_ID, 4, before, LIVE)
    assert got(photos).faces == NEXT


def test_face_sets_change_in_one_step_from_what_they_are(events: tuple[EventFaceSets, Event]) -> None:
    admin, event = events
    assert event.face_sets == (EXACT_A,)
    begun = replace(event, building=VECTORS_B, vector_table="faces", vector_models=frozenset({A, B}))
    assert admin.change_face_sets(event, begun)
    assert not admin.change_face_sets(event, replace(event, building=EXACT_A)), "somebody else was first"
    now = admin.event(event.event_id)
    assert now == begun
    assert (now.face_sets, now.erasures) == ((EXACT_A, VECTORS_B), 0)
    switched = replace(now, faces=VECTORS_B, building=None, leaving=EXACT_A)
    assert admin.change_face_sets(now, switched)
    now = admin.event(event.event_id)
    assert now == replace(switched, erasures=1), "searches under way begin afresh"
    assert now.face_sets == (VECTORS_B,)
    cancelled = replace(now, building=EXACT_A, leaving=EXACT_A)
    assert admin.change_face_sets(now, cancelled)
    assert cancelled.face_sets == (VECTORS_B,), "what is cancelled gets no photo any more"
    assert not admin.change_face_sets(replace(event, event_id=1), begun)


def test_a_change_of_settings_keeps_the_face_sets(table: Table) -> None:
    admin = DynamoAdmin(table)
    event_id = admin.create_event(admin.create_org("Runners"), "Marathon", faces=VECTORS_B, vector_table="faces")
    event = admin.event(event_id)
    assert event is not None
    assert (event.faces, event.vector_table) == (VECTORS_B, "faces")
    assert admin.change_face_sets(event, replace(event, building=REKOGNITION))
    assert admin.update_event(event_id, name="Half marathon").face_sets == (VECTORS_B, REKOGNITION)
    admin.close_event(event_id)
    assert not admin.change_face_sets(replace(event, building=REKOGNITION), event)
