"""Where bibs are looked for."""

from hypothesis import given
from hypothesis import strategies as st

from facesearch.bibs.lines import Line
from facesearch.bibs.zones import (
    ABOVE,
    ACROSS,
    BELOW,
    BLOCK_SIDE,
    FACE_SIDE,
    MOST_ENLARGED,
    MOST_PIXELS,
    around,
    whole,
    zones,
)
from facesearch.faces.engine import Face
from tests.unit.bibs.faces import face

WIDTH, HEIGHT = 2048, 1365
PLENTY = 1e9

FACES = st.builds(face, st.floats(-50, 2100), st.floats(-50, 1400), width=st.floats(1, 1500), height=st.floats(1, 1500))


def test_a_zone_is_below_its_face_and_shows_it_at_one_size() -> None:
    zone = zones([face(1000, 200, 90, 128)], WIDTH, HEIGHT, PLENTY)[0]
    assert (zone.left, zone.right) == (1000 - ACROSS * 90, 1000 + ACROSS * 90)
    assert (zone.top, zone.bottom) == (200 + ABOVE * 128, 200 + BELOW * 128)
    assert zone.scale == FACE_SIDE / 128


def test_a_zone_ends_with_the_picture_and_is_hardly_enlarged() -> None:
    zone = zones([face(20, 1300, 24, 30)], WIDTH, HEIGHT, PLENTY)[0]
    assert (zone.left, zone.bottom, zone.scale) == (0, HEIGHT, MOST_ENLARGED)
    assert zones([face(1000, HEIGHT + 10), face(500, 200)], WIDTH, HEIGHT, PLENTY).keys() == {1}


@given(st.lists(FACES, max_size=40), st.floats(1e4, 3e6))
def test_zones_lie_in_the_picture_and_cost_no_more_than_they_may(faces: list[Face], pixels: float) -> None:
    found = zones(faces, WIDTH, HEIGHT, pixels)
    assert sum(zone.pixels for zone in found.values()) <= pixels * (1 + 1e-9)
    for zone in found.values():
        assert 0 <= zone.left < zone.right <= WIDTH
        assert 0 <= zone.top < zone.bottom <= HEIGHT
        assert 0 < zone.scale <= MOST_ENLARGED
    # And those of the first faces come before all others'
    assert list(found) == list(zones(faces, WIDTH, HEIGHT, PLENTY))[: len(found)]


@given(st.builds(Line, st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(1, 2000), st.floats(1, 1400), st.just(0.0)))
def test_a_closer_look_has_the_line_in_it(line: Line) -> None:
    zone = around(line, WIDTH, HEIGHT)
    assert 0 <= zone.left <= line.x <= zone.right <= WIDTH
    assert 0 <= zone.top <= line.y <= zone.bottom <= HEIGHT
    assert zone.left <= max(0, line.x - line.width / 2)
    assert zone.bottom >= min(HEIGHT, line.y + line.height / 2)
    assert line.height * zone.scale <= BLOCK_SIDE * (1 + 1e-9)


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.floats(1e3, 1e7))
def test_the_whole_picture_is_shrunk_to_what_it_may_cost(width: int, height: int, pixels: float) -> None:
    zone = whole(width, height, pixels)
    assert zone[:4] == (0, 0, width, height)
    assert zone.pixels <= min(pixels, MOST_PIXELS) * (1 + 1e-9)
    assert zone.scale == 1 or zone.pixels >= min(pixels, MOST_PIXELS) * (1 - 1e-9)
