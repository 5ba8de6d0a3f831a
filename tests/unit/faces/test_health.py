"""Event health: what records come to, how alike faces are, and how many strangers that lets a search find."""

import random
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.faces import health
from facesearch.faces.confidence import threshold
from facesearch.faces.health import (
    CONFIDENCES,
    ENOUGH_FOR_A_LAW,
    ENOUGH_PAIRS,
    Health,
    Looks,
    alike_together,
    health_of,
    is_alike,
)
from facesearch.faces.index.event import EventIndex
from facesearch.models import FIRST_MODEL, FaceSet
from facesearch.records import Photo
from tests.support.examples import examples
from tests.support.fakes import EVENT, EVENT_ID
from tests.unit.faces.test_cohort import ALIKE, Vectors, crowd, index_of, photo, picture_of

VERY_ALIKE = 0.63


def stored(photos: Sequence[Photo]) -> MemoryPhotoStore:
    store = MemoryPhotoStore()
    for each in photos:
        store.add(EVENT_ID, EVENT.shards, each)
    return store


def health_with(photos: Sequence[Photo], pool: ThreadPoolExecutor) -> Health:
    return health_of(EVENT, stored(photos), pool)


def groups(people: Vectors, size: int) -> list[Photo]:
    """Photos of so many people each."""
    return [photo(start, *people[start : start + size]) for start in range(0, len(people), size)]


def test_each_photo_counts_once(pool: ThreadPoolExecutor) -> None:
    one, two, three = crowd(3, 1)
    failed = Photo(uuid.UUID(int=3), "failed", "k", reason="no readable picture")
    photos = [photo(1, one, two), photo(2), photo(3, three, model="older"), failed, photo(4, three)]
    advanced: list[int] = []
    store = stored([*photos, photo(5, one)])
    store.delete(EVENT_ID, EVENT.shards, photo(5).image_id)
    found = health_of(EVENT, store, pool, advanced.append)
    assert (found.photos, found.without_faces, found.failed, found.unseen, found.faces) == (5, 1, 1, 1, 3)
    assert sum(advanced) == 5
    assert (found.looks, found.together, found.apart, found.strangers, found.alike) == (None,) * 5


def test_faces_that_were_measured_tell_how_they_look(pool: ThreadPoolExecutor) -> None:
    one, two, three = crowd(3, 1)
    photos = [
        photo(1, one, two, qualities=[(200, 0.3), (39, 0.01)]),
        photo(2, three, one, qualities=[(31, 0.3), (92, 0.01)]),
        photo(3, two),  # an older record
    ]
    assert health_with(photos, pool).looks == Looks(4, 66, 0.5, 0.25, 0.25)


def test_qualities_of_another_models_faces_say_nothing(pool: ThreadPoolExecutor) -> None:
    (one,) = crowd(1, 1)
    other = photo(1, one, model="older", qualities=[(200, 0.3)])
    switched = replace(other, built_model=EVENT.model, built_faces=other.faces)
    found = health_with([switched], pool)
    assert (found.faces, found.looks) == (1, None)


def test_vectors_of_a_huge_event_are_a_sample_and_its_faces_all_count(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "KEPT_FACES", 200)
    found = health_with(groups(crowd(1_000, 2), 2), pool)
    assert found.faces == 1_000
    assert found.apart is not None
    assert found.apart.pairs <= 200 * 199 // 2


@settings(max_examples=examples(10))
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_uploads_does_not_matter(seed: int) -> None:
    photos = [*groups(crowd(120, 3, ALIKE), 3), photo(1_000, *crowd(1, 4)), photo(1_001)]
    with ThreadPoolExecutor(4) as pool:
        expected = health_with(photos, pool)
        assert health_with(random.Random(seed).sample(photos, len(photos)), pool) == expected
    assert expected.strangers is not None


