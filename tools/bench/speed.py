"""How long the engine and a search take: CPU time of this process, beside the bare network on the same machine.

The yardstick is two forwards of the recogniser, of a face and of its mirror image, on a crop of the size that it takes.
It is measured in turns with the engine, so that whatever else the machine does slows down both.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from facesearch.adapters.opencv import face_engine
from facesearch.errors import UnusableImage
from facesearch.faces.engine import Embedding
from facesearch.photos.imaging import read_image
from tools.bench.embeddings import MODELS
from tools.bench.identification import Photos

MOST = 40
"""Photos, and selfies, that are measured."""
FORWARDS = 2

Result = TypeVar("Result")
CROP = 112


@dataclass(frozen=True)
class EngineSpeed:
    """Medians of CPU milliseconds: to find and embed a photo's faces once it is decoded, and of the yardstick.

    Attributes:
        ratio: a face's time in the yardstick's.
    """

    photos: int
    a_photo: float
    a_face: float
    yardstick: float
    ratio: float


def engine_speed(paths: Sequence[Path], models: Path = MODELS) -> EngineSpeed | None:
    """Measure the engine in this process, by one thread, on some photos; None if none of them has a face."""
    engine = face_engine.OpenCvEngine(models, threads=1)
    recogniser = cv2.FaceRecognizerSF.create(str(models / face_engine.RECOGNISER), "")
    crop = np.random.default_rng(1).integers(0, 256, (CROP, CROP, 3), dtype=np.uint8)

    def bare() -> None:
        for _ in range(FORWARDS):
            recogniser.feature(crop)

    bare()  # the first run of a network prepares it
    photos, faces, yardstick = list[float](), list[float](), list[float]()
    for path in paths[:: -(-len(paths) // MOST) or 1]:  # from everywhere in the folder
        try:
            image = np.asarray(read_image(path.read_bytes()).image)
        except UnusableImage:
            continue
        if not photos:
            engine.faces(image)
        milliseconds, found = _timed(partial(engine.faces, image))
        yardstick.append(_timed(bare)[0])
        photos.append(milliseconds)
        if found:
            faces.append(milliseconds / len(found))
    if not faces:
        return None
    a_photo, a_face, bare_time = (statistics.median(each) for each in (photos, faces, yardstick))
    return EngineSpeed(len(photos), a_photo, a_face, bare_time, a_face / bare_time)


def search_speed(photos: Photos, selfies: Sequence[Embedding | None], minimum: float, pool: Executor) -> float | None:
    """The median of CPU milliseconds that a search takes, of all its threads; None if there is no selfie."""
    known = [selfie for selfie in selfies if selfie is not None][:MOST]
    times = [_timed(partial(photos.search, selfie, minimum, pool))[0] for selfie in known]
    return statistics.median(times) if times else None


def _timed(run: Callable[[], Result]) -> tuple[float, Result]:
    began = time.process_time()
    result = run()
    return 1000 * (time.process_time() - began), result
