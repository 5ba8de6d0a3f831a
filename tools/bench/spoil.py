"""What an event's photo suffers: tilted heads, small faces, JPEG, blur, bad light, things in front of a face.

Each function takes a photo with one known face and a level, and gives the photo spoilt, with the face's landmarks where
they are now. The same photo is spoilt alike each time: what is left to chance is drawn from the photo's own bytes.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facesearch.faces.engine import RgbImage

NEUTRAL = 127
"""The grey of what a photo does not show: corners of a turned one, surroundings of a shrunk one."""
CANVAS = 320
"""Pixels. A smaller photo is laid on a grey one of this size, as faces that small lie in larger photos."""
SMALL = 40
"""Pixels of a small face that is also compressed."""
_GAMMA = 2.2
_NOISE = 2.0
"""Standard deviation of a sensor's noise, in levels of an 8-bit picture."""
_FINE = 8
"""Steps a pixel in which blurs are drawn."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A photo and the face in it that it is looked at for.

    Attributes:
        points: shape (5, 2), pixels: the right and the left eye, nose tip, the mouth's right and left corner.
        face: pixels of the face's box, its long side.
    """

    pixels: RgbImage
    points: NDArray[np.float32]
    face: float


Level = float | str


def tilted(subject: Subject, level: Level) -> Subject:
    """The photo turned by so many degrees, one way or the other, whole on a grey background."""
    height, width = subject.pixels.shape[:2]
    way = 1 if _chance(subject).random() < 0.5 else -1
    turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), way * float(level), 1), np.float64)
    cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
    size = (round(height * sine + width * cosine), round(height * cosine + width * sine))
    turn[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    return _warped(subject, turn, size)


def shrunk(subject: Subject, level: Level) -> Subject:
    """The photo so small that the face has at most so many pixels."""
    scale = min(1.0, float(level) / subject.face)
    height, width = subject.pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(subject.pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    left, top = (max(0, CANVAS - side) // 2 for side in size)
    right, bottom = (max(0, CANVAS - side - before) for side, before in zip(size, (left, top), strict=True))
    laid = cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(NEUTRAL,) * 3)
    points = subject.points * np.float32(scale) + np.array([left, top], np.float32)
    return Subject(laid.astype(np.uint8), points, subject.face * scale)


def jpeg(subject: Subject, level: Level) -> Subject:
    """The photo compressed at a quality of JPEG."""
    _, data = cv2.imencode(".jpg", subject.pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(level)])
    return replace(subject, pixels=_picture(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[:, :, ::-1]))


def small_jpeg(subject: Subject, level: Level) -> Subject:
    """The photo with a small face, compressed at a quality of JPEG, as messengers send pictures of a crowd."""
    return jpeg(shrunk(subject, SMALL), level)


def moving(subject: Subject, level: Level) -> Subject:
    """The photo blurred along a line of any direction, so many face widths long."""
    angle = _chance(subject).uniform(0, np.pi)
    return _filtered(subject, line_kernel(float(level) * subject.face, angle))


def defocused(subject: Subject, level: Level) -> Subject:
    """The photo blurred by a disc, so many face widths across."""
    return _filtered(subject, disc_kernel(float(level) * subject.face))


def lit(subject: Subject, level: Level) -> Subject:
    """The photo with so many times the light, clipped where it is too much, with a sensor's noise."""
    linear = (subject.pixels / 255) ** _GAMMA * float(level)
    noise = _chance(subject).normal(0, _NOISE, subject.pixels.shape)
    return replace(subject, pixels=_picture(255 * np.clip(linear, 0, 1) ** (1 / _GAMMA) + noise))


def line_kernel(length: float, angle: float) -> NDArray[np.float32]:
    """A line of unit weight, so many pixels long, through the middle."""
    steps = _steps(length)
    return _kernel(np.column_stack([steps * np.cos(angle), steps * np.sin(angle)]))


def disc_kernel(diameter: float) -> NDArray[np.float32]:
    """A disc of unit weight, so many pixels across, around the middle."""
    steps = _steps(diameter)
    x, y = np.meshgrid(steps, steps)
    inside = np.hypot(x, y) <= diameter / 2
    return _kernel(np.column_stack([x[inside], y[inside]]))


def _steps(length: float) -> NDArray[np.float64]:
    """The middles of small equal parts of a line."""
    count = max(2, int(length * _FINE))
    return np.asarray(((np.arange(count) + 0.5) / count - 0.5) * length)


def _kernel(offsets: NDArray[np.float64]) -> NDArray[np.float32]:
    """The share of the points that falls to each pixel, a point to its four neighbours by nearness."""
    reach = int(np.ceil(np.abs(offsets).max())) + 1
    weights = np.zeros((2 * reach + 1, 2 * reach + 1))
    low = np.floor(offsets).astype(int)
    part = offsets - low
    for right in (0, 1):
        for below in (0, 1):
            share = np.abs(1 - right - part[:, 0]) * np.abs(1 - below - part[:, 1])
            np.add.at(weights, (low[:, 1] + below + reach, low[:, 0] + right + reach), share)
    return np.asarray(weights / weights.sum(), np.float32)


Shapes = Mapping[str, tuple[tuple[int, int, int], Sequence[Sequence[tuple[float, float]]]]]


def _ellipse(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    turns = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return [(x + width * float(np.cos(turn)), y + height * float(np.sin(turn))) for turn in turns]


WORN: Shapes = {
    "mask": (
        (170, 200, 215),
        [[(-1.1, 0.35), (0, 0.25), (1.1, 0.35), (1, 1.3), (0.5, 1.9), (-0.5, 1.9), (-1, 1.3)]],
    ),
    "sunglasses": (
        (20, 20, 22),
        [
            _ellipse(-0.5, 0.05, 0.45, 0.36),
            _ellipse(0.5, 0.05, 0.45, 0.36),
            [(-1.2, -0.15), (1.2, -0.15), (1.2, 0), (-1.2, 0)],
        ],
    ),
    "cap": (
        (40, 50, 120),
        [[(-1.35, -0.4), (1.35, -0.4), (1.4, -0.6), (1.15, -1.5), (0, -1.9), (-1.15, -1.5), (-1.4, -0.6)]],
    ),
}
"""Colour and outlines, in distances between the eyes, from between the eyes: x to the left eye, y to the mouth."""


def covered(subject: Subject, level: Level) -> Subject:
    """The face with one of `WORN`, or several joined by "+", painted on it, as the landmarks lie."""
    right_eye, left_eye, _, right_mouth, left_mouth = subject.points.astype(np.float64)
    middle, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    across = left_eye - right_eye
    # In profile the eyes are near to each other, the mouth is as far from them as ever.
    unit = max(float(np.hypot(*across)), 0.9 * float(np.hypot(*(mouth - middle))), 1e-6)
    x = across / max(float(np.hypot(*across)), 1e-6)
    y = np.array([-x[1], x[0]])
    pixels = np.ascontiguousarray(subject.pixels).copy()
    for colour, outlines in (WORN[each] for each in str(level).split("+")):
        for outline in outlines:
            corners = middle + unit * (np.array(outline) @ np.array([x, y]))
            cv2.fillPoly(pixels, [np.round(corners * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)
    return replace(subject, pixels=pixels)


@dataclass(frozen=True)
class Sweep:
    """One way to spoil a photo, harder with each level."""

    spoil: Callable[[Subject, Level], Subject]
    unit: str
    levels: tuple[Level, ...]


SWEEPS: Mapping[str, Sweep] = {
    "tilt": Sweep(tilted, "degrees", (15, 30, 45)),
    "size": Sweep(shrunk, "px of face", (80, 64, 48, 40, 32, 28, 24, 20)),
    "jpeg": Sweep(jpeg, "quality", (90, 70, 50, 30, 20, 10)),
    "small jpeg": Sweep(small_jpeg, f"quality, {SMALL} px of face", (90, 60, 30)),
    "motion": Sweep(moving, "face widths", (0.05, 0.1, 0.15, 0.2)),
    "defocus": Sweep(defocused, "face widths", (0.03, 0.06, 0.1, 0.15)),
    "brightness": Sweep(lit, "times the light", (0.01, 0.05, 2, 4)),
    "occlusion": Sweep(covered, "worn", (*WORN, "sunglasses+cap")),
}


@dataclass(frozen=True)
class Spoiler:
    """A sweep's level, which another process can be told."""

    sweep: str
    level: Level

    def __call__(self, subject: Subject) -> Subject:
        """The photo spoilt."""
        return SWEEPS[self.sweep].spoil(subject, self.level)

    def __str__(self) -> str:
        """Part of a file's name."""
        return f"{self.sweep}-{self.level}"


def place_of(subject: Subject, boxes: Sequence[Sequence[float]]) -> int | None:
    """The place of the box that holds the face: the middle of its landmarks, in the box's inner half."""
    x, y = subject.points.mean(axis=0).tolist()
    for place, (left, top, width, height) in enumerate(boxes):
        if abs(x - left - width / 2) <= width / 4 and abs(y - top - height / 2) <= height / 4:
            return place
    return None


def _warped(subject: Subject, matrix: NDArray[np.float64], size: tuple[int, int]) -> Subject:
    grey = (NEUTRAL, NEUTRAL, NEUTRAL)
    pixels = cv2.warpAffine(subject.pixels, matrix, size, flags=cv2.INTER_CUBIC, borderValue=grey)
    points = subject.points @ matrix[:, :2].T + matrix[:, 2]
    return Subject(_picture(pixels), points.astype(np.float32), subject.face)


def _filtered(subject: Subject, kernel: NDArray[np.float32]) -> Subject:
    return replace(subject, pixels=_picture(cv2.filter2D(subject.pixels, -1, kernel, borderType=cv2.BORDER_REPLICATE)))


def _picture(values: NDArray[np.float64] | cv2.typing.MatLike) -> RgbImage:
    """Values as an 8-bit picture of its own memory."""
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _chance(subject: Subject) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(np.ascontiguousarray(subject.pixels).tobytes()))
