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
from facesearch.errors import EngineBusy, NoFaceFound, OtherPerson, UnusableImage
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


def photo_of(*parts: bytes) -> PhotoFaces:
    return PhotoFaces(PHOTO, b"", 30, 40, PhotoFile(b"whole", lambda regions: list(parts)))


def test_a_search_asks_for_everything_above_the_event_s_confidence(stub: Stubber, matcher: RekognitionMatcher) -> None:
    asked = {"Image": {"Bytes": ANY}, "MaxFaces": 4096, "FaceMatchThreshold": 90.0, "QualityFilter": "NONE"}
    matches = [{"Similarity": 99.5, "Face": face()}, {"Similarity": 89.9, "Face": face(uuid.UUID(int=8))}]
    stub.add_response("search_faces_by_image", {"FaceMatches": matches}, COLLECTION | asked)
    probe = matcher.probe(EVENT, [selfie_of(1)])
    assert [hit.similarity for hit in probe.hits] == [99.5]
    assert [match.image_id for match in matcher.match(EVENT, probe)] == [PHOTO]


@pytest.mark.parametrize(
    ("code", "outcome"), [("InvalidParameterException", NoFaceFound), ("ImageTooLargeException", UnusableImage)]
)
def test_a_search_that_is_refused_says_why(
    stub: Stubber, matcher: RekognitionMatcher, code: str, outcome: type[Exception]
) -> None:
    stub.add_client_error("search_faces_by_image", code)
    with pytest.raises(outcome):
        matcher.probe(EVENT, [selfie_of(1)])


@pytest.mark.parametrize("faces", [[{"BoundingBox": BOX}], []])
def test_without_a_collection_the_selfie_alone_is_looked_at(
    stub: Stubber, matcher: RekognitionMatcher, faces: list[Any]
) -> None:
    stub.add_client_error("search_faces_by_image", "ResourceNotFoundException")
    stub.add_response("detect_faces", {"FaceDetails": faces}, {"Image": {"Bytes": ANY}, "Attributes": ["DEFAULT"]})
    if faces:
        assert matcher.match(EVENT, matcher.probe(EVENT, [selfie_of(1)])) == []
    else:
        with pytest.raises(NoFaceFound):
            matcher.probe(EVENT, [selfie_of(1)])


def asked_to_index(jpeg: bytes) -> dict[str, Any]:
    return COLLECTION | {
        "Image": {"Bytes": jpeg},
        "ExternalImageId": str(PHOTO),
        "MaxFaces": 100,
        "QualityFilter": "AUTO",
        "DetectionAttributes": ["DEFAULT"],
    }


def test_a_first_photo_makes_the_collection(stub: Stubber, collection: RekognitionFaces) -> None:
    stub.add_client_error("index_faces", "ResourceNotFoundException")
    stub.add_response("create_collection", {"StatusCode": 200}, COLLECTION)
    stub.add_response("index_faces", {"FaceRecords": [{"Face": face()}]}, asked_to_index(b"whole"))
    assert collection.add([photo_of()]) == 1


def test_a_collection_that_somebody_else_made_meanwhile_is_taken(stub: Stubber, collection: RekognitionFaces) -> None:
    stub.add_client_error("create_collection", "ResourceAlreadyExistsException")
    assert collection.complete()


def test_a_full_answer_is_looked_at_in_quarters_and_faces_seen_twice_are_deleted(
    stub: Stubber, collection: RekognitionFaces
) -> None:
    def record(number: int, left: float, side: float) -> dict[str, Any]:
        box = {"Left": left, "Top": 0.2, "Width": side, "Height": side}
        return {"Face": face(face_id=uuid.UUID(int=number)) | {"BoundingBox": box}}

    whole = [record(number, number / 100, 0.005) for number in range(98)]
    again = record(1000, (0.05 - 0) / 0.55, 0.005 / 0.55)  # face 5, in the upper left quarter
    again["Face"]["BoundingBox"] |= {"Top": 0.2 / 0.55}
    new = record(1001, 0.5, 0.004)
    unindexed = [{"Reasons": ["LOW_SHARPNESS"]}] * 2
    stub.add_response("index_faces", {"FaceRecords": whole, "UnindexedFaces": unindexed}, asked_to_index(b"whole"))
    for number, records in enumerate([[again, new], [], [], []]):
        stub.add_response("index_faces", {"FaceRecords": records}, asked_to_index(b"part%d" % number))
    gone = str(uuid.UUID(int=5))  # the quarter has it a hair larger, as rounding goes, or smaller
    stub.add_response("delete_faces", {"DeletedFaces": [gone]}, COLLECTION | {"FaceIds": ANY})
    assert collection.add([photo_of(*(b"part%d" % number for number in range(4)))]) == 99


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


