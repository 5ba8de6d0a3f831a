"""The second look's geometry: where a face lies in its view, and its landmarks back in the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.opencv.detections import SCORE, Detections
from facesearch.adapters.opencv.upright import (
    VIEW_FACE,
    VIEW_SIDE,
    central,
    is_profile,
    landmarks_from,
    roll_of,
    view_of,
)


def face(x: float = 100, y: float = 120, side: float = 60, roll: float = 0, score: float = 0.9) -> Detections:
    """A row whose landmarks are turned clockwise by `roll` degrees around the box's middle."""
    marks = np.array([[-0.2, -0.15], [0.2, -0.15], [0, 0.05], [-0.15, 0.25], [0.15, 0.25]]) * side
    turn = np.radians(roll)
    turned = marks @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    places = turned + np.array([x + 0.4 * side, y + side / 2])
    return np.array([x, y, 0.8 * side, side, *places.ravel(), score], np.float32)


@given(st.floats(-170, 170))
def test_roll_is_told_by_the_eyes(roll: float) -> None:
    assert roll_of(face(roll=roll)) == pytest.approx(roll, abs=0.01)


@given(st.floats(-60, 60), st.floats(24, 300), st.floats(0, 500), st.floats(0, 500))
def test_landmarks_come_back_to_where_they_were(degrees: float, side: float, x: float, y: float) -> None:
    picture, row = np.zeros((8, 8, 3), np.uint8), face(x, y, side, roll=degrees)
    _, transform = view_of(picture, row, degrees)
    seen = row.copy()
    seen[4:SCORE] = (row[4:SCORE].reshape(5, 2) @ transform[:, :2].T + transform[:, 2]).ravel()
    seen[SCORE] = 0.99
    back = landmarks_from(seen, transform, row)
    assert back[4:SCORE] == pytest.approx(row[4:SCORE], abs=0.05)
    assert back[[0, 1, 2, 3, SCORE]].tolist() == row[[0, 1, 2, 3, SCORE]].tolist(), "box and score stay"


def test_of_a_view_s_faces_the_surest_central_one_of_the_right_size_counts() -> None:
    middle, size = VIEW_SIDE / 2, float(VIEW_FACE)
    there = face(middle - 0.4 * size, middle - size / 2, size, score=0.8)
    surer = face(middle - 0.4 * size + 5, middle - size / 2, size, score=0.85)
    neighbour = face(-20, middle - size / 2, size, score=0.99)
    tiny = face(middle - 20, middle - 25, 50, score=0.99)
    found = central(np.stack([there, neighbour, tiny, surer]))
    assert found is not None
    assert found[SCORE] == surer[SCORE]
    assert central(np.stack([neighbour, tiny])) is None
    assert central(np.empty((0, 15), np.float32)) is None


def test_a_full_profile_is_told_by_eyes_that_lie_together() -> None:
    row = face(side=100)
    assert not is_profile(row)
    row[6:8] = row[4:6] + np.array([12, 6], np.float32)
    assert is_profile(row)
