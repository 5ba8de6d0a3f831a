"""The index and the matcher over made-up embeddings: what is found, what is not, and what is read."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from facesearch.adapters.memory.stores import MemoryPhotoStore, MemorySnapshotStore
from facesearch.faces.embedded import SECOND_PASS, match_faces
from facesearch.faces.engine import Embedding
from facesearch.faces.index.event import EventIndex, IndexCache
from facesearch.faces.packing import pack
from facesearch.records import Photo
from tests.support.fakes import EVENT, EVENT_ID

MODEL = EVENT.model


def unit(*rows: object) -> Embedding:
    vectors = np.array(rows, np.float32).reshape(len(rows), -1)
    lengths: Embedding = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def at_cosine(cosine: float, axis: int = 1) -> Embedding:
    """A unit vector at that cosine from the probe, which is the first axis."""
    vector = np.zeros(128, np.float32)
    vector[0], vector[axis] = cosine, np.sqrt(1 - cosine**2)
    return vector


PROBE = at_cosine(1.0)


def photo(number: int, *faces: Embedding, model: str = MODEL) -> Photo:
    packed = pack(np.stack(faces)) if faces else b""
    return Photo(uuid.UUID(int=number), "indexed", f"k{number}", 100, 200, model, packed)


def index_of(pool: ThreadPoolExecutor, *photos: Photo) -> EventIndex:
    store = MemoryPhotoStore()
    for each in photos:
        store.add(EVENT_ID, 4, each)
    index = EventIndex(EVENT_ID, MODEL)
    index.refresh(store, EVENT, pool)
    return index


def found(index: EventIndex, minimum: float = 0.5) -> list[int]:
    with ThreadPoolExecutor(2) as pool:
        return [match.image_id.int for match in match_faces(index, PROBE, minimum, pool)]


def test_equal_similarity_is_ordered_by_image_id(pool: ThreadPoolExecutor) -> None:
    index = index_of(pool, *[photo(number, at_cosine(0.7)) for number in (5, 3, 9, 1)])
    assert found(index) == [1, 3, 5, 9]


def test_the_second_pass_finds_another_view_that_the_selfie_alone_does_not(pool: ThreadPoolExecutor) -> None:
    profile = unit(at_cosine(0.45) + 0.6 * at_cosine(0.0))[0]
    assert float(profile @ PROBE) < 0.5
    index = index_of(pool, photo(1, at_cosine(0.6)), photo(2, at_cosine(0.62)), photo(3, at_cosine(0.45)))
    assert found(index) == [2, 1, 3]
    assert found(index_of(pool, photo(3, at_cosine(0.45)))) == []


def test_the_second_pass_adds_nobody_who_is_far_from_the_selfie(pool: ThreadPoolExecutor) -> None:
    # A wrong sure match at .56 drags the second probe towards its own person, whose other photo is at .3 of the selfie.
    index = index_of(pool, photo(1, at_cosine(0.56)), photo(2, at_cosine(0.3)))
    assert found(index) == [1]


def test_a_second_round_goes_on_from_what_the_first_one_found(pool: ThreadPoolExecutor) -> None:
    # Each is nearer to the one before than to the selfie: a person who turns their head.
    turning = [np.zeros(128, np.float32) for _ in range(3)]
    for vector, degrees in zip(turning, (57.5, 64.5, 68.5), strict=True):
        vector[0], vector[1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    index = index_of(pool, *[photo(number + 1, vector) for number, vector in enumerate(turning)])
    once, twice = (
        [match.image_id.int for match in match_faces(index, PROBE, 0.5, pool, replace(SECOND_PASS, rounds=rounds))]
        for rounds in (1, 2)
    )
    assert [match.image_id.int for match in match_faces(index, PROBE, 0.5, pool, None)] == [1]
    assert once[:2] == [1, 2]
    assert set(once) <= set(twice)


def test_a_stricter_event_has_a_stricter_second_pass(pool: ThreadPoolExecutor) -> None:
    index = index_of(pool, photo(1, at_cosine(0.61)), photo(2, at_cosine(0.45)))
    assert found(index, 0.5) == [1, 2]
    assert found(index, 0.6) == [1], "a match at .61 is not sure enough for a threshold of .60"


class CountingStore(MemoryPhotoStore):
    """Counts the rows that it hands out."""

    rows = 0

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
        for change in super().changes(event_id, shard, since, faces=faces):
            self.rows += 1
            yield change


def test_a_warm_index_reads_only_what_is_new(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesearch.faces.index.event.OVERLAP_MICROSECONDS", 0)
    store = CountingStore()
    for number in range(1, 41):
        store.add(EVENT_ID, 4, photo(number, at_cosine(0.7)))
    index = EventIndex(EVENT_ID, MODEL)
    index.refresh(store, EVENT, pool)
    assert store.rows == 40
    store.add(EVENT_ID, 4, photo(99, at_cosine(0.9)))
    store.rows = 0
    index.refresh(store, EVENT, pool)
    assert store.rows == 1
    assert found(index)[0] == 99
    assert len(found(index)) == 41


def test_the_overlap_is_read_again_and_counted_once(pool: ThreadPoolExecutor) -> None:
    store = MemoryPhotoStore()
    store.add(EVENT_ID, 4, photo(1, at_cosine(0.7)))
    index = EventIndex(EVENT_ID, MODEL)
    for _ in range(3):
        index.refresh(store, EVENT, pool)
    assert index.faces == 1


def test_the_least_recently_used_event_is_dropped_when_memory_runs_out(pool: ThreadPoolExecutor) -> None:
    store = MemoryPhotoStore()
    events = [replace(EVENT, event_id=number) for number in (1, 2, 3)]
    for event in events:
        for number in range(5500):
            store.add(event.event_id, event.shards, photo(number + 1, at_cosine(0.7)))
    cache = IndexCache(store, MemorySnapshotStore(), megabytes=2, pool=pool)  # two of 0.75 MB, not three
    first, second, again, _ = (cache.current(event) for event in (events[0], events[1], events[0], events[2]))
    assert again is first
    assert cache.current(events[0]) is first
    assert cache.current(events[1]) is not second, "event 2 had to be read from the start"
