"""The command line against a stack whose engine is Rekognition: what reaches an event's collection, what is refused."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.config import Config

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.memory.rekognition import MemoryRekognition, Refusal, SeenFace
from facesearch.adapters.rekognition import COLLECTION_MODEL, Collections
from facesearch.adapters.rekognition.pictures import parts_of
from facesearch.faces.outside import WHOLE, PhotoFile
from facesearch.records import SHARDS, Photo, image_id_of_bytes, original_key
from facesearch_cli.stack import Stack
from tests.support.aws import TABLE, create_table
from tests.unit.cli.conftest import BUCKET, Command, Place, stack_file_of
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
    create_table(place.dynamodb, "IdempotencyTable", "claims")
    outputs = stack_file_of(place)["outputs"]
    for output, name in {"RenditionsBucket": "r-b", "SelfiesBucket": "s-b", "SnapshotsBucket": "n-b"}.items():
        place.s3.create_bucket(Bucket=name)
        outputs[output] = name
    outputs |= {"IdempotencyTableName": "claims", "Engine": "rekognition", "CollectionPrefix": "s."}
    place.stack_file.write_text(json.dumps(stack_file_of(place, outputs=outputs)))
    service = MemoryRekognition(lambda data: [SeenFace(box, each) for box, each in see(data)], likeness)
    client = Stack.client

    def with_stand_in(stack: Stack, name: str, config: Config) -> Any:
        return service.client(ONE_ATTEMPT) if name == "rekognition" else client(stack, name, config)

    monkeypatch.setattr(Stack, "client", with_stand_in)
    looks = [look(ANNA), look(BEN)]
    data: Any = photo_of(*looks)
    image_id = image_id_of_bytes(place.event_id, data)
    Collections(service.client(), "s.").add(
        place.event_id, image_id, PhotoFile(parts_of(picture_of(looks), [WHOLE])[0], lambda _: [])
    )
    key = original_key(place.org_id, place.event_id, image_id, "a.png")
    DynamoPhotoStore(place.dynamodb, TABLE).add(
        place.event_id, SHARDS, Photo(image_id, "indexed", key, 3, 4, COLLECTION_MODEL)
    )
    place.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    (place.folder / "selfie").write_bytes(selfie_of(ANNA))
    return RekognitionBench(place, service)


def test_given_a_new_event_then_its_collection_is_there(site: RekognitionBench, facesearch: Command) -> None:
    event_id = facesearch("event", "create", "Gala", "--org", site.place.org_id, "--json").json["event_id"]
    assert site.service.collections[f"s.{event_id}"] == {}


def test_given_a_service_that_refuses_when_an_event_is_created_then_one_line_and_1(
    site: RekognitionBench, facesearch: Command
) -> None:
    site.service.refusals["CreateCollection"] = [Refusal("AccessDeniedException")]
    ended = facesearch("event", "create", "Gala", "--org", site.place.org_id, "--json")
    assert (ended.code, ended.err.count("\n")) == (1, 1)


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


def test_given_stored_selfies_when_a_person_is_deleted_then_the_service_tells_whose_they_are(
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
    assert receipt["looked_at"] == {"selfies": 3, "unreadable": 1}
    left = [each["Key"] for each in site.place.s3.list_objects_v2(Bucket="s-b")["Contents"]]
    assert left == list(stored)[1:]


def test_given_an_event_when_deleted_then_its_collection_is_gone(site: RekognitionBench, facesearch: Command) -> None:
    receipt = facesearch("event", "delete", site.place.event_id, "--json").json
    assert (receipt["deleted"]["faces"], set(receipt["left"].values())) == (2, {0})
    assert site.service.collections == {}


@pytest.mark.parametrize("words", [("reindex", "EVENT"), ("event", "update", "EVENT", "--index", "vectors")])
def test_given_what_works_on_our_own_faces_then_it_is_refused(
    site: RekognitionBench, facesearch: Command, words: tuple[str, ...]
) -> None:
    ended = facesearch(*(site.place.event_id if word == "EVENT" else word for word in words))
    assert (ended.code, ended.out) == (1, "")
    assert "embedded engine" in ended.err
