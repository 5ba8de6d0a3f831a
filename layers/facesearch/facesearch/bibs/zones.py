"""Where in a picture bibs are looked for, and how closely. Pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

from facesearch.bibs.lines import Line
from facesearch.faces.engine import Face

ACROSS = 1.2
ABOVE, BELOW = 1.0, 3.6
"""A bib is looked for so many face widths to both sides of the face's middle, and so many face heights below it: of 219
bibs that people had linked to faces 98 % lay within. With as much again around them the detector finds fewer."""
FACE_SIDE = 64
"""Pixels of a face's long side in the view of its zone."""
MOST_ENLARGED = 1.3
"""Small faces' zones are enlarged by no more: there is nothing to be seen in them."""

MOST_PIXELS = 1_000_000
"""Of one view: the detector takes 230 bytes of memory for each."""
AROUND = 0.3
BLOCK_SIDE = 96
"""Pixels of the height of a block of text in the view of a closer look at it."""


class Zone(NamedTuple):
    """A rectangle of a picture, in its pixels, and how many pixels of the view of it one of them becomes."""

    left: float
    top: float
    right: float
    bottom: float
    scale: float

    @property
    def pixels(self) -> float:
        """Of the view."""
        return (self.right - self.left) * (self.bottom - self.top) * self.scale**2


def zones(faces: Sequence[Face], width: int, height: int, pixels: float) -> dict[int, Zone]:
    """The zones below faces, by the faces' indices, as far as their views together have at most so many pixels.

    Zones that overlap are looked at each for itself: the detector is surer of a number the less there is around it.
    """
    found: dict[int, Zone] = {}
    for number, face in enumerate(faces):
        zone = _zone(face, width, height)
        if zone.left < zone.right and zone.top < zone.bottom:
            if zone.pixels > pixels:
                break
            pixels -= zone.pixels
            found[number] = zone
    return found


def whole(width: int, height: int, pixels: float) -> Zone:
    """The whole picture, never enlarged, in a view of at most so many pixels."""
    return Zone(0, 0, width, height, min(1.0, (min(pixels, MOST_PIXELS) / (width * height)) ** 0.5))


def around(line: Line, width: int, height: int) -> Zone:
    """A line and a little around it, for a closer look."""
    across, down = line.width * (0.5 + AROUND), line.height * (0.5 + AROUND)
    return Zone(
        max(0, line.x - across),
        max(0, line.y - down),
        min(width, line.x + across),
        min(height, line.y + down),
        min(1.0, BLOCK_SIDE / line.height),
    )


def _zone(face: Face, width: int, height: int) -> Zone:
    x, y, w, h = face.box
    middle, level = x + w / 2, y + h / 2
    return Zone(
        max(0, middle - ACROSS * w),
        max(0, level + ABOVE * h),
        min(width, middle + ACROSS * w),
        min(height, level + BELOW * h),
        min(MOST_ENLARGED, FACE_SIDE / max(w, h)),
    )
