"""Where bibs are looked for."""

from hypothesis import given
from hypothesis import strategies as st

from facesearch.bibs.zones import FACE_SIDE, MOST_ENLARGED, whole, zones
from facesearch.faces.engine import Face
from tests.unit.bibs.faces import face

WIDTH, HEIGHT = 2048, 1365
PLENTY = 1e9

FACES = st.builds(face, st.floats(-50, 2100), st.floats(-50, 1400), width=st.floats(1, 1500), height=st.floats(1, 1500))


def test_a_zone_is_below_its_face_and_shows_it_at_one_size() -> None:
    (zone,) = zones([face(1000, 200, 90, 128)], WIDTH, HEIGHT, PLENTY)
    assert (zone.left, zone.right) == (1000 - 180, 1000 + 180)
    assert (zone.top, zone.bottom) == (200 + 0.4 * 128, 200 + 4.3 * 128)
    assert zone.scale == FACE_SIDE / 128


def test_a_zone_ends_with_the_picture_and_is_hardly_enlarged() -> None:
    (zone,) = zones([face(20, 1200, 24, 30)], WIDTH, HEIGHT, PLENTY)
    assert (zone.left, zone.bottom, zone.scale) == (0, 1200 + 4.3 * 30, MOST_ENLARGED)
    assert not zones([face(1000, HEIGHT + 10)], WIDTH, HEIGHT, PLENTY)


def test_people_beside_each_other_are_seen_in_one_view() -> None:
    crowd = [face(300 + 40 * number, 200) for number in range(20)]
    (zone,) = zones(crowd, WIDTH, HEIGHT, PLENTY)
    assert (zone.left, zone.right) == (300 - 120, 300 + 40 * 19 + 120)
    assert len(zones([face(300, 200), face(1500, 200)], WIDTH, HEIGHT, PLENTY)) == 2


def test_the_largest_faces_have_their_zones_where_there_is_not_enough_for_all() -> None:
    small, large = face(300, 200, 40, 50), face(1500, 300, 90, 120)
    (zone,) = zones([small, large], WIDTH, HEIGHT, zones([large], WIDTH, HEIGHT, PLENTY)[0].pixels)
    assert zone.left == 1500 - 180


@given(st.lists(FACES, max_size=40), st.floats(1e4, 3e6))
def test_zones_lie_in_the_picture_and_cost_no_more_than_they_may(faces: list[Face], pixels: float) -> None:
    found = zones(faces, WIDTH, HEIGHT, pixels)
    assert sum(zone.pixels for zone in found) <= pixels * (1 + 1e-9)
    for zone in found:
        assert 0 <= zone.left < zone.right <= WIDTH
        assert 0 <= zone.top < zone.bottom <= HEIGHT
        assert 0 < zone.scale <= MOST_ENLARGED


@given(st.lists(FACES, max_size=40))
def test_joining_zones_leaves_no_place_out_and_sees_none_of_it_worse(faces: list[Face]) -> None:
    found = zones(faces, WIDTH, HEIGHT, PLENTY)
    for each in faces:
        for alone in zones([each], WIDTH, HEIGHT, PLENTY):
            assert any(
                zone.left <= alone.left
                and zone.top <= alone.top
                and zone.right >= alone.right
                and zone.bottom >= alone.bottom
                and zone.scale >= alone.scale
                for zone in found
            )


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.floats(1e3, 1e6))
def test_the_whole_picture_is_shrunk_to_what_it_may_cost(width: int, height: int, pixels: float) -> None:
    zone = whole(width, height, pixels)
    assert zone[:4] == (0, 0, width, height)
    assert zone.pixels <= pixels * (1 + 1e-9)
    assert zone.scale == 1 or zone.pixels >= pixels * (1 - 1e-9)