@given(st.lists(st.integers(0, 9), max_size=60), st.booleans())
@settings(max_examples=examples(25))
def test_pairs_are_all_of_one_photo_and_of_two_faces(sizes: list[int], compacted: bool) -> None:
    """Faces of one photo are at right angles here, and every photo's are the same ones."""
    faces = np.eye(128)[:9]
    index = index_of([photo(number, *faces[:size]) for number, size in enumerate(sizes)])
    if compacted:
        index = EventIndex(EVENT_ID, EVENT.model, index.to_snapshot())
    found = alike_together(index)
    pairs = sum(size * (size - 1) // 2 for size in sizes)
    assert (found is None) == (pairs < ENOUGH_PAIRS)
    if found is not None:
        assert (found.pairs, found.q75, found.q90) == (pairs, 0, 0)


def test_every_face_that_has_company_is_drawn_as_often() -> None:
    """A crowd on one photo has nearly all the pairs, and counts by its faces alone."""
    alike, others = crowd(60, 5, VERY_ALIKE), crowd(600, 6)
    photos = [photo(0, *alike), *(photo(1 + n, *others[2 * n : 2 * n + 2]) for n in range(300))]
    found = alike_together(index_of(photos))
    assert found is not None
    assert found.q75 < 0.2, "a tenth of the faces, nine tenths of the pairs"


@pytest.mark.parametrize(("alike", "unusual"), [(0.0, False), (VERY_ALIKE, True)])
@pytest.mark.parametrize("size", [1, 2])
def test_strangers_who_are_unusually_alike_are_told_by_photos_of_several_or_of_one(
    pool: ThreadPoolExecutor, alike: float, unusual: bool, size: int
) -> None:
    found = health_with(groups(crowd(400, 7, alike), size), pool)
    assert (found.together is None) == (size == 1)
    assert found.alike is unusual
    if found.together is not None:
        assert is_alike(found.together) is unusual


def test_pictures_of_one_person_do_not_make_an_event_alike(pool: ThreadPoolExecutor) -> None:
    ten = crowd(10, 8)
    photos = [photo(number, picture_of(ten[number % 10], number)) for number in range(200)]
    assert health_with(photos, pool).alike is False


def test_as_many_are_expected_as_there_are(pool: ThreadPoolExecutor) -> None:
    """By the law through the body, against all pairs of strangers counted."""
    people = crowd(1_500, 10, 0.3)
    photos = [photo(number, face) for number, face in enumerate(people)]
    found = health_with(photos, pool)
    assert found.strangers is not None
    assert list(found.strangers) == list(CONFIDENCES)
    cohort = index_of([photo(number, face) for number, face in enumerate(people)]).cohort
    values = np.concatenate([np.frombuffer(each.faces, "i1").reshape(1, -1)[:, 4:] for each in photos])
    off = cohort.of_faces(values)
    unit = values / np.linalg.norm(values.astype(float), axis=1, keepdims=True)
    scores = (unit @ unit.T - off - off[:, None])[np.triu_indices(len(unit), 1)]
    counted = len(people) * (scores >= threshold(60)).mean()
    assert counted / 2 < found.strangers[60] < counted * 2
    expected = [found.strangers[each] for each in CONFIDENCES]
    assert expected == sorted(expected, reverse=True)


def test_faces_of_an_older_model_are_compared_as_they_are(pool: ThreadPoolExecutor) -> None:
    people = crowd(300, 11, VERY_ALIKE)
    strangers = {}
    for model in (EVENT.model, FIRST_MODEL):
        photos = [photo(number, face, model=model) for number, face in enumerate(people)]
        found = health_of(replace(EVENT, faces=FaceSet(model)), stored(photos), pool)
        assert found.strangers is not None
        strangers[model] = found.strangers[90]
    assert strangers[EVENT.model] < 0.1 * strangers[FIRST_MODEL], "which nothing levels"


def test_of_a_few_faces_nothing_is_promised(pool: ThreadPoolExecutor) -> None:
    enough = next(n for n in range(100) if n * (n - 1) // 2 >= ENOUGH_FOR_A_LAW)
    people = crowd(enough, 12)
    assert health_with(groups(people[:-1], 1), pool).strangers is None
    assert health_with(groups(people, 1), pool).strangers is not None


def test_copies_of_one_face_are_no_strangers(pool: ThreadPoolExecutor) -> None:
    (one,) = crowd(1, 13)
    found = health_with([photo(number, one) for number in range(60)], pool)
    assert (found.apart, found.strangers, found.alike) == (None, None, None)


def test_of_a_handful_of_faces_drawn_again_and_again_nothing_is_said(pool: ThreadPoolExecutor) -> None:
    """Few of their pairs are strangers', whatever the draws."""
    alone, twins = crowd(1, 5), crowd(60, 6, 0.9)
    photos = [photo(number, face) for number, face in enumerate([*twins, *alone])]
    assert health_with(photos, pool).apart is None
