"""What only faces kept by Rekognition can run into: throttling, crowds, runs that die between it and our records."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from facesearch.adapters.memory.rekognition import KeptFace, Refusal, SeenFace
from facesearch.adapters.rekognition.collections import CALL_SECONDS, LOOKS, SEARCHING
from facesearch.adapters.rekognition.matcher import MAX_MATCHES, RekognitionMatcher
from facesearch.deletion.photos import Files
from facesearch.errors import EngineBusy, NoFaceFound, StoreUnavailable, UnusableImage
from facesearch.faces.sets import Region
from facesearch.models import FaceSetKind
from facesearch.photos.looking import IndexingOutcome
from facesearch.records import Photo
from facesearch.search.face_search import STORING_SECONDS
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tests.support.site import Inline
from tests.unit.faces.matchers.bench import ONE_ATTEMPT, MatcherBench
from tests.unit.faces.matchers.people import Look, look, photo_of, selfie_of
from tests.unit.faces.sets.places import PREFIX

ANNA, BEN, CARL = 1, 2, 3
THROTTLES = ["ThrottlingException", "ProvisionedThroughputExceededException"]


@pytest.fixture
def world() -> Iterator[MatcherBench]:
    """Rekognition's, with a client that tries once."""
    with ThreadPoolExecutor(2) as pool:
        yield MatcherBench(FaceSetKind.REKOGNITION, pool, config=ONE_ATTEMPT)


def during_first_look(world: MatcherBench, then: Callable[[], Any]) -> None:
    """Have something happen while the service looks at the next picture."""
    see = world.service.see

    def interrupted(data: bytes) -> list[SeenFace]:
        world.service.see = see
        then()
        return see(data)

    world.service.see = interrupted


@pytest.mark.parametrize("code", THROTTLES)
def test_a_search_that_is_throttled_again_and_again_is_to_come_back_later(world: MatcherBench, code: str) -> None:
    photo = world.add(photo_of(look(ANNA)))
    world.service.refusals["SearchFacesByImage"] = [Refusal(code)]
    with pytest.raises(EngineBusy) as busy:
        world.find(ANNA)
    assert (busy.value.status, busy.value.headers) == (429, {"Retry-After": "5"})
    assert world.find(ANNA) == [photo]


def test_the_client_itself_tries_a_throttled_search_again(world: MatcherBench) -> None:
    photo = world.add(photo_of(look(ANNA)))
    world.matcher = RekognitionMatcher(world.service.client(SEARCHING), PREFIX, world.stores.photos, Inline())
    for refusal in (Refusal(THROTTLES[0]), Refusal("InternalServerError", 500)):
        world.service.calls.clear()
        world.service.refusals["SearchFacesByImage"] = [refusal]
        assert world.find(ANNA) == [photo]
        assert world.service.calls.count("SearchFacesByImage") == 2


def test_one_call_takes_no_longer_than_its_searches_reckon_with() -> None:
    config: Any = SEARCHING
    attempts = config.retries["total_max_attempts"]
    pauses = sum(2**attempt for attempt in range(attempts - 1))  # botocore's standard mode: up to 1 s, 2 s, 4 s ...
    assert attempts * (config.connect_timeout + config.read_timeout) + pauses == CALL_SECONDS
    template = Template.load(ROOT / "template.yaml", Deployment("live", "1" * 12, "us-east-1", {}))
    (function,) = (each for each in template.of_type("AWS::Serverless::Function") if each.id == "SearchFunction")
    assert function.properties["Timeout"] - STORING_SECONDS >= CALL_SECONDS + 6, "two comparisons, three times as slow"


def needed(selfies: int, photos: bool) -> int:
    """Calls of a search: comparisons with the first selfie, and a search each, without a collection also a look."""
    return selfies - 1 + selfies * (1 if photos else 2)


