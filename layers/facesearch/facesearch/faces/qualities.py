"""How large and how sharp a face is in its photo: measured when the photo is indexed, kept beside its embeddings."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLURRED = 0.05
"""A face that is less sharp is hardly matched any more. Chosen between portraits that were spoilt a little (a face of
80 px, a disc of 2 % of the face, a line of 5 %), of which a fiftieth is below, and portraits that were spoilt so much
that fewer than a fifth are still found (discs of 4 and 6 %, lines of 13 and 17 %), of which half are. Small faces are
below it as well: they are enlarged for the recogniser."""
MOST_PIXELS = 65_535
STEPS = 300
"""Steps of the stored sharpness in 1.0; it ends at .85, as sharp as portraits come."""

_QUALITY = np.dtype([("pixels", "<u2"), ("sharpness", "u1")])
QUALITY_BYTES = _QUALITY.itemsize
"""3 a face: pixels as a little-endian whole number, sharpness in steps."""


@dataclass(frozen=True, eq=False)
class Qualities:
    """Of n faces the long side of the box in its photo, and the sharpness as `sharpness_of` says it."""

    pixels: NDArray[np.uint16]
    sharpness: NDArray[np.float64]


def sharpness_of(aligned: NDArray[np.uint8]) -> float:
    """How fine the details of a face are: the deviation of its grey's second differences over that of its grey.

    `aligned` has shape (height, width, 3), as the recogniser takes it. Light and contrast scale both alike. Of the
    differences across and down the smaller ones count: what moved is blurred in one direction alone.
    """
    grey = aligned.astype(np.float32).mean(axis=2)
    contrast = float(grey.std())
    if not contrast:
        return 0.0
    return min(float(np.diff(grey, 2, axis).std()) for axis in (0, 1)) / contrast


def pack_qualities(faces: Iterable[tuple[float, float]]) -> bytes:
    """Pixels and sharpness of each face, 3 bytes each."""
    rows = [(min(round(pixels), MOST_PIXELS), min(round(sharpness * STEPS), 255)) for pixels, sharpness in faces]
    return np.array(rows, _QUALITY).tobytes()


def unpack_qualities(packed: bytes) -> Qualities:
    """What was packed, of one photo or of several together; ValueError: not a whole number of faces."""
    rows = np.frombuffer(packed, _QUALITY)
    return Qualities(rows["pixels"], rows["sharpness"] / STEPS)
