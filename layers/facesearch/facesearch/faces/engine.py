"""The face engine's port: pictures in, faces out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facesearch.models import DEFAULT_MODEL, FIRST_MODEL

PLAIN_MODEL = "sface-2021dec"
"""The same network without the mirror image and the second look: half the time a face, and less recall."""
MODELS = (DEFAULT_MODEL, FIRST_MODEL, PLAIN_MODEL)
GENERATION = "+"
"""Between a model's name and the number of its settings: "sface-2021dec+2" is made by the engine "sface-2021dec"."""

Embedding = NDArray[np.float32]
"""Unit vector(s): shape (128,) for one face, (n, 128) for many."""
RgbImage = NDArray[np.uint8]
"""A picture as displayed: shape (height, width, 3), RGB."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face found in a picture.

    Attributes:
        box: x, y, width, height in pixels of the picture as displayed (EXIF orientation applied).
        landmarks: shape (5, 2): right eye, left eye, nose tip, right and left mouth corner, in the same pixels.
        score: the detector's confidence, 0 to 1.
        embedding: shape (128,), float32, unit length.
        sharpness: see `qualities.sharpness_of`; 0 where nobody measured it.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float
    embedding: Embedding
    sharpness: float = 0.0


@dataclass(frozen=True, eq=False)
class SelfieProbe:
    """What is seen in a selfie: the embedding of its owner, shape (128,), and how many people's faces."""

    embedding: Embedding
    faces: int = 1


class UnknownModelError(ValueError):
    """There is no engine of that name."""


def engine_name(model: str) -> str:
    """The engine that makes a model's faces: its name without the generation; `UnknownModelError` if there is none."""
    name = model.partition(GENERATION)[0]
    if name not in MODELS:
        raise UnknownModelError(f"There is no face model {name!r}; there are: {', '.join(MODELS)}.")
    return name


def is_default(model: str) -> bool:
    """Whether faces by that model are of today's engine, in whichever generation."""
    return model.partition(GENERATION)[0] == DEFAULT_MODEL


def next_generation(model: str) -> str:
    """The name for the same model's faces by new settings."""
    name, _, generation = model.partition(GENERATION)
    return f"{name}{GENERATION}{int(generation or 1) + 1}"


class FaceEngine(Protocol):
    """Detects, aligns and embeds faces. Implementations are loaded once per process."""

    @property
    def model(self) -> str:
        """Name of model and settings; embeddings of two names are never compared."""

    def faces(self, image: RgbImage) -> list[Face]:
        """Every face of an event photo, largest first. The caller decodes it, to make renditions of the same pixels."""

    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        """The selfie's owner is its largest, most central face.

        Takes the file, because the engine knows at which size it is best decoded. `accepted` is called when a face is
        found, before it is embedded.

        Raises:
            UnusableImage: not a readable picture within the limits.
            NoFaceFound: no face in any of the orientations that are tried.
        """


EngineOf = Callable[[str], FaceEngine]
"""The engine of a model's name; raises `UnknownModelError`."""