@pytest.mark.parametrize("slow", ["CompareFaces", "DetectFaces", "SearchFacesByImage"])
@pytest.mark.parametrize("selfies", [1, 2, 3])
def test_no_call_begins_that_could_outlive_the_search(world: MatcherBench, slow: str, selfies: int) -> None:
    """Whichever operation hangs for a while: every call has a whole one's time left when it begins, or is not made."""
    now, begun = [1000.0], list[float]()
    world.add(photo_of(look(ANNA)))
    collections = world.service.collections
    client = world.service.client(ONE_ATTEMPT)

    def passes(model: Any, **_: Any) -> None:
        begun.append(now[0])
        now[0] += 9.5 if model.name == slow else 0.5

    client.meta.events.register("before-call.rekognition", passes)
    matcher = RekognitionMatcher(client, PREFIX, world.stores.photos, Inline(), lambda: now[0])
    for seconds in (10.9, 11.0, 17.5, 20.4, 20.5, 40.0):
        for photos in (False, True):
            world.service.collections = collections if photos else {}
            start = now[0]
            begun.clear()
            busy: EngineBusy | None = None
            try:
                assert len(matcher.probe(world.event, [selfie_of(ANNA)] * selfies, seconds=seconds).hits) == photos
            except EngineBusy as error:
                busy = error
            assert all(at + CALL_SECONDS <= start + seconds for at in begun)
            left = seconds - (now[0] - start)
            assert (busy is None) == (len(begun) == needed(selfies, photos))
            if busy is not None:
                assert left < CALL_SECONDS, "there was time for one more"
                assert (busy.status, busy.headers) == (429, {"Retry-After": "5"})


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("InvalidParameterException", NoFaceFound),
        ("ImageTooLargeException", UnusableImage),
        ("InvalidImageFormatException", UnusableImage),
        ("InternalServerError", StoreUnavailable),
        ("AccessDeniedException", ClientError),
    ],
)
def test_each_refusal_of_a_search_is_its_own_outcome(world: MatcherBench, code: str, outcome: type[Exception]) -> None:
    world.add(photo_of(look(ANNA)))
    world.service.refusals["SearchFacesByImage"] = [Refusal(code, 500 if "Server" in code else 400)]
    with pytest.raises(outcome):
        world.find(ANNA)


@pytest.mark.parametrize("code", [*THROTTLES, "InternalServerError"])
def test_a_photo_that_is_throttled_is_delivered_again_and_complete_then(world: MatcherBench, code: str) -> None:
    data = photo_of(look(ANNA), look(BEN))
    world.collection.complete()
    world.service.refusals["IndexFaces"] = [Refusal(code, 500 if "Server" in code else 400)]
    with pytest.raises(StoreUnavailable):
        world.upload(data)
    assert world.find(ANNA) == []
    photo = world.add(data)
    assert world.find(ANNA) == [photo]


def test_a_photo_of_which_a_part_cannot_be_read_keeps_no_face(world: MatcherBench) -> None:
    index_faces = world.client.index_faces

    def indexed_once(**asked: Any) -> Any:
        found = index_faces(**asked)
        world.service.refusals["IndexFaces"] = [Refusal("InvalidImageFormatException")]
        return found

    world.client.index_faces = indexed_once
    report = world.upload(photo_of(*[look(1)] * 100, columns=20))
    assert report.outcome is IndexingOutcome.FAILED
    assert not any(world.service.collections.values())


def test_the_first_photo_makes_the_collection_and_a_search_makes_none(world: MatcherBench) -> None:
    world.find(ANNA)
    assert world.service.collections == {}
    world.add(photo_of(look(ANNA)))
    assert list(world.service.collections) == [f"{PREFIX}{world.event.event_id}"]
    world.collection.complete()
    assert len(world.kept) == 1, "made again, it is the one that is there"


@pytest.mark.parametrize(("faces", "calls"), [(99, 1), (100, 5), (150, 5), (620, LOOKS)])
def test_a_photo_costs_one_call_and_more_only_when_it_is_a_crowd(world: MatcherBench, faces: int, calls: int) -> None:
    report = world.upload(photo_of(*[look(number % 7 + 1) for number in range(faces)], columns=30))
    assert report.faces == len(world.kept) == faces
    assert world.service.calls.count("IndexFaces") - 1 == calls, "one more, before there was a collection"


