"""Whose a bib is."""

from hypothesis import given
from hypothesis import strategies as st

from facesearch.bibs.linking import Placed, linked, one_per_place
from facesearch.bibs.reader import MAX_BIBS, ReadBib
from facesearch.faces.engine import Face
from tests.unit.bibs.faces import face

STEP = 80
"""The height of these faces."""


def bib(text: str, x: float, below: float, score: float = 0.9) -> Placed:
    """A bib whose middle is there, so many face heights below faces at 0."""
    return Placed(text, score, x, below * STEP, 60, 25)


def wearers(bibs: list[Placed], faces: list[Face]) -> dict[str, int | None]:
    return {read.text: read.face for read in linked(bibs, faces)}


def test_runners_beside_each_other_wear_each_their_own() -> None:
    faces = [face(0, 0), face(200, 0), face(400, 20)]
    bibs = [bib("3", 390, 2.9), bib("1", 10, 2.5), bib("2", 215, 2.2)]
    assert wearers(bibs, faces) == {"1": 0, "2": 1, "3": 2}


def test_a_bib_far_from_all_faces_is_nobodys() -> None:
    faces = [face(0, 0)]
    for x, below in ((200, 2.6), (0, 0.3), (0, 5.5), (0, -2.6)):
        assert wearers([bib("7", x, below)], faces) == {"7": None}
    assert wearers([bib("7", 0, 2.6)], []) == {"7": None}


def test_two_faces_that_compete_for_a_bib_do_not_get_it() -> None:
    assert wearers([bib("7", 20, 2.6)], [face(0, 0), face(45, 0)]) == {"7": None}
    # But one of them has a nearer bib himself
    assert wearers([bib("7", 10, 2.6), bib("8", 60, 2.6)], [face(0, 0), face(65, 0)]) == {"7": 0, "8": 1}


def test_a_face_with_two_numbers_has_none() -> None:
    assert wearers([bib("7", 0, 2.4), bib("8", 0, 3.0)], [face(0, 0)]) == {"7": None, "8": None}
    # The same number on the back of the helmet, the shirt and the bicycle is one
    assert wearers([bib("7", 0, 2.4), bib("7", 0, 3.0)], [face(0, 0)]) == {"7": 0}


def test_a_number_that_two_people_wear_is_nobodys() -> None:
    faces = [face(0, 0), face(400, 0), face(800, 0)]
    assert wearers([bib("7", 0, 2.6), bib("7", 400, 2.6)], faces) == {"7": None}
    assert wearers([bib("7", 400, 2.6), bib("7", 0, 2.6), bib("7", 800, 2.6)], faces) == {"7": None}


def test_the_surest_count_and_each_text_once_by_its_surest_reading() -> None:
    bibs = [bib(str(number), 0, 2.6, score=number / 100) for number in range(50)]
    read = linked([*bibs, bib("49", 500, 2.6, score=0.1)], [])
    assert read == [ReadBib(str(number), number / 100, None) for number in range(49, 49 - MAX_BIBS, -1)]


def test_of_readings_of_one_place_the_longest_counts() -> None:
    cut, whole, elsewhere = bib("432", 8, 2.6, 0.99), bib("1432", 0, 2.6, 0.8), bib("432", 90, 2.6)
    assert one_per_place([cut, whole, elsewhere]) == [whole, elsewhere]
    assert one_per_place([bib("12", 0, 2.6, 0.7), bib("42", 2, 2.6, 0.8)]) == [bib("42", 2, 2.6, 0.8)]


BIBS = st.lists(
    st.builds(bib, st.sampled_from("123456"), st.floats(-500, 1500), st.floats(-1, 6), st.floats(0, 1)), max_size=12
)
FACES = st.lists(st.builds(face, st.floats(-500, 1500), st.floats(-100, 100)), max_size=12)


@given(BIBS, FACES)
def test_a_link_is_one_to_one_and_takes_no_order(bibs: list[Placed], faces: list[Face]) -> None:
    read = linked(bibs, faces)
    assert {each.text for each in read} == {each.text for each in bibs}
    assert len({each.text for each in read}) == len(read)
    worn = [each.face for each in read if each.face is not None]
    assert len(set(worn)) == len(worn)
    backwards = linked(bibs[::-1], faces)
    if len({each.x for each in bibs}) == len(bibs):  # two at one place are as near as each other
        assert {each.text: each.face for each in backwards} == {each.text: each.face for each in read}
