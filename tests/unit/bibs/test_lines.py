"""Which lines of a photo are worth reading."""

from hypothesis import given
from hypothesis import strategies as st

from facesearch.bibs.lines import Line, promising, separate
from tests.unit.bibs.faces import face


def line(x: float, y: float, width: float = 90, height: float = 40) -> Line:
    return Line(x, y, width, height, 0)


def test_a_line_that_two_views_have_found_is_one_and_the_first_counts() -> None:
    first, second, below = line(500, 300), line(505, 303, 100, 44), line(500, 340)
    assert separate([first, second, below]) == [first, below]
    assert separate([second, below, first]) == [second, below]


def test_a_line_that_no_bib_is_as_long_or_as_narrow_as_is_dropped() -> None:
    assert separate([line(0, 0, 400, 40), line(0, 0, 15, 40)]) == []


def test_each_faces_largest_line_comes_before_anybodys_second() -> None:
    faces = [face(300, 100), face(1500, 100, 30, 40)]
    number, sponsor = line(300, 300, 90, 40), line(300, 260, 90, 28)
    small_number, small_sponsor = line(1500, 200, 40, 16), line(1500, 180, 40, 10)
    poster, wheel = line(900, 1200, 200, 100), line(1000, 1200, 100, 200)
    lines = [wheel, poster, small_sponsor, small_number, sponsor, number]
    order = promising(lines, faces)
    assert order[:2] == [number, small_number]
    assert order.index(poster) < order.index(sponsor) < order.index(small_sponsor)
    assert order.index(wheel) > order.index(poster)


@given(st.lists(st.builds(line, st.floats(0, 2000), st.floats(0, 1300), st.floats(5, 300), st.floats(5, 300))))
def test_no_line_is_lost_or_doubled(lines: list[Line]) -> None:
    faces = [face(300, 100), face(350, 100), face(1500, 300)]
    assert sorted(promising(lines, faces)) == sorted(lines)
    kept = separate(lines)
    assert separate(kept) == kept
