"""Several embeddings of one person as one: what the mean is, and who is told to be somebody else."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from facesearch.errors import OtherPerson
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import SAME_PERSON, averaged
from facesearch.faces.engine import SelfieProbe
from facesearch.models import DEFAULT_MODEL, FIRST_MODEL, FaceSet
from tests.support.fakes import EVENT
from tests.support.site import Inline
from tests.unit.faces.sets.places import matcher_over

LEAST = threshold(SAME_PERSON)


def face(person: int, likeness: float, own: int) -> NDArray[np.float32]:
    """A picture of a person: so much of what all of them share, the rest along an axis of its own."""
    vector = np.zeros(128)
    vector[person], vector[64 + own] = likeness, np.sqrt(1 - likeness**2)
    return vector.astype(np.float32)


def test_one_embedding_stays_as_it_is() -> None:
    one = face(1, 0.7, 1) * np.float32(1.5)
    assert averaged([one], DEFAULT_MODEL) is one


@given(st.lists(st.floats(0.62, 1), min_size=2, max_size=3), st.randoms())
def test_the_mean_has_length_one_and_the_same_likeness_to_each_whatever_their_order_and_lengths(
    likenesses: list[float], shuffling: Random
) -> None:
    faces = [face(1, likeness, own) for own, likeness in enumerate(likenesses)]
    mean = averaged(faces, DEFAULT_MODEL)
    assert (mean.shape, str(mean.dtype)) == ((128,), "float32")
    assert np.linalg.norm(mean) == pytest.approx(1, abs=1e-6)
    expected = np.mean(np.array(faces, np.float64), axis=0)
    assert mean @ expected == pytest.approx(np.linalg.norm(expected), abs=1e-5)
    shuffling.shuffle(faces)
    assert averaged([each * np.float32(3) for each in faces], DEFAULT_MODEL) == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ((1, 2), "Selfie 2 does not show the same person as selfie 1."),
        ((1, 1, 2), "Selfie 3 does not show the same person as the others."),
        ((2, 1, 1), "Selfie 1 does not show the same person as the others."),
        ((1, 2, 3), "The selfies show different people. Send pictures of one person."),
    ],
)
def test_somebody_else_is_named(people: tuple[int, ...], message: str) -> None:
    with pytest.raises(OtherPerson) as refused:
        averaged([face(person, 0.8, own) for own, person in enumerate(people)], DEFAULT_MODEL)
    assert (refused.value.message, refused.value.status) == (message, 400)


@given(st.lists(st.integers(1, 3), min_size=2, max_size=3), st.floats(0.3, 1))
def test_exactly_those_are_refused_of_which_two_are_not_alike(people: list[int], likeness: float) -> None:
    faces = [face(person, likeness, own) for own, person in enumerate(people)]
    alike = [float(one.astype(np.float64) @ other) for one, other in combinations(faces, 2)]
    assume(all(abs(cosine - LEAST) >= 1e-6 for cosine in alike))
    try:
        averaged(faces, DEFAULT_MODEL)
        assert min(alike) >= LEAST
    except OtherPerson:
        assert min(alike) < LEAST


def test_the_scale_is_that_of_the_event_s_model() -> None:
    class Pair:
        def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
            return SelfieProbe(face(1, 0.603, len(selfie)))

    alike = Pair().probe(b"1").embedding @ Pair().probe(b"22").embedding
    assert threshold(SAME_PERSON, FIRST_MODEL) < alike < LEAST
    matcher = matcher_over(lambda _: Pair(), None, None, pool=Inline())
    older, newer = (replace(EVENT, faces=FaceSet(model)) for model in (FIRST_MODEL, DEFAULT_MODEL))
    assert matcher.keepable(older, [b"1", b"22"]).model == FIRST_MODEL
    with pytest.raises(OtherPerson):
        matcher.keepable(newer, [b"1", b"22"])
