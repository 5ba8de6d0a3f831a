"""Lines of text as they are found in a picture: one for each place, those first that promise a bib. Pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from facesearch.bibs.linking import distance
from facesearch.faces.engine import Face

NARROWEST, WIDEST = 0.5, 5.0
"""Widths of a line in its heights, margins included, that a bib may have: one digit to some seven."""
SAME_PLACE = 0.3
"""Two lines are one if their middles are nearer, both ways, than this x the sum of their widths and heights."""


class Line(NamedTuple):
    """A line of text: the middle, width and height of its box in a picture's pixels, and how many degrees it is turned
    clockwise, -45 to 45."""

    x: float
    y: float
    width: float
    height: float
    degrees: float


def separate(lines: Sequence[Line]) -> list[Line]:
    """The lines that may be bibs by their shape, one for each place: that which comes first."""
    shaped = [line for line in lines if NARROWEST * line.height <= line.width <= WIDEST * line.height]
    if not shaped:
        return []
    places = np.array(shaped)[:, :4]
    free = np.ones(len(shaped), bool)
    kept = []
    for number, line in enumerate(shaped):
        if free[number]:
            kept.append(line)
            x, y, width, height = np.abs(places - (line.x, line.y, -line.width, -line.height)).T
            free &= (x >= SAME_PLACE * width) | (y >= SAME_PLACE * height)
    return kept


def promising(lines: Sequence[Line], faces: Sequence[Face]) -> list[Line]:
    """The lines in the order in which they are worth reading.

    A bib's number is the largest text on it. So each face's largest line comes first, then its second largest with
    those that no face is near, and so on; among them larger ones first. A line that is higher than wide has one digit
    at most, and mostly none: it comes later.
    """
    ranked: list[tuple[int, float, Line]] = []
    seen: dict[int | None, int] = {None: 1}
    for line in sorted(lines, key=lambda line: -line.height):
        late, face = int(line.width < line.height), nearest(line.x, line.y, faces)
        rank = seen.get(face, 0)
        if face is not None and not late:
            seen[face] = rank + 1
        ranked.append((rank + late, -line.height, line))
    return [line for _, _, line in sorted(ranked)]


def nearest(x: float, y: float, faces: Sequence[Face]) -> int | None:
    """The face whose bib would be at that place, if any."""
    near = [(apart, number) for number, face in enumerate(faces) if (apart := distance(face, x, y)) is not None]
    return min(near)[1] if near else None
