"""Where in a picture bibs are looked for, and how closely. Pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

from facesearch.bibs.lines import Line
from facesearch.faces.engine import Face

ACROSS = 2.0
ABOVE, BELOW = 0.4, 4.3
"""A bib is looked for so many face widths to both sides of the face's middle, and so many face heights below it. Of 219
bibs that people had linked to faces all lay within; narrower zones cut long numbers."""
FACE_SIDE = 64
"""Pixels of a face's long side in the view of its zone."""
MOST_ENLARGED = 1.3
"""Small faces' zones are enlarged by no more: there is nothing to be seen in them."""

AROUND = 0.15
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


def zones(faces: Sequence[Face], width: int, height: int, pixels: float) -> list[Zone]:
    """The zones below faces, whose views together have at most so many pixels; those of the largest faces first.

    Zones that lie together become one, where its view has no more pixels than theirs.
    """
    found: list[Zone] = []
    spent = 0.0
    for face in sorted(faces, key=lambda face: -max(face.box[2:])):
        zone = _zone(face, width, height)
        if zone.right - zone.left < 1 or zone.bottom - zone.top < 1:
            continue
        if spent + zone.pixels > pixels:
            break
        spent += zone.pixels
        found = _joined(found, zone)
        spent = sum(each.pixels for each in found)
    return found


def whole(width: int, height: int, pixels: float) -> Zone:
    """The whole picture, never enlarged, in a view of at most so many pixels."""
    return Zone(0, 0, width, height, min(1.0, (pixels / (width * height)) ** 0.5))


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


def _joined(found: list[Zone], zone: Zone) -> list[Zone]:
    """The zones with one more, which swallows each that costs nothing to be seen together with."""
    kept = list(found)
    while True:
        for other in kept:
            both = Zone(
                min(zone.left, other.left),
                min(zone.top, other.top),
                max(zone.right, other.right),
                max(zone.bottom, other.bottom),
                max(zone.scale, other.scale),
            )
            if both.pixels <= zone.pixels + other.pixels:
                kept.remove(other)
                zone = both
                break
        else:
            return [*kept, zone]