@pytest.mark.parametrize(
    "act", [lambda it: it.delete_photos([]), lambda it: it.count([]), lambda it: it.delete_faces([])]
)
def test_nothing_is_asked_for_nothing(
    stub: Stubber, collection: RekognitionFaces, act: Callable[[RekognitionFaces], int]
) -> None:
    assert act(collection) == 0


def test_every_name_and_number_fits_the_service_s_own_limits(client: Any) -> None:
    model = client.meta.service_model.operation_model("SearchFacesByImage").input_shape.members
    longest = f"{'a' * 128}.{10**15 - 1}"  # a stack's name has at most 128 characters
    assert len(longest) <= model["CollectionId"].metadata["max"]
    assert model["MaxFaces"].metadata["max"] == MAX_MATCHES


def compared(*faces: tuple[float, float]) -> dict[str, Any]:
    """An answer of CompareFaces: faces of the target by their width and similarity, of which 0 is told by no match."""
    boxes = [{"BoundingBox": BOX | {"Width": width}} for width, _ in faces]
    told = list(zip(boxes, faces, strict=True))
    return {
        "FaceMatches": [{"Face": box, "Similarity": similarity} for box, (_, similarity) in told if similarity],
        "UnmatchedFaces": [box for box, (_, similarity) in told if not similarity],
    }


COMPARE = {
    "SourceImage": {"Bytes": ANY},
    "TargetImage": {"Bytes": ANY},
    "SimilarityThreshold": 90.0,
    "QualityFilter": "NONE",
}


def test_several_selfies_are_compared_first_and_a_face_counts_once_by_its_best(
    stub: Stubber, matcher: RekognitionMatcher
) -> None:
    for _ in range(2):
        stub.add_response("compare_faces", compared((0.4, 95.0), (0.2, 0)), COMPARE)
    found = [(93.0, PHOTO), (99.5, PHOTO), (91.0, uuid.UUID(int=8))]
    for similarity, photo in found:
        stub.add_response(
            "search_faces_by_image", {"FaceMatches": [{"Similarity": similarity, "Face": face(photo, photo)}]}
        )
    probe = matcher.probe(EVENT, [selfie_of(1)] * 3)
    assert [hit.similarity for hit in probe.hits] == [99.5, 91.0]
    assert [match.image_id for match in matcher.match(EVENT, probe)] == [PHOTO]


@pytest.mark.parametrize("faces", [[(0.4, 0)], [(0.4, 89.9)], [(0.2, 99.0), (0.4, 0)], []])
def test_selfies_that_are_not_alike_are_refused_before_a_second_comparison_and_before_any_search(
    stub: Stubber, matcher: RekognitionMatcher, faces: list[tuple[float, float]]
) -> None:
    stub.add_response("compare_faces", compared(*faces), COMPARE)
    with pytest.raises(OtherPerson if faces else NoFaceFound, match="Selfie 2"):
        matcher.probe(EVENT, [selfie_of(1)] * 3)


@pytest.mark.parametrize(("first_has_a_face", "odd"), [(True, 2), (False, 1)])
def test_a_comparison_without_a_face_says_in_which_selfie(
    stub: Stubber, matcher: RekognitionMatcher, first_has_a_face: bool, odd: int
) -> None:
    stub.add_client_error("compare_faces", "InvalidParameterException")
    faces = [{"BoundingBox": BOX}] if first_has_a_face else []
    stub.add_response("detect_faces", {"FaceDetails": faces}, {"Image": {"Bytes": ANY}, "Attributes": ["DEFAULT"]})
    with pytest.raises(NoFaceFound, match=f"Selfie {odd}: "):
        matcher.probe(EVENT, [selfie_of(1)] * 2)


def test_a_busy_service_is_no_selfies_fault(stub: Stubber, matcher: RekognitionMatcher) -> None:
    stub.add_client_error("compare_faces", "ThrottlingException")
    with pytest.raises(EngineBusy, match=r"^The face service"):
        matcher.probe(EVENT, [selfie_of(1)] * 2)
