"""The command line about an event whose faces Rekognition keeps: what reaches its collection, what is refused."""

import uuid
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.config import Config

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.memory.rekognition import MemoryRekognition, Refusal, SeenFace
from facesearch.adapters.rekognition import RekognitionFaces
from facesearch.adapters.rekognition.pictures import parts_of
from facesearch.faces.sets import WHOLE, PhotoFaces, PhotoFile
from facesearch.models import REKOGNITION
from facesearch.records import SHARDS, Photo, image_id_of_bytes, original_key
from facesearch_cli.stack import Stack
from tests.support.aws import TABLE
from tests.unit.cli.conftest import BUCKET, Command, Place
from tests.unit.faces.matchers.bench import ONE_ATTEMPT
from tests.unit.faces.matchers.people import likeness, look, photo_of, picture_of, see, selfie_of

ANNA, BEN = 1, 2


@dataclass
class RekognitionBench:
    """The stack, and the service behind it."""

    place: Place
    service: MemoryRekognition

    @property
    def kept(self) -> list[object]:
        """Who is in the event's collection."""
        return [kept.face.look for kept in self.service.collections.get(f"s.{self.place.event_id}", {}).values()]


@pytest.fixture
def site(place: Place, monkeypatch: pytest.MonkeyPatch) -> RekognitionBench:
    """The event with one photo of Anna and Ben, as the indexing function leaves it."""
    place.have_all_stores()
    place.describe({"CollectionPrefix": "s."})
    service = MemoryRekognition(lambda data: [SeenFace(box, each) for box, each in see(data)], likeness)
    client = Stack.client

    def with_stand_in(stack: Stack, name: str, config: Config) -> Any:
        return service.client(ONE_ATTEMPT) if name == "rekognition" else client(stack, name, config)

    monkeypatch.setattr(Stack, "client", with_stand_in)
    looks = [look(ANNA), look(BEN)]
    data: Any = photo_of(*looks)
    image_id = image_id_of_bytes(place.event_id, data)
    file = PhotoFile(parts_of(picture_of(looks), [WHOLE])[0], lambda _: [])
    RekognitionFaces(service.client(), "s.", place.event_id).add([PhotoFaces(image_id, b"", 3, 4, file)])
    event = place.stack.event(place.event_id)
    assert DynamoAdmin(place.dynamodb, TABLE).change_face_sets(event, replace(event, faces=REKOGNITION))
    key = original_key(place.org_id, place.event_id, image_id, "a.png")
    DynamoPhotoStore(place.dynamodb, TABLE).add(
        place.event_id, SHARDS, Photo(image_id, "indexed", key, 3, 4, REKOGNITION.model)
    )
    place.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    (place.folder / "selfie").write_bytes(selfie_of(ANNA))
    return RekognitionBench(place, service)


def test_given_a_new_event_then_its_collection_is_there(site: RekognitionBench, facesearch: Command) -> None:
    create = ("event", "create", "Gala", "--org", site.place.org_id, "--faces", "rekognition", "--json")
    event_id = facesearch(*create).json["event_id"]
    assert site.service.collections[f"s.{event_id}"] == {}
    site.service.refusals["CreateCollection"] = [Refusal("AccessDeniedException")]
    assert facesearch(*create).failed("AWS refused")


def test_given_a_photo_when_deleted_then_its_faces_are_gone(site: RekognitionBench, facesearch: Command) -> None:
    (image_id,) = [name.split("/")[2] for name in site.place.object_keys()]
    receipt = facesearch("photos", "delete", image_id, "--event", site.place.event_id, "--json").json
    assert (receipt["deleted"]["photos"], receipt["deleted"]["faces"]) == (1, 2)
    assert receipt["left"] == dict.fromkeys(receipt["deleted"], 0)
    assert site.kept == []


def test_given_a_selfie_when_deleted_then_that_person_alone_is_gone_without_any_model_here(
    site: RekognitionBench, facesearch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS_DIR", str(site.place.folder / "nothing"))
    receipt = facesearch("person", "delete", "--selfie", "selfie", "--event", site.place.event_id, "--json").json
    assert (receipt["deleted"]["faces"], set(receipt["left"].values())) == (1, {0})
    assert site.kept == [look(BEN)]


def test_stored_selfies_then_the_service_tells_whose_they_are(site: RekognitionBench, facesearch: Command) -> None:
    below = f"{site.place.org_id}/{site.place.event_id}"
    stored = {
        f"{below}/{uuid.UUID(int=1)}": selfie_of(ANNA),
        f"uploads/{below}/{uuid.UUID(int=2)}": selfie_of(BEN),
        f"uploads/{below}/{uuid.UUID(int=3)}": b"no picture",
    }
    for key, content in stored.items():
        site.place.s3.put_object(Bucket="s-b", Key=key, Body=content)
    receipt = facesearch("person", "delete", "--selfie", "selfie", "--event", site.place.event_id, "--json").json
    assert (receipt["deleted"]["faces"], receipt["deleted"]["selfies"]) == (1, 1)
    assert receipt["looked_at"] == {"selfies": 3, "unreadable": 1}
    assert site.place.object_keys("s-b") == list(stored)[1:]


def test_given_an_event_when_deleted_then_its_collection_is_gone(site: RekognitionBench, facesearch: Command) -> None:
    receipt = facesearch("event", "delete", site.place.event_id, "--json").json
    assert (receipt["deleted"]["faces"], set(receipt["left"].values())) == (2, {0})
    assert site.service.collections == {}


def test_neither_model_nor_place_then_it_says_what_is_missing(site: RekognitionBench, facesearch: Command) -> None:
    assert facesearch("reindex", site.place.event_id).failed("--faces")


def test_a_stack_without_a_kind_when_an_event_is_created_then_it_says_so(place: Place, facesearch: Command) -> None:
    place.describe({"SnapshotsBucket": "s"})
    for kind in ("vectors", "rekognition"):
        ended = facesearch("event", "create", "Gala", "--org", place.org_id, "--faces", kind)
        assert ended.failed(f"with {kind} added to the parameter FaceSets")
