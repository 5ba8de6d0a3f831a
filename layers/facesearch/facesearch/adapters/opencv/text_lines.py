"""What to make of the text networks' outputs: lines from a map of probabilities, text from letters'. Pure functions."""

import heapq
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facesearch.bibs.lines import Line
from facesearch.faces.engine import RgbImage

Core = NDArray[np.integer | np.floating]
"""An outline as OpenCV gives it: shape (n, 1, 2), x and y in pixels."""

INK = 0.3
"""Probability from which a pixel belongs to the core of a line of text."""
MIN_SCORE = 0.5
"""Mean probability in the box of a core. Both are PaddleOCR's own numbers."""
UNCLIP = 1.9
"""A core is its line shrunk on all sides by so much of the core's area by its circumference. PaddleOCR's 1.6 cuts more
first and last digits."""
MIN_CORE = 3
"""Pixels of a core's short side."""
MOST_CORES = 1_000
"""Of a map, by the short sides of their upright boxes."""
MOST_LINES = 40
"""The largest of a view. A wall of words has hundreds."""
STRIP_HEIGHT = 48
"""Pixels of a line as the recogniser takes it."""
NARROWEST_STRIP = 24


def lines_of(probabilities: NDArray[np.float32]) -> list[Line]:
    """The largest lines of a map of shape (height, width), in its pixels, without those at its edge."""
    height, width = probabilities.shape
    cores, _ = cv2.findContours((probabilities > INK).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    upright = [(min(cv2.boundingRect(core)[2:]), number) for number, core in enumerate(cores)]
    largest = heapq.nlargest(MOST_CORES, upright)  # of a noisy map there are tens of thousands
    boxed = [(min(cv2.minAreaRect(cores[number])[1]), number) for _, number in largest]
    found: list[Line] = []
    for side, number in sorted(boxed, reverse=True):
        if side < MIN_CORE or len(found) == MOST_LINES:
            break
        core = cores[number]
        line = _line(core)
        across, down = np.ptp(cv2.boxPoints(((line.x, line.y), (line.width, line.height), line.degrees)), axis=0) / 2
        whole = across <= line.x <= width - across and down <= line.y <= height - down
        if whole and _score(probabilities, core) >= MIN_SCORE:
            found.append(line)
    return found


def _score(probabilities: NDArray[np.float32], core: Core) -> float:
    """The mean within the core's turned box."""
    x, y, width, height = cv2.boundingRect(core)
    mask = np.zeros((height, width), np.uint8)
    box = cv2.boxPoints(cv2.minAreaRect(core)) - (x, y)
    cv2.fillPoly(mask, [box.astype(np.int32)], (1,))
    return cv2.mean(probabilities[y : y + height, x : x + width], mask)[0]


def _line(core: Core) -> Line:
    """The core grown to its line, by the turn of its box that is nearest to none."""
    (x, y), (width, height), degrees = cv2.minAreaRect(core)
    grown = UNCLIP * width * height / (width + height)  # twice the area x UNCLIP / the circumference
    turns = round(degrees / 90)
    if turns % 2:
        width, height = height, width
    return Line(x, y, width + grown, height + grown, degrees - 90 * turns)


def strip_of(image: RgbImage, line: Line, beside: float, widest: int) -> RgbImage:
    """The line's pixels upright, shape (`STRIP_HEIGHT`, at most `widest`, 3), with `beside` heights more on both sides;
    what lies outside of the picture is as its edge."""
    height = line.height
    width = line.width + 2 * beside * height
    turn = np.deg2rad(line.degrees)
    across, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    first = np.array([line.x, line.y]) - across * width / 2 - down * height / 2
    corners = np.array([first, first + across * width, first + across * width + down * height, first + down * height])
    size = np.array([image.shape[1], image.shape[0]])
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, size - 1).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), (left + 1, top + 1), size).astype(int)
    part = image[top:bottom, left:right]
    # Warping alone would skip pixels of a large line.
    shrunk = np.maximum(1, np.round(np.array([right - left, bottom - top]) * min(1.0, STRIP_HEIGHT / height))).astype(
        int
    )
    part = np.asarray(cv2.resize(part, (int(shrunk[0]), int(shrunk[1])), interpolation=cv2.INTER_AREA), np.uint8)
    strip_width = round(min(widest, max(NARROWEST_STRIP, width * STRIP_HEIGHT / height)))
    places = (corners[:3] - (left, top)) * (shrunk / (right - left, bottom - top))
    targets = np.array([[0, 0], [strip_width, 0], [strip_width, STRIP_HEIGHT]], np.float32)
    transform = cv2.getAffineTransform(places.astype(np.float32), targets)
    strip = cv2.warpAffine(
        part, transform, (strip_width, STRIP_HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(strip, np.uint8)


def text_of(probabilities: NDArray[np.float32], alphabet: Sequence[str]) -> tuple[str, float]:
    """A line's text and the least probability of its characters, 0 where it has none.

    `probabilities` has shape (steps, letters); the first letter of the alphabet stands for none. Steps in a row with
    the same letter are one character (CTC).
    """
    letters = probabilities.argmax(axis=1)
    begins = (letters != 0) & (letters != np.concatenate([[0], letters[:-1]]))
    if not begins.any():
        return "", 0.0
    text = "".join(alphabet[letter] for letter in letters[begins])
    return text, float(probabilities[begins].max(axis=1).min())
