"""`facesearch event check`: what it prints of an event, and of what it cannot know."""

import uuid
from dataclasses import replace

import numpy as np
import pytest

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.faces.packing import pack
from facesearch.faces.qualities import pack_qualities
from facesearch.models import DEFAULT_MODEL, REKOGNITION
from facesearch.records import SHARDS, Photo
from tests.support.aws import TABLE
from tests.unit.cli.conftest import Command, Place
from tests.unit.faces.test_cohort import crowd
from tests.unit.faces.test_health import VERY_ALIKE


def fill(place: Place, alike: float, *, qualities: bool = True) -> None:
    """60 photos of two people each, one of nobody, one that could not be read."""
    store, people = DynamoPhotoStore(Table(place.dynamodb, TABLE)), crowd(120, 1, alike).astype(np.float32)
    empty = Photo(uuid.UUID(int=1), "indexed", "k", 4, 3, DEFAULT_MODEL)
    photos = [empty, Photo(uuid.UUID(int=2), "failed", "k", reason="no readable picture")]
    for start in range(0, 120, 2):
        seen = pack_qualities([(100, 0.01), (35, 0.3)]) if qualities or start < 60 else b""
        image_id, faces = uuid.uuid5(uuid.NAMESPACE_OID, str(start)), pack(people[start : start + 2])
        photos.append(replace(empty, image_id=image_id, faces=faces, qualities=seen))
    for photo in photos:
        store.add(place.event_id, SHARDS, photo)


def test_an_event_when_asked_then_all_that_it_tells_and_nothing_unusual(place: Place, facesearch: Command) -> None:
    assert "too few faces" in facesearch("event", "check", place.event_id).out
    fill(place, 0)
    ended = facesearch("event", "check", place.event_id)
    assert (ended.code, ended.err) == (0, "")
    for line in ("62, 1 without a face, 1 failed", "120", "median 68 px, 50% below 40 px, 0% below 32 px"):
        assert f" {line}\n" in ended.out
    assert "Blurred    50%" in ended.out
    assert "Alikeness  of two faces in one photo: -\n" in ended.out, "60 pairs of one photo are too few"
    assert "90 %  below 0.001, this event" in ended.out
    assert "Nothing unusual" in ended.out


def test_faces_that_are_unusually_alike_when_asked_then_it_says_what_to_do(place: Place, facesearch: Command) -> None:
    fill(place, VERY_ALIKE, qualities=False)
    out = facesearch("event", "check", place.event_id).out
    assert "unusually alike" in out
    assert "below about four years of age" in out
    assert "known of 60 of the faces" in out


def test_given_json_then_the_same_as_one_object(place: Place, facesearch: Command) -> None:
    fill(place, VERY_ALIKE)
    found = facesearch("event", "check", place.event_id, "--json").json
    assert (found["event_id"], found["confidence"], found["model"]) == (place.event_id, 90, DEFAULT_MODEL)
    assert (found["photos"], found["without_faces"], found["failed"], found["faces"]) == (62, 1, 1, 120)
    assert found["looks"] == {"faces": 120, "median_pixels": 68, "small": 0.5, "tiny": 0, "blurred": 0.5}
    assert found["together"] is None
    assert found["apart"]["q75"] < found["apart"]["q90"]
    assert list(found["strangers"]) == ["60", "70", "80", "90", "95", "99"]
    assert found["alike"] is True


@pytest.mark.parametrize(("engine", "keeper"), [("embedded", "Amazon Rekognition"), ("upstream", "The upstream API")])
def test_given_faces_that_are_not_here_then_it_says_who_keeps_them(
    place: Place, facesearch: Command, engine: str, keeper: str
) -> None:
    place.describe({"Engine": engine})
    if engine == "embedded":
        event = place.stack.event(place.event_id)
        assert place.stack.container.admin.change_face_sets(event, replace(event, faces=REKOGNITION))
    assert facesearch("event", "check", place.event_id).failed(f"{keeper} keeps the faces")
