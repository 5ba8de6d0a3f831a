"""The second look at a face: turned upright and enlarged, it shows its landmarks better than the picture did.

YuNet was trained on upright faces. Of a face that is tilted by 30 degrees it returns landmarks that are tilted by some
12, so that the face stays crooked when it is aligned by them, and its embedding is worth little. Pure functions.
"""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from facesearch.adapters.opencv.detections import SCORE, Detections
from facesearch.faces.engine import RgbImage

VIEW_SIDE, VIEW_FACE = 224, 176
"""Pixels of a view, and of the face's long side in it: 50 kilopixels, a twelfth of the embedding's time. A larger view
finds tilted faces no more often, a face of 112 px in it much less (ADR 17)."""
OVERSHOOT = 1.5
"""A face is turned by so much more than its landmarks say: they are pulled upright by about half."""
LEVEL_DEGREES = 8.0
"""A view whose landmarks are turned by no more than this is upright; of another one a further look is made."""
MOST_LOOKS = 3
"""Nearly every face needs one; what is tilted by 45 degrees mostly two."""
LEAST_EYES = 0.2
"""Share of a box's long side between the eyes below which a face is in full profile. There the line between the eyes
says nothing about its tilt, and the first look's landmarks are the better ones."""

Transform = NDArray[np.float64]
"""Shape (2, 3): from a picture's pixels to a view's."""


def roll_of(row: Detections) -> float:
    """Degrees by which the line between the eyes is turned clockwise from level, -180 to 180."""
    across = row[6:8] - row[4:6]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def is_profile(row: Detections) -> bool:
    """Whether the eyes lie so near each other that the face must be in full profile."""
    return bool(np.hypot(*(row[6:8] - row[4:6])) < LEAST_EYES * row[2:4].max())


def view_of(picture: RgbImage, row: Detections, degrees: float) -> tuple[RgbImage, Transform]:
    """The face in the middle of a view of its own, turned back by so many degrees, and how it got there."""
    centre = row[:2] + row[2:4] / 2
    found = cv2.getRotationMatrix2D(centre.tolist(), degrees, VIEW_FACE / float(row[2:4].max()))
    transform = np.asarray(found, np.float64)
    transform[:, 2] += VIEW_SIDE / 2 - centre
    view = cv2.warpAffine(picture, transform, (VIEW_SIDE, VIEW_SIDE), flags=cv2.INTER_LINEAR)
    return np.asarray(view, np.uint8), transform


def central(found: Detections) -> Detections | None:
    """The surest of a view's rows that is the face it was made for: in its middle, and about as large as it should."""
    off = np.hypot(*(found[:, :2] + found[:, 2:4] / 2 - VIEW_SIDE / 2).T)
    side = found[:, 2:4].max(axis=1)
    rows = found[(off < 0.35 * VIEW_FACE) & (side > 0.5 * VIEW_FACE) & (side < 1.7 * VIEW_FACE)]
    return cast("Detections", rows[np.argmax(rows[:, SCORE])]) if len(rows) else None


def landmarks_from(view: Detections, transform: Transform, row: Detections) -> Detections:
    """The row with the landmarks of a view's row, in the picture's pixels; box and score stay."""
    back = cv2.invertAffineTransform(transform)
    better = row.copy()
    better[4:SCORE] = (view[4:SCORE].reshape(5, 2) @ back[:, :2].T + back[:, 2]).ravel()
    return better
