"""Levelling: whom an event's faces are compared with, and what that takes off their scores."""

import random
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from facesearch.faces.embedded import match_faces
from facesearch.faces.engine import PLAIN_MODEL
from facesearch.faces.index.cohort import APART, LARGEST, LOOKED_AT, NOBODY, Cohort, draw
from facesearch.faces.index.event import EventIndex
from facesearch.faces.index.vectors import Values, cosines, probe_of
from facesearch.faces.packing import pack, values_of
from facesearch.faces.qualities import pack_qualities
from facesearch.models import DEFAULT_MODEL, FIRST_MODEL
from facesearch.records import Photo
from tests.support.fakes import EVENT_ID

Vectors = NDArray[np.float64]
ALIKE = 0.45
"""How much of one direction children's vectors share here: strangers among them have cosines of about .2 to .5."""


def crowd(count: int, seed: int, alike: float = 0.0) -> Vectors:
    """Faces of so many people, shape (count, 128); `alike` of all of them is the same."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(count, 128)) * np.linspace(1.6, 0.4, 128)  # real ones lie in few dimensions, too
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    common: Vectors = np.eye(128)[0]
    made: Vectors = alike * common + np.sqrt(1 - alike**2) * own
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def picture_of(person: Vectors, seed: int, near: float = 0.7) -> Vectors:
    """Another picture of a person, at that cosine."""
    other = np.random.default_rng(seed).normal(size=128)
    other -= (other @ person) * person
    made: Vectors = near * person + np.sqrt(1 - near**2) * other / np.linalg.norm(other)
    return made


def stored(vectors: Vectors) -> Values:
    return values_of(pack(vectors.astype(np.float32)))


def photo(
    number: int,
    *faces: Vectors,
    model: str = DEFAULT_MODEL,
    status: Any = "indexed",
    qualities: Sequence[tuple[float, float]] = (),
) -> Photo:
    packed = pack(np.stack(faces).astype(np.float32)) if faces else b""
    image_id = uuid.uuid5(uuid.NAMESPACE_OID, str(number))
    return Photo(image_id, status, "k", 10, 10, model, packed, qualities=pack_qualities(qualities))


def index_of(photos: Sequence[Photo], model: str = DEFAULT_MODEL) -> EventIndex:
    index = EventIndex(EVENT_ID, model)
    index.apply(photos)
    return index


def members(cohort: Cohort) -> list[bytes]:
    return [row.tobytes() for row in cohort.values]


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.floats(0, 0.8))
def test_a_cohort_takes_each_face_that_is_apart_from_all_before(seed: int, count: int, alike: float) -> None:
    faces = stored(crowd(count, seed, alike)) if count else np.empty((0, 128), np.int8)
    cohort, looked_at = draw(faces)
    expected: list[int] = []
    for row in range(count):
        if not expected or cosines(faces[expected], probe_of(faces[row].astype(float))).max() < APART - 1e-6:
            expected.append(row)
    assert looked_at == count
    assert members(cohort) == [faces[row].tobytes() for row in expected]


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_order_of_uploads_deletions_and_compaction_do_not_matter(seed: int, compacted: bool) -> None:
    """The cohort is what the faces that are there make of it, however they came."""
    chance = random.Random(seed)
    faces = crowd(60, 3, ALIKE)
    photos = [photo(number, *faces[2 * number : 2 * number + 1 + number % 2]) for number in range(30)]
    gone = set(chance.sample(range(30), 8))
    expected = index_of([each for number, each in enumerate(photos) if number not in gone]).cohort
    index = EventIndex(EVENT_ID, DEFAULT_MODEL)
    order = chance.sample(photos, 30)
    for number, start in enumerate(range(0, 30, 6)):
        index.apply(order[start : start + 6])
        assert len(index.cohort)
        if compacted and number == 2:
            index = EventIndex(EVENT_ID, DEFAULT_MODEL, index.to_snapshot())
    index.apply([photo(number, status="deleted") for number in gone])
    assert members(index.cohort) == members(expected)


def test_photos_without_faces_take_nobodys_place_in_the_cohort() -> None:
    faces = crowd(300, 4)
    photos = [photo(number, face) for number, face in enumerate(faces)]
    empty = [photo(1_000 + number) for number in range(3 * LOOKED_AT)]
    assert members(index_of([*photos, *empty]).cohort) == members(index_of(photos).cohort)


def test_a_deleted_person_leaves_the_cohort_with_the_next_look() -> None:
    faces = crowd(40, 5)
    index = index_of([photo(number, face) for number, face in enumerate(faces)])
    before = members(index.cohort)
    index.apply([photo(7, status="deleted")])
    assert set(before) - set(members(index.cohort)) == {stored(faces[7:8]).tobytes()}


def test_in_a_large_event_hardly_any_upload_changes_the_cohort() -> None:
    faces = crowd(3 * LOOKED_AT, 6)
    index = index_of([photo(number, face) for number, face in enumerate(faces[:-200])])
    first, redrawn = index.cohort, 0
    for number, face in enumerate(faces[-200:]):
        last = index.cohort
        index.apply([photo(10_000 + number, face)])
        redrawn += index.cohort is not last
    assert 0 < redrawn < 80, "only of what is drawn from, a fifth"
    assert len(first) == len(index.cohort) == LARGEST


def test_whoever_is_on_many_photos_has_no_excess_for_it(pool: ThreadPoolExecutor) -> None:
    """A bride on a third of the photos is as near to herself as nobody else is to anybody."""
    guests = crowd(80, 8)
    alone = draw(stored(guests))[0].of_probe(probe_of(guests[0]))
    pictures = [picture_of(guests[0], seed, 0.75) for seed in range(40)]
    photos = [photo(number, face) for number, face in enumerate([*guests, *pictures])]
    index = index_of(photos)
    assert index.cohort.of_probe(probe_of(guests[0])) == pytest.approx(alone, abs=0.01)
    found = match_faces(index, pictures[0].astype(np.float32), 0.5, pool)
    assert {photos[number].image_id for number in range(80, 120)} <= {match.image_id for match in found}


def test_strangers_who_are_unusually_alike_are_told_apart(pool: ThreadPoolExecutor) -> None:
    """Bare cosines bring strangers in every search among such faces; levelled scores hardly ever."""
    people = crowd(300, 9, alike=0.63)
    shown = [(person, picture_of(people[person], seed, 0.8)) for seed, person in enumerate([*range(300)] * 2)]
    strangers = {}
    for model in (FIRST_MODEL, DEFAULT_MODEL):
        photos = [photo(number, face, model=model) for number, (_, face) in enumerate(shown)]
        whose = {each.image_id: person for each, (person, _) in zip(photos, shown, strict=True)}
        index = index_of(photos, model)
        found = [
            [whose[match.image_id] == person for match in match_faces(index, people[person].astype("f4"), 0.5, pool)]
            for person in range(0, 300, 10)
        ]
        strangers[model] = sum(each.count(False) for each in found)
        assert sum(each.count(True) for each in found) >= 54, "of 60"
    assert strangers[FIRST_MODEL] > 60
    assert strangers[DEFAULT_MODEL] <= 1


@pytest.mark.parametrize("model", [FIRST_MODEL, PLAIN_MODEL, f"{FIRST_MODEL}+2", f"{DEFAULT_MODEL}+2"])
def test_faces_of_older_models_score_as_they_did_and_new_generations_of_today_s_are_levelled(model: str) -> None:
    index = index_of([photo(number, face, model=model) for number, face in enumerate(crowd(5, 2))], model)
    assert len(index.cohort) == (5 if model.startswith(DEFAULT_MODEL) else 0)


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.floats(0, 0.7))
def test_scores_are_only_ever_lowered_and_no_further_than_it_says(seed: int, count: int, alike: float) -> None:
    cohort = draw(stored(crowd(count, seed, alike)))[0] if count else NOBODY
    faces = stored(crowd(20, seed + 1, alike))
    taken_off = cohort.of_faces(faces)
    assert taken_off.shape == (20,)
    assert (taken_off >= 0).all()
    assert (taken_off <= cohort.most + 1e-9).all()
    each = [cohort.of_faces(faces[row : row + 1])[0] for row in range(20)]
    assert taken_off.tolist() == each, "a face's is the same whichever others are looked at"
    probes = [cohort.of_probe(probe_of(face.astype(float))) for face in faces]
    assert taken_off == pytest.approx(probes, abs=1e-5)
