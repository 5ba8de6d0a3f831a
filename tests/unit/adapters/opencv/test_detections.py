"""Pure rules on detector rows: tiles, one row per face, the owner of a selfie."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.opencv.detections import (
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


@given(width=st.integers(1, 9000), height=st.integers(1, 9000))
def test_tiles_cover_the_picture_and_show_each_small_face_whole_once(width: int, height: int) -> None:
    layout = tiles(width, height, side=1280, overlap=192)
    for length, spans in ((width, {(t.x, t.width) for t in layout}), (height, {(t.y, t.height) for t in layout})):
        ordered = sorted(spans)
        assert ordered[0][0] == 0
        assert sum(ordered[-1]) == length
        assert all(size <= 1280 for _, size in ordered)
        for (start, size), (following, _) in pairwise(ordered):
            assert start + size - following >= 192
    assert len(layout) == len({t.x for t in layout}) * len({t.y for t in layout})


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
