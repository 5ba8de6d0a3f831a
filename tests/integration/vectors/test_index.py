"""Face items and searches over them, on a store that knows SearchVectors.

MiniStack scores every item of the table in Python at each search, about 1 ms a face for each partition, and takes
longer to write one: 50,000 faces took 14 minutes on two busy cores. That test runs with `pytest -m slow`; the same
with fewer faces always runs.
"""

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems, VectorItem, vector_items
from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.faces.distributed import VectorIndex
from facesearch.faces.index.cohort import NOBODY
from facesearch.faces.index.vectors import cosines, probe_of
from facesearch.faces.packing import pack, values_of
from facesearch.faces.sets import PhotoFaces
from facesearch.faces.vector_items import TOP_K, FacePlace, VectorItemStore
from facesearch.models import FaceSet, FaceSetKind
from facesearch.records import Photo
from tests.conftest import ROOT
from tests.integration.vectors.world import MODEL, Ground, People
from tests.support.aws import create_table, moto
from tests.support.fakes import EVENT, EVENT_ID

PLACE = FacePlace(EVENT_ID, MODEL, 4)
VECTORS = replace(EVENT, faces=FaceSet(MODEL, FaceSetKind.VECTORS), face_shards=4)


def faces_of(photo: Photo) -> PhotoFaces:
    return PhotoFaces.of(photo, MODEL)


@pytest.fixture(params=["memory", "ministack", "moto"])
def items(request: pytest.FixtureRequest) -> Iterator[VectorItemStore]:
    """An empty store."""
    if request.param == "memory":
        yield MemoryVectorItems()
    elif request.param == "moto":
        with moto():
            client = boto3.client("dynamodb")
            create_table(client, "FacesTable", "faces")
            yield DynamoVectorItems(client, "faces")
    else:
        store = request.getfixturevalue("ministack").items
        yield store
        with ThreadPoolExecutor(4) as pool:
            store.delete_all(PLACE, pool)


def test_what_was_put_is_there_once_and_goes_when_it_is_forgotten(
    items: VectorItemStore, pool: ThreadPoolExecutor
) -> None:
    people = People(1)
    photos = [people.photo(*[people.unit() for _ in range(number % 4)]) for number in range(60)]
    wanted = {photo.image_id: number % 4 for number, photo in enumerate(photos) if number % 4}
    for _ in range(2):
        assert items.put(PLACE, map(faces_of, photos)) == sum(wanted.values())
    other = replace(PLACE, model="another")
    items.put(other, [faces_of(photos[1])])
    assert items.counts(PLACE, pool) == wanted
    shards = [items.read(PLACE, shard) for shard in range(PLACE.shards)]
    read = sorted(
        (image_id, bytes(face)) for shard in shards for image_id, face in zip(shard.photos, shard.values, strict=True)
    )
    assert read == sorted((photo.image_id, bytes(face)) for photo in photos for face in values_of(photo.faces))
    assert items.delete(PLACE, photos[3].image_id, beyond=1) == 2
    assert items.delete(PLACE, photos[7].image_id) == 3
    assert items.delete(PLACE, photos[7].image_id) == 0
    left = wanted | {photos[3].image_id: 1}
    del left[photos[7].image_id]
    assert items.counts(PLACE, pool) == left
    assert items.delete_all(PLACE, pool) == sum(left.values())
    assert items.counts(PLACE, pool) == {}
    assert items.delete_all(other, pool) == 1


def test_the_nearest_come_first_and_a_hundred_at_most(
    request: pytest.FixtureRequest, items: VectorItemStore, pool: ThreadPoolExecutor
) -> None:
    if "moto" in request.node.name:
        pytest.skip("moto does not know SearchVectors")
    people = People(2)
    one_shard = [uuid.UUID(int=4 * number + 1) for number in range(130)]
    photos = [people.photo(people.near(0.9 - number / 200), image_id=each) for number, each in enumerate(one_shard)]
    items.put(PLACE, map(faces_of, photos))
    items.put(replace(PLACE, event_id=457), [faces_of(people.photo(people.person, image_id=one_shard[0]))])
    found = items.nearest(PLACE, 1, people.person)
    scores = cosines(found.values, probe_of(people.person))
    assert found.photos == one_shard[:TOP_K]
    assert (np.diff(scores) <= 0).all()
    assert items.nearest(PLACE, 2, people.person).photos == []
    items.delete(PLACE, one_shard[0])
    assert items.nearest(PLACE, 1, people.person).photos == one_shard[1 : TOP_K + 1]
    items.delete_all(replace(PLACE, event_id=457), pool)


