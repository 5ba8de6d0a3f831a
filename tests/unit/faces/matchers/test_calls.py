"""Exactly what Rekognition is asked and answers, checked by botocore against the service's own model."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.adapters.rekognition.collections import RekognitionFaces
from facesearch.adapters.rekognition.matcher import MAX_MATCHES, RekognitionMatcher
from facesearch.errors import EngineBusy, OtherPerson
from facesearch.faces.sets import PhotoFaces, PhotoFile
from facesearch.records import Photo
from tests.support.fakes import EVENT, EVENT_ID
from tests.support.site import Inline
from tests.unit.faces.matchers.people import selfie_of

COLLECTION = {"CollectionId": f"stack.{EVENT_ID}"}
PHOTO = uuid.UUID(int=7)
BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}


def face(external_id: object = PHOTO, face_id: uuid.UUID = PHOTO) -> dict[str, Any]:
    return {"FaceId": str(face_id), "ExternalImageId": str(external_id), "BoundingBox": BOX, "Confidence": 99.0}


def face_ids(count: int) -> list[str]:
    return [str(uuid.UUID(int=number)) for number in range(count)]


@pytest.fixture
def client() -> Any:
    return boto3.client("rekognition")


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def collection(client: Any) -> RekognitionFaces:
    return RekognitionFaces(client, "stack.", EVENT_ID)


@pytest.fixture
def matcher(client: Any) -> RekognitionMatcher:
    photos = MemoryPhotoStore()
    photos.add(EVENT_ID, EVENT.shards, Photo(PHOTO, "indexed", "k", 30, 40, "rekognition"))
    return RekognitionMatcher(client, "stack.", photos, Inline())


def test_a_search_asks_for_everything_above_the_event_s_confidence(stub: Stubber, matcher: RekognitionMatcher) -> None:
    asked = {"Image": {"Bytes": ANY}, "MaxFaces": 4096, "FaceMatchThreshold": 90.0, "QualityFilter": "NONE"}
    matches = [{"Similarity": 99.5, "Face": face()}, {"Similarity": 89.9, "Face": face(uuid.UUID(int=8))}]
    stub.add_response("search_faces_by_image", {"FaceMatches": matches}, COLLECTION | asked)
    probe = matcher.probe(EVENT, [selfie_of(1)])
    assert [hit.similarity for hit in probe.hits] == [99.5]
    assert [match.image_id for match in matcher.match(EVENT, probe)] == [PHOTO]


def test_a_first_photo_makes_the_collection(stub: Stubber, collection: RekognitionFaces) -> None:
    asked = {"Image": {"Bytes": b"whole"}, "ExternalImageId": str(PHOTO), "MaxFaces": 100, "QualityFilter": "AUTO"}
    stub.add_client_error("index_faces", "ResourceNotFoundException")
    stub.add_response("create_collection", {"StatusCode": 200}, COLLECTION)
    asked |= COLLECTION | {"DetectionAttributes": ["DEFAULT"]}
    stub.add_response("index_faces", {"FaceRecords": [{"Face": face()}]}, asked)
    whole = PhotoFile(b"whole", lambda regions: [])
    assert collection.add([PhotoFaces(PHOTO, b"", 30, 40, whole)]) == 1


def test_deletion_reads_the_collection_page_by_page_and_deletes_in_bulk(
    stub: Stubber, collection: RekognitionFaces
) -> None:
    wanted = [face(PHOTO, uuid.UUID(int=number)) for number in range(5000)]
    pages = [[*wanted[:3000], face("x")], wanted[3000:]]
    stub.add_response("list_faces", {"Faces": pages[0], "NextToken": "t"}, COLLECTION | {"MaxResults": 4096})
    stub.add_response("list_faces", {"Faces": pages[1]}, COLLECTION | {"MaxResults": 4096, "NextToken": "t"})
    for some in (face_ids(5000)[:4096], face_ids(5000)[4096:]):
        stub.add_response("delete_faces", {"DeletedFaces": some}, COLLECTION | {"FaceIds": some})
    assert collection.delete_photos([PHOTO]) == 5000


def test_what_was_gone_already_is_not_counted(stub: Stubber, collection: RekognitionFaces) -> None:
    missing = [{"FaceId": face_ids(2)[1], "Reasons": ["FACE_NOT_FOUND"]}]
    answer = {"DeletedFaces": face_ids(1), "UnsuccessfulFaceDeletions": missing}
    stub.add_response("delete_faces", answer, COLLECTION | {"FaceIds": face_ids(2)})
    assert collection.delete_faces(face_ids(2)) == 1


def test_an_event_s_collection_is_counted_and_deleted(stub: Stubber, collection: RekognitionFaces) -> None:
    stub.add_response("describe_collection", {"FaceCount": 12}, COLLECTION)
    stub.add_response("delete_collection", {"StatusCode": 200}, COLLECTION)
    assert collection.delete() == 12
    stub.add_response("describe_collection", {"FaceCount": 0}, COLLECTION)
    assert collection.count() == 1, "an empty one is something left, too"


@pytest.mark.parametrize(
    ("operation", "act"),
    [
        ("list_faces", lambda it: it.delete_photos([PHOTO])),
        ("list_faces", lambda it: it.count([PHOTO])),
        ("delete_faces", lambda it: it.delete_faces(face_ids(1))),
        ("describe_collection", lambda it: it.delete()),
        ("describe_collection", lambda it: it.count()),
    ],
)
def test_an_event_without_a_collection_has_no_faces(
    stub: Stubber, collection: RekognitionFaces, operation: str, act: Callable[[RekognitionFaces], int]
) -> None:
    stub.add_client_error(operation, "ResourceNotFoundException")
    assert act(collection) == 0


def test_every_name_and_number_fits_the_service_s_own_limits(client: Any) -> None:
    model = client.meta.service_model.operation_model("SearchFacesByImage").input_shape.members
    longest = f"{'a' * 128}.{10**15 - 1}"  # a stack's name has at most 128 characters
    assert len(longest) <= model["CollectionId"].metadata["max"]
    assert model["MaxFaces"].metadata["max"] == MAX_MATCHES


def test_several_selfies_are_compared_first_and_a_face_counts_once_by_its_best(
    stub: Stubber, matcher: RekognitionMatcher
) -> None:
    compared = {"FaceMatches": [{"Face": {"BoundingBox": BOX}, "Similarity": 95.0}], "UnmatchedFaces": []}
    asked = {"SourceImage": {"Bytes": ANY}, "TargetImage": {"Bytes": ANY}, "SimilarityThreshold": 90.0}
    for _ in range(2):
        stub.add_response("compare_faces", compared, asked | {"QualityFilter": "NONE"})
    for similarity, photo in [(93.0, PHOTO), (99.5, PHOTO), (91.0, uuid.UUID(int=8))]:
        matches = [{"Similarity": similarity, "Face": face(photo, photo)}]
        stub.add_response("search_faces_by_image", {"FaceMatches": matches})
    probe = matcher.probe(EVENT, [selfie_of(1)] * 3)
    assert [hit.similarity for hit in probe.hits] == [99.5, 91.0]
    assert [match.image_id for match in matcher.match(EVENT, probe)] == [PHOTO]


@pytest.mark.parametrize(("similarity", "width"), [(89.9, 0.4), (99.0, 0.2)])
def test_selfies_are_alike_by_the_event_s_confidence_and_their_largest_faces(
    stub: Stubber, matcher: RekognitionMatcher, similarity: float, width: float
) -> None:
    match = {"Face": {"BoundingBox": BOX | {"Width": width}}, "Similarity": similarity}
    stub.add_response("compare_faces", {"FaceMatches": [match], "UnmatchedFaces": [{"BoundingBox": BOX}]})
    with pytest.raises(OtherPerson, match="Selfie 2"):
        matcher.probe(EVENT, [selfie_of(1)] * 3)


def test_a_busy_service_is_no_selfies_fault(stub: Stubber, matcher: RekognitionMatcher) -> None:
    stub.add_client_error("compare_faces", "ThrottlingException")
    with pytest.raises(EngineBusy, match=r"^The face service"):
        matcher.probe(EVENT, [selfie_of(1)] * 2)
