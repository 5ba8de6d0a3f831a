"""Pure rules on detector rows: tiles, one row per face, the owner of a selfie."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.opencv.detections import (
    EDGE,
    SCORE,
    Detections,
    Tile,
    largest,
    most_prominent,
    moved,
    one_per_face,
    tiles,
    whole,
)


def rows(*faces: tuple[float, float, float, float, float]) -> Detections:
    """Rows of x, y, width, height and score; every landmark is at the box's corner."""
    found = np.zeros((len(faces), 15), np.float32)
    for row, (x, y, width, height, score) in zip(found, faces, strict=True):
        row[:4] = x, y, width, height
        row[4:14] = [x, y] * 5
        row[SCORE] = score
    return found


PIXELS, OVERLAP = 4_500_000, 192


@given(width=st.integers(1, 9000), height=st.integers(1, 9000))
def test_equal_tiles_cover_the_picture_and_share_enough_with_their_neighbours(width: int, height: int) -> None:
    layout = tiles(width, height, PIXELS, OVERLAP)
    (size,) = {(tile.width, tile.height) for tile in layout}
    assert size[0] * size[1] <= PIXELS
    assert len(layout) == len(set(layout))
    for length, side, starts in (
        (width, size[0], sorted({tile.x for tile in layout})),
        (height, size[1], sorted({tile.y for tile in layout})),
    ):
        assert starts[0] == 0
        assert starts[-1] + side == length
        assert all(start + side - following >= OVERLAP for start, following in pairwise(starts))


@given(length=st.integers(2561, 9000), face=st.integers(1, OVERLAP - 2 * EDGE), data=st.data())
def test_no_face_up_to_the_overlap_is_cut_by_every_tile(length: int, face: int, data: st.DataObject) -> None:
    x = data.draw(st.integers(0, length - face))
    found = rows((x, 500, face, face, 0.9))
    layout = tiles(length, 2500, PIXELS, OVERLAP)
    assert any(len(whole(moved(found, 1, -tile.x, -tile.y), tile, length, 2500)) for tile in layout)


@pytest.mark.parametrize(
    ("size", "tile", "count"),
    [
        ((2561, 1707), (2561, 1707), 1),
        ((4000, 3000), (1462, 3000), 3),
        ((3000, 4000), (3000, 1462), 3),
        ((6000, 4000), (2128, 2096), 6),
        ((9000, 600), (4596, 600), 2),
    ],
)
def test_the_layout_has_the_least_to_look_at(size: tuple[int, int], tile: tuple[int, int], count: int) -> None:
    layout = tiles(*size, PIXELS, OVERLAP)
    assert ({(each.width, each.height) for each in layout}, len(layout)) == ({tile}, count)


def test_a_face_that_an_inner_edge_cuts_is_left_to_the_neighbour() -> None:
    tile = Tile(1000, 0, 1280, 1280)
    at_inner_edge, at_picture_s_edge, inside = (1, 500, 80, 80, 0.9), (500, 0, 80, 80, 0.9), (600, 600, 80, 80, 0.9)
    kept = whole(rows(at_inner_edge, at_picture_s_edge, inside), tile, width=4000, height=3000)
    assert kept[:, 0].tolist() == [500, 600]


def test_rows_move_and_scale_with_their_landmarks() -> None:
    row = moved(rows((10, 20, 30, 40, 0.9)), 0.5, x=100, y=1000)[0]
    assert row[:4].tolist() == [120, 1040, 60, 80]
    assert row[4:14].tolist() == [120, 1040] * 5
    assert row[SCORE] == np.float32(0.9)


def test_one_face_seen_three_times_is_one_face_by_its_surest_row() -> None:
    found = one_per_face(
        rows((100, 100, 200, 200, 0.8), (104, 98, 204, 200, 0.93), (130, 120, 60, 60, 0.75), (600, 100, 50, 50, 0.7))
    )
    assert found[:, SCORE].tolist() == [np.float32(0.93), np.float32(0.7)]


def test_neighbours_cheek_to_cheek_stay_two_faces() -> None:
    assert len(one_per_face(rows((100, 100, 100, 100, 0.9), (170, 100, 100, 100, 0.9)))) == 2


def test_faces_come_largest_first_bounded_in_size_and_number() -> None:
    found = rows(*((0, 0, side, side / 2, 0.9) for side in (30, 10, 50, 40, 24, 23)))
    assert largest(found, side=24, count=100)[:, 2].tolist() == [50, 40, 30, 24]
    assert largest(found, side=24, count=2)[:, 2].tolist() == [50, 40]


@pytest.mark.parametrize(
    ("owner", "bystander"),
    [
        pytest.param((420, 420, 160, 160, 0.8), (0, 0, 200, 200, 0.95), id="central, though smaller and less sure"),
        pytest.param((100, 300, 400, 400, 0.9), (450, 450, 60, 60, 0.95), id="larger, though beside the centre"),
    ],
)
def test_the_owner_of_a_selfie_is_large_and_central(owner: Any, bystander: Any) -> None:
    for found in (rows(owner, bystander), rows(bystander, owner)):
        chosen = most_prominent(found, 1000, 1000)
        assert chosen is not None
        assert chosen[:4].tolist() == list(owner[:4])
