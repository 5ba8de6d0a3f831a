"""What the text networks' outputs come to."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facesearch.adapters.opencv.text_lines import MOST_LINES, STRIP_HEIGHT, lines_of, strip_of, text_of
from facesearch.bibs.lines import Line


def probabilities(*boxes: tuple[float, float, float, float, float], value: float = 0.9) -> NDArray[np.float32]:
    """A map of 320 x 480 pixels with cores: middle, width, height, degrees."""
    ink = np.zeros((320, 480), np.float32)
    for x, y, width, height, degrees in boxes:
        corners = cv2.boxPoints(((x, y), (width, height), degrees)).round().astype(np.int32)
        cv2.fillPoly(ink, [corners], (value,))
    return ink


@pytest.mark.parametrize("degrees", [-40, -15, 0, 15, 40])
def test_a_core_is_a_line_with_margins_and_its_turn(degrees: int) -> None:
    (line,) = lines_of(probabilities((200, 150, 120, 30, degrees)))
    assert line.x == pytest.approx(200, abs=1)
    assert line.y == pytest.approx(150, abs=1)
    assert line.degrees == pytest.approx(degrees, abs=2)
    assert 120 * 1.2 < line.width < 120 * 1.5
    assert 30 * 1.8 < line.height < 30 * 2.8


def test_a_core_at_the_edge_or_faint_or_tiny_is_no_line() -> None:
    assert not lines_of(probabilities((60, 150, 120, 30, 0), (240, 310, 90, 30, 0)))
    assert not lines_of(probabilities((200, 150, 120, 30, 0), value=0.4))
    assert not lines_of(probabilities((200, 150, 120, 1, 0)))


def test_a_wall_of_words_has_only_its_largest() -> None:
    rows = [(20 + 30 * x, 12 + 14 * y, 20, 5 + (y == 3), 0) for x in range(15) for y in range(20)]
    lines = lines_of(probabilities(*rows))
    assert len(lines) == MOST_LINES
    assert {round((line.y - 12) / 14) for line in lines[:15]} == {3}


@pytest.mark.parametrize("degrees", [-40, 0, 25])
@pytest.mark.parametrize("height", [12, 48, 300])
def test_a_strip_is_the_line_upright(degrees: int, height: int) -> None:
    # Given a line of two halves in a picture
    width = 3 * height
    image = np.zeros((1200, 1500, 3), np.uint8)
    turn = np.deg2rad(degrees)
    for side, colour in ((-1, (200, 0, 0)), (1, (0, 0, 200))):
        middle = (750 + side * np.cos(turn) * width / 4, 600 + side * np.sin(turn) * width / 4)
        corners = cv2.boxPoints((middle, (width / 2, height), degrees)).round().astype(np.int32)
        cv2.fillPoly(image, [corners], colour)
    # When its strip is cut out with half a height beside it
    strip = strip_of(image, Line(750, 600, width, height, degrees), 0.5, 1000)
    # Then the halves are left and right, with nothing of their surroundings but beside them
    assert strip.shape == (STRIP_HEIGHT, 4 * STRIP_HEIGHT, 3)
    left, right = strip[8:-8, 32 : 2 * STRIP_HEIGHT - 8], strip[8:-8, 2 * STRIP_HEIGHT + 8 : -32]
    assert left[..., 0].min() > 150
    assert left[..., 2].max() < 50
    assert right[..., 2].min() > 150
    assert strip[8:-8, :16].max() < 60


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (30, 30)])
def test_a_strip_beyond_the_picture_is_as_its_edge(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 77, np.uint8)
    for line in (Line(0, 0, 40, 20, 30), Line(600, -50, 100, 30, 0), Line(15, 15, 1, 1, -45), Line(5, 5, 900, 800, 0)):
        strip = strip_of(image, line, 0.3, 320)
        assert strip.shape[0] == STRIP_HEIGHT
        assert strip.shape[1] <= 320
        assert (strip == 77).all()


def steps(letters: str, sure: float = 0.9) -> NDArray[np.float32]:
    """Probabilities of the letters "-ab": what the recogniser sees step by step."""
    rows = np.full((len(letters), 3), 0.01, np.float32)
    rows[range(len(letters)), ["-ab".index(letter) for letter in letters]] = sure
    return rows


def test_a_letter_seen_twice_is_one_unless_nothing_is_between() -> None:
    assert text_of(steps("-aa--ab-b"), ["", "a", "b"])[0] == "aabb"
    assert text_of(steps("---"), ["", "a", "b"]) == ("", 0)


def test_a_text_is_as_sure_as_its_least_sure_character() -> None:
    rows = steps("-a-b-")
    rows[3, 2] = 0.6
    rows[4, 0] = 0.3  # that there is nothing more does not count
    text, score = text_of(rows, ["", "a", "b"])
    assert text == "ab"
    assert score == pytest.approx(0.6)