def test_no_face_can_be_left_out_of_the_index_in_silence(ministack: Ground, pool: ThreadPoolExecutor) -> None:
    """DynamoDB keeps an item without vector or HASH and does not index it. Every item that is written has both.

    The HASH is the table's own key, and there is one maker of items.
    """
    description = ministack.clients.dynamodb.describe_table(TableName=ministack.faces)["Table"]
    (index,) = description["VectorIndexes"]
    hashes = [part["AttributeName"] for part in index["SearchSchema"] if part["SearchSchemaElementType"] == "HASH"]
    assert hashes == [key["AttributeName"] for key in description["KeySchema"] if key["KeyType"] == "HASH"]
    people = People(3)
    photos = [people.photo(*[people.unit() for _ in range(3)]) for _ in range(8)]
    ministack.items.put(PLACE, map(faces_of, photos))
    written = ministack.clients.dynamodb.scan(TableName=ministack.faces)["Items"]
    assert len(written) == 24
    for item in written:
        assert {"pk", "sk", "vector", "face"} <= item.keys()
        assert len(item["vector"]["L"]) == 128
    for photo in photos:
        for values in values_of(photo.faces):
            shard = PLACE.shard_of(photo.image_id)
            assert ministack.items.nearest(PLACE, shard, values.astype(np.float64)).photos[0] == photo.image_id
    lacking = {name: value for name, value in written[0].items() if name != "pk"}
    with pytest.raises(ClientError, match="pk"):
        ministack.clients.dynamodb.put_item(TableName=ministack.faces, Item=lacking)
    ministack.items.delete_all(PLACE, pool)


def test_one_place_makes_items_with_vectors_and_refuses_what_the_index_would_not_take() -> None:
    layer = ROOT / "layers" / "facesearch"
    makers = [path for path in layer.rglob("*.py") for _ in re.findall(r'"vector":', path.read_text())]
    assert [path.name for path in makers] == ["vector_items.py"]
    pk, face = schema.faces_pk(EVENT_ID, MODEL, 0), np.ones(128, np.int8)
    assert VectorItem(pk, "sk", face, 1, 1).to_item()["pk"] == {"S": pk}
    for item in (
        VectorItem("", "sk", face, 1, 1),
        VectorItem(pk, "sk", face[:127], 1, 1),
        VectorItem(pk, "sk", np.zeros(128, np.int8), 1, 1),
    ):
        with pytest.raises(ValueError, match="no face"):
            item.to_item()
    nobody = PhotoFaces(uuid.UUID(int=1), pack(np.zeros((1, 128), np.float32)), 1, 1)
    assert list(vector_items(PLACE, nobody)) == []


@pytest.mark.parametrize(
    ("faces", "shards"),
    [pytest.param(1_200, 4, id="1200"), pytest.param(50_000, 2, id="50000", marks=pytest.mark.slow)],
)
def test_nothing_above_the_threshold_is_missed_with_500_matches_of_one_person(
    ministack: Ground, pool: ThreadPoolExecutor, faces: int, shards: int
) -> None:
    people = People(4)
    event = replace(VECTORS, face_shards=shards, vector_table=ministack.faces)
    place = replace(PLACE, shards=shards)
    # 430 of the 500 are in one partition, which so has to be read; the other answers by its 100 nearest.
    ids = [uuid.UUID(int=number * shards + (0 if number < 430 else 1)) for number in range(1, 501)]
    matches = [people.photo(people.near(people.rng.uniform(0.425, 0.95)), image_id=each) for each in ids]
    strangers = [people.photo(people.near(people.rng.normal(0, 0.12))) for _ in range(faces - 500)]
    store, truth = MemoryPhotoStore(), {}
    for photo in matches + strangers:
        store.add(EVENT_ID, EVENT.shards, photo)
        truth[photo.image_id] = values_of(photo.faces)[0]
    batches = [(matches + strangers)[start : start + 25] for start in range(0, faces, 25)]
    assert sum(pool.map(lambda some: ministack.items.put(place, map(faces_of, some)), batches)) == faces

    index = VectorIndex(event, ministack.items, store, lambda _: event, pool, NOBODY)
    probe = probe_of(people.person)
    hits = index.search(probe, 0.42, pool)
    every = np.stack(list(truth.values()))
    brute = dict(zip(truth, cosines(every, probe).tolist(), strict=True))
    by_norm = every.astype(np.float64)
    by_norm /= np.linalg.norm(by_norm, axis=1, keepdims=True)
    np.testing.assert_allclose(list(brute.values()), by_norm @ probe.exact, atol=1e-12)
    found = {index.photo(n).image_id: c for n, c in zip(hits.photos.tolist(), hits.cosines.tolist(), strict=True)}
    for minimum in (0.42, 0.5, 0.6, 0.8):
        expected = {image_id: score for image_id, score in brute.items() if score >= minimum}
        assert {image_id: score for image_id, score in found.items() if score >= minimum} == expected
    assert len(found) >= 500
    if faces < 50_000:  # nothing comes after it, and MiniStack takes minutes to delete them
        ministack.items.delete_all(place, pool)
