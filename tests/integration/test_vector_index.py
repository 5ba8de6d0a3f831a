"""Face items and searches over them, on a store that knows SearchVectors.

MiniStack scores every item of the table in Python at each search, about 1 ms a face for each partition.
"""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems, vector_items
from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.adapters.memory.vector_items import MemoryVectorItems
from facesearch.faces.distributed import VectorIndex
from facesearch.faces.index.cohort import NOBODY
from facesearch.faces.index.vectors import cosines, probe_of
from facesearch.faces.packing import pack, values_of
from facesearch.faces.sets import PhotoFaces
from facesearch.faces.vector_items import TOP_K, FacePlace, VectorItemStore
from facesearch.models import DEFAULT_MODEL, FaceSet, FaceSetKind
from facesearch.records import Photo
from tests.integration.conftest import Site
from tests.support.fakes import EVENT, EVENT_ID

PLACE = FacePlace(EVENT_ID, DEFAULT_MODEL, 4)
VECTORS = replace(EVENT, faces=FaceSet(DEFAULT_MODEL, FaceSetKind.VECTORS), face_shards=4)


class People:
    """Faces of one person among strangers'."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.person = self.unit()

    def unit(self) -> NDArray[np.float64]:
        vector = self.rng.normal(size=128)
        return vector / float(np.linalg.norm(vector))

    def near(self, cosine: float) -> NDArray[np.float64]:
        other = self.unit()
        other -= (other @ self.person) * self.person
        return cosine * self.person + float(np.sqrt(1 - cosine**2)) * other / float(np.linalg.norm(other))

    def photo(self, *faces: NDArray[np.float64], image_id: uuid.UUID | None = None) -> Photo:
        own = image_id or uuid.UUID(bytes=self.rng.bytes(16))
        return Photo(own, "indexed", "k", 300, 200, DEFAULT_MODEL, pack(np.array(faces, np.float32)) if faces else b"")


def faces_of(photo: Photo) -> PhotoFaces:
    return PhotoFaces.of(photo, DEFAULT_MODEL)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def real(site: Site, pool: ThreadPoolExecutor) -> Iterator[DynamoVectorItems]:
    """In the stack's table, which has faces of other events."""
    items = DynamoVectorItems(Table(site.dynamodb, site.outputs["FacesTableName"]))
    yield items
    items.delete_all(PLACE, pool)


@pytest.fixture(params=["memory", "ministack"])
def items(request: pytest.FixtureRequest) -> VectorItemStore:
    """An empty store."""
    if request.param == "memory":
        return MemoryVectorItems()
    store: DynamoVectorItems = request.getfixturevalue("real")
    return store


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


def test_the_nearest_come_first_and_a_hundred_at_most(items: VectorItemStore, pool: ThreadPoolExecutor) -> None:
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


def test_no_face_can_be_left_out_of_the_index_in_silence(site: Site, real: DynamoVectorItems) -> None:
    """DynamoDB keeps an item without vector or HASH and does not index it. Every item that is written has both.

    The HASH is the table's own key, and there is one maker of items.
    """
    table = site.outputs["FacesTableName"]
    description = site.dynamodb.describe_table(TableName=table)["Table"]
    (index,) = description["VectorIndexes"]
    hashes = [part["AttributeName"] for part in index["SearchSchema"] if part["SearchSchemaElementType"] == "HASH"]
    assert hashes == [key["AttributeName"] for key in description["KeySchema"] if key["KeyType"] == "HASH"]
    people = People(3)
    photos = [people.photo(*[people.unit() for _ in range(3)]) for _ in range(8)]
    real.put(PLACE, map(faces_of, photos))
    pages = site.dynamodb.get_paginator("scan").paginate(TableName=table)
    written = [item for page in pages for item in page["Items"] if f"#{EVENT_ID}#" in item["pk"]["S"]]
    assert len(written) == 24
    for item in written:
        assert {"pk", "sk", "vector", "face"} <= item.keys()
        assert len(item["vector"]["L"]) == 128


def test_nothing_above_the_threshold_is_missed_with_500_matches_of_one_person(
    site: Site, real: DynamoVectorItems, pool: ThreadPoolExecutor
) -> None:
    people, faces, shards = People(4), 1_200, PLACE.shards
    event = replace(VECTORS, vector_table=site.outputs["FacesTableName"])
    # 430 of the 500 are in one partition, which so has to be read; the other answers by its 100 nearest.
    ids = [uuid.UUID(int=number * shards + (0 if number < 430 else 1)) for number in range(1, 501)]
    matches = [people.photo(people.near(people.rng.uniform(0.425, 0.95)), image_id=each) for each in ids]
    strangers = [people.photo(people.near(people.rng.normal(0, 0.12))) for _ in range(faces - 500)]
    store, truth = MemoryPhotoStore(), {}
    for photo in matches + strangers:
        store.add(EVENT_ID, EVENT.shards, photo)
        truth[photo.image_id] = values_of(photo.faces)[0]
    batches = [(matches + strangers)[start : start + 25] for start in range(0, faces, 25)]
    assert sum(pool.map(lambda some: real.put(PLACE, map(faces_of, some)), batches)) == faces

    index = VectorIndex(event, real, store, lambda _: event, pool, NOBODY)
    probe = probe_of(people.person)
    hits = index.search(probe, 0.42, pool)
    every = np.stack(list(truth.values()))
    brute = dict(zip(truth, cosines(every, probe).tolist(), strict=True))
    found = {index.photo(n).image_id: c for n, c in zip(hits.photos.tolist(), hits.cosines.tolist(), strict=True)}
    for minimum in (0.42, 0.5, 0.6, 0.8):
        expected = {image_id: score for image_id, score in brute.items() if score >= minimum}
        assert {image_id: score for image_id, score in found.items() if score >= minimum} == expected
    assert len(found) >= 500


def test_what_the_index_would_not_take_is_left_out() -> None:
    nobody = PhotoFaces(uuid.UUID(int=1), pack(np.zeros((1, 128), np.float32)), 1, 1)
    assert list(vector_items(PLACE, nobody)) == []
