"""The command line about an event whose faces Rekognition keeps: what reaches its collection, what is refused."""

import uuid
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.config import Config

from facesearch.adapters.memory.rekognition import MemoryRekognition, Refusal, SeenFace
from facesearch.adapters.rekognition.collections import RekognitionFaces
from facesearch.adapters.rekognition.pictures import parts_of
from facesearch.faces.sets import WHOLE, PhotoFaces, PhotoFile
from facesearch.models import REKOGNITION
from facesearch.records import SHARDS, Photo, image_id_of_bytes, original_key
from facesearch_cli.stack import Stack
from tests.unit.cli.conftest import BUCKET, Command, Place
from tests.unit.faces.matchers.bench import ONE_ATTEMPT
from tests.unit.faces.matchers.people import likeness, look, photo_of, picture_of, see, selfie_of

ANNA, BEN = 1, 2


@dataclass
class RekognitionBench:
    """The stack, and the service behind it."""

    place: Place
    service: MemoryRekognition
    image_id: uuid.UUID

    @property
    def kept(self) -> list[object]:
        """Who is in the event's collection."""
        return [kept.face.look for kept in self.service.collections.get(f"s.{self.place.event_id}", {}).values()]


@pytest.fixture
def site(place: Place, monkeypatch: pytest.MonkeyPatch) -> RekognitionBench:
    """The event with one photo of Anna and Ben, as the indexing function leaves it; no model is here."""
    place.have_all_stores()
    place.describe({"CollectionPrefix": "s."})
    service = MemoryRekognition(lambda data: [SeenFace(box, each) for box, each in see(data)], likeness)
    client = Stack.client

    def with_stand_in(stack: Stack, name: str, config: Config) -> Any:
        return service.client(ONE_ATTEMPT) if name == "rekognition" else client(stack, name, config)

    monkeypatch.setattr(Stack, "client", with_stand_in)
    monkeypatch.setenv("MODELS_DIR", str(place.folder / "nothing"))
    looks = [look(ANNA), look(BEN)]
    data: Any = photo_of(*looks)
    image_id = image_id_of_bytes(place.event_id, data)
    file = PhotoFile(parts_of(picture_of(looks), [WHOLE])[0], lambda _: [])
    RekognitionFaces(service.client(), "s.", place.event_id).add([PhotoFaces(image_id, b"", 3, 4, file)])
    event, container = place.stack.event(place.event_id), place.stack.container
    assert container.admin.change_face_sets(event, replace(event, faces=REKOGNITION))
    key = original_key(place.org_id, place.event_id, image_id, "a.png")
    container.photos.add(place.event_id, SHARDS, Photo(image_id, "indexed", key, 3, 4, REKOGNITION.model))
    place.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    (place.folder / "selfie").write_bytes(selfie_of(ANNA))
    return RekognitionBench(place, service, image_id)


def test_given_a_new_event_then_its_collection_is_there(site: RekognitionBench, facesearch: Command) -> None:
    create = ("event", "create", "Gala", "--org", site.place.org_id, "--faces", "rekognition", "--json")
    event_id = facesearch(*create).json["event_id"]
    assert site.service.collections[f"s.{event_id}"] == {}
    site.service.refusals["CreateCollection"] = [Refusal("AccessDeniedException")]
    assert facesearch(*create).failed("AWS refused")


def test_given_a_person_when_deleted_then_the_service_tells_whose_faces_and_selfies_go(
    site: RekognitionBench, facesearch: Command
) -> None:
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
    assert set(receipt["left"].values()) == {0}
    assert site.kept == [look(BEN)]
    assert receipt["looked_at"] == {"selfies": 3, "unreadable": 1}
    assert site.place.object_keys("s-b") == list(stored)[1:]


def test_given_a_photo_or_an_event_when_deleted_then_its_faces_are_gone(
    site: RekognitionBench, facesearch: Command
) -> None:
    receipt = facesearch("photos", "delete", site.image_id, "--event", site.place.event_id, "--json").json
    assert (receipt["deleted"]["photos"], receipt["deleted"]["faces"]) == (1, 2)
    assert (set(receipt["left"].values()), site.kept) == ({0}, [])
    assert facesearch("event", "delete", site.place.event_id).code == 0
    assert site.service.collections == {}


def test_given_neither_model_nor_place_when_rebuilt_then_it_says_what_is_missing(
    site: RekognitionBench, facesearch: Command
) -> None:
    assert facesearch("reindex", site.place.event_id).failed("--faces")


@pytest.mark.parametrize("kind", ["vectors", "rekognition"])
def test_a_stack_without_such_faces_says_so(place: Place, facesearch: Command, kind: str) -> None:
    place.describe({"SnapshotsBucket": "s"})
    ended = facesearch("event", "create", "Gala", "--org", place.org_id, "--faces", kind)
    assert ended.failed(f"with {kind} added to the parameter FaceSets")