@pytest.mark.parametrize("faces", [3, 150])
def test_a_run_that_died_before_its_record_leaves_no_second_face(world: MatcherBench, faces: int) -> None:
    data, photos = photo_of(*[look(number % 7 + 1) for number in range(faces)], columns=15), world.stores.photos
    add = photos.add

    def dying(event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        raise ConnectionError

    photos.add = dying  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        world.upload(data)
    assert world.find(ANNA) == [], "there is no record that anybody could be shown"
    photos.add = add  # type: ignore[method-assign]
    photo = world.add(data)
    assert len(world.kept) == faces
    assert world.find(ANNA) == [photo]


def test_a_person_s_faces_go_even_where_no_photo_was_recorded(world: MatcherBench) -> None:
    world.collection.complete()
    stray = KeptFace(str(uuid.uuid4()), "x", str(uuid.uuid4()), SeenFace(Region(0, 0, 1, 1), Look(ANNA)))
    world.service.collections[f"{PREFIX}{world.event.event_id}"][stray.face_id] = stray
    for files in (None, Files()):
        world.add(photo_of(look(ANNA), *[look(BEN)] * (files is None)))
        assert world.person_eraser.delete_person(world.event, [selfie_of(ANNA)], files).complete
        assert [kept.face.look for kept in world.kept] == [look(BEN)]


def test_more_faces_than_one_search_returns_are_still_all_deleted(world: MatcherBench) -> None:
    world.collection.complete()
    collection = world.service.collections[f"{PREFIX}{world.event.event_id}"]
    for number in range(MAX_MATCHES + 5):
        image_id, face_id = uuid.UUID(int=number), str(uuid.uuid4())
        collection[face_id] = KeptFace(face_id, "x", str(image_id), SeenFace(Region(0, 0, 1, 1), look(ANNA)))
        world.stores.photos.add(
            world.event.event_id, world.event.shards, Photo(image_id, "indexed", "k", 3, 4, "rekognition")
        )
    assert len(world.find(ANNA)) == MAX_MATCHES
    receipt = world.person_eraser.delete_person(world.event, [selfie_of(ANNA)])
    assert (receipt.complete, receipt.deleted.faces, world.kept) == (True, MAX_MATCHES + 5, [])


@pytest.mark.parametrize("external_id", ["", "somebody-else-s"])
def test_faces_that_somebody_else_has_put_there_are_no_matches(world: MatcherBench, external_id: str) -> None:
    photo = world.add(photo_of(look(ANNA)))
    other = KeptFace(str(uuid.uuid4()), "x", external_id, SeenFace(Region(0, 0, 1, 1), look(ANNA)))
    world.service.collections[f"{PREFIX}{world.event.event_id}"][other.face_id] = other
    assert world.find(ANNA) == [photo]


def test_a_photo_deleted_while_a_second_delivery_looks_at_it_leaves_no_face(world: MatcherBench) -> None:
    data = photo_of(look(ANNA), look(BEN))
    world.add(photo_of(look(CARL)))

    def record_and_delete() -> None:
        receipt = world.photos_eraser.delete_photos(world.event, [world.add(data)], Files())
        assert receipt.complete

    during_first_look(world, record_and_delete)
    assert world.upload(data).outcome is IndexingOutcome.DELETED
    assert [kept.face.look for kept in world.kept] == [look(CARL)]


def test_what_a_killed_delivery_has_left_of_a_deleted_photo_goes_with_the_next_one(world: MatcherBench) -> None:
    data = photo_of(look(ANNA))
    photo = world.add(data)
    (kept,) = world.kept
    world.photos_eraser.delete_photos(world.event, [photo], Files())
    world.service.collections[f"{PREFIX}{world.event.event_id}"][kept.face_id] = kept
    assert world.upload(data).outcome is IndexingOutcome.DELETED
    assert world.kept == []


def test_an_event_deleted_while_a_photo_is_looked_at_gets_no_second_collection(world: MatcherBench) -> None:
    world.add(photo_of(look(BEN)))

    def delete() -> None:
        assert world.event_eraser.delete_event(world.event.event_id).complete
        raise Refusal("ResourceNotFoundException")

    during_first_look(world, delete)
    assert world.upload(photo_of(look(ANNA))).outcome is IndexingOutcome.IGNORED
    assert world.service.calls.count("CreateCollection") == 2
    assert world.service.collections == {}
