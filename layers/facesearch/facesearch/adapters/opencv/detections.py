"""What to make of a detector's rows: tiles to look through, one row per face, the owner of a selfie. Pure functions."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Detections = NDArray[np.float32]
"""Shape (n, 15), a row per face: x, y, width, height, five landmarks as x, y, score."""

SCORE = 14

SAME_FACE_IOU = 0.3
SAME_FACE_INSIDE = 0.7
"""Two boxes are one face if they overlap by 30 % of their union (the detector's own rule), or if the smaller one lies
to 70 % within the other: an eye and nose that one tile took for a face."""

EDGE = 4
"""A box that comes this near to a tile's inner edge, in pixels, was cut by it."""


class Tile(NamedTuple):
    """A rectangle of a picture, in pixels."""

    x: int
    y: int
    width: int
    height: int


def tiles(width: int, height: int, pixels: int, overlap: int) -> list[Tile]:
    """Equal tiles of at most some pixels that cover a picture, in the layout that has the least to look at; neighbours
    share at least `overlap`. What is no larger than that less an `EDGE` at both ends is whole in one of them."""
    layouts = [
        (columns * rows * w * h, columns, rows, w, h)
        for columns, w in _equal_spans(width, overlap)
        for rows, h in _equal_spans(height, overlap)
        if w * h <= pixels
    ]
    _, columns, rows, w, h = min(layouts)
    return [Tile(x, y, w, h) for y in _starts(height, h, rows) for x in _starts(width, w, columns)]


def _equal_spans(length: int, overlap: int) -> Iterator[tuple[int, int]]:
    """By how many spans of which side a length can be covered."""
    for count in range(1, max(2, length // overlap)):
        yield count, -(-(length + (count - 1) * overlap) // count)


def _starts(length: int, side: int, count: int) -> list[int]:
    return [number * (length - side) // max(1, count - 1) for number in range(count)]


def whole(found: Detections, tile: Tile, width: int, height: int) -> Detections:
    """A tile's faces, in the tile's pixels, without those that it cuts; its neighbour has them whole."""
    x, y, w, h = found[:, :4].T
    cut = (
        ((x < EDGE) & (tile.x > 0))
        | ((y < EDGE) & (tile.y > 0))
        | ((x + w > tile.width - EDGE) & (tile.x + tile.width < width))
        | ((y + h > tile.height - EDGE) & (tile.y + tile.height < height))
    )
    kept: Detections = found[~cut]
    return kept


def moved(found: Detections, scale: float, x: float = 0, y: float = 0) -> Detections:
    """The rows in the pixels of a picture of which theirs is the part at x, y, enlarged by `scale`."""
    rows = found / np.float32(scale)
    rows[:, [0, 4, 6, 8, 10, 12]] += x
    rows[:, [1, 5, 7, 9, 11, 13]] += y
    rows[:, SCORE] = found[:, SCORE]
    return rows


def one_per_face(found: Detections) -> Detections:
    """The surest row of each face, surest first, of rows from several looks at the same picture."""
    rows = found[np.argsort(-found[:, SCORE], kind="stable")]
    kept: list[Detections] = []
    while len(rows):
        kept.append(rows[:1])
        shared, area, areas = _overlaps(rows[0], rows)
        same = shared > SAME_FACE_IOU * (area + areas - shared)
        same |= shared > SAME_FACE_INSIDE * np.minimum(area, areas)
        same[0] = True
        rows = rows[~same]
    return np.concatenate(kept) if kept else found


def _overlaps(row: Detections, rows: Detections) -> tuple[Detections, np.float32, Detections]:
    """Pixels that boxes share with one, that one's area, and theirs."""
    corner = np.maximum(row[:2], rows[:, :2])
    opposite = np.minimum(row[:2] + row[2:4], rows[:, :2] + rows[:, 2:4])
    shared = np.clip(opposite - corner, 0, None)
    return shared[:, 0] * shared[:, 1], row[2] * row[3], rows[:, 2] * rows[:, 3]


def largest(found: Detections, side: float, count: int) -> Detections:
    """The at most `count` faces with the longest sides, largest first, none whose long side is below `side` pixels."""
    sides = found[:, 2:4].max(axis=1)
    order = np.argsort(-sides, kind="stable")[:count]
    kept: Detections = found[order[sides[order] >= side]]
    return kept


def most_prominent(found: Detections, width: int, height: int) -> Detections | None:
    """The face that a selfie is of, by largest box area x (1 - d^2): d is the distance of the face's centre from the
    picture's, in half diagonals. A face half-way to a corner counts three quarters of its size, one in it nothing."""
    if not len(found):
        return None
    offset = found[:, :2] + found[:, 2:4] / 2 - np.array([width, height], np.float32) / 2
    distance = np.hypot(*offset.T) / (np.hypot(width, height) / 2)
    row: Detections = found[np.argmax(found[:, 2] * found[:, 3] * (1 - np.clip(distance, 0, 0.99) ** 2))]
    return row
