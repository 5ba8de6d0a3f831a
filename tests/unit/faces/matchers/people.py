"""Pictures of made-up people that any engine's stand-in can read, after JPEG, cuts and changes of size.

A face is a rectangle without blue on white: red says who it is, green how like their selfie they are there. It has a
dark chin: upside down it is no face.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesearch.faces.sets import Region
from tests.support.pictures import encoded

LIKENESS = (100, 99, 97, 95, 92, 88, 80, 60)
"""In percent, of a face to its person's selfie, which is the first."""
STEP = 25
FACE, GAP = 40, 24
CHIN = 0.25


@dataclass(frozen=True)
class Look:
    """Who, and how like their selfie: a number of `LIKENESS`."""

    person: int
    level: int = 0


def look(person: int, percent: int = 99) -> Look:
    """A person as like their selfie as that."""
    return Look(person, LIKENESS.index(percent))


def picture_of(looks: Sequence[Look], columns: int = 4, last: int = FACE) -> Image.Image:
    """Faces in rows; the last one has that many pixels a side."""
    cell = FACE + GAP
    rows = max(1, -(-len(looks) // columns))
    pixels = np.full((rows * cell, columns * cell, 3), 255, np.uint8)
    for number, each in enumerate(looks):
        side = last if number == len(looks) - 1 else FACE
        top, left = (number // columns) * cell + GAP // 2, (number % columns) * cell + GAP // 2
        chin = top + round(side * (1 - CHIN))
        pixels[top : top + side, left : left + side] = (STEP * (each.person + 1), STEP * (each.level + 1), 0)
        pixels[chin : top + side, left : left + side] = 0
    return Image.fromarray(pixels)


def photo_of(*looks: Look, columns: int = 4, last: int = FACE) -> bytes:
    """The file of such a picture."""
    return encoded(picture_of(looks, columns, last), "PNG")


def selfie_of(person: int, percent: int = 100) -> bytes:
    return photo_of(look(person, percent), columns=2)


NOBODY = encoded(Image.new("RGB", (200, 200), "white"), "JPEG")


def see(data: bytes) -> list[tuple[Region, Look]]:
    """The faces in a file as it lies there, whatever its EXIF says."""
    with Image.open(io.BytesIO(data)) as image:
        return seen(np.asarray(image.convert("RGB")))


def seen(pixels: NDArray[np.uint8]) -> list[tuple[Region, Look]]:
    """The faces in a picture, where they are in fractions of it."""
    height, width, _ = pixels.shape
    _, _, boxes, _ = cv2.connectedComponentsWithStats((pixels[:, :, 2] < 128).astype(np.uint8))
    found = []
    for x, y, w, h, _ in boxes[1:].tolist():  # the first is the ground
        if min(w, h) >= 6 and (each := _look_of(pixels[y : y + h, x : x + w])):
            found.append((Region(x / width, y / height, w / width, h / height), each))
    return found


def _look_of(face: NDArray[np.uint8]) -> Look | None:
    middle = face.shape[1] // 2
    chin = face[round(len(face) * 0.9), middle]
    if chin[:2].max() > STEP // 2:
        return None
    red, green = (round(float(value) / STEP) - 1 for value in face[round(len(face) * 0.3), middle][:2])
    return Look(red, green) if red >= 0 and 0 <= green < len(LIKENESS) else None


def likeness(selfie: Look, other: Look) -> float:
    """Of two faces in percent; strangers have a little."""
    return float(min(LIKENESS[selfie.level], LIKENESS[other.level])) if selfie.person == other.person else 1.0
