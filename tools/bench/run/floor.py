"""The least that a search takes here: the cheapest decode that suffices, one look, two forwards, the scan."""

import io
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from facesearch.adapters.opencv import face_engine
from facesearch.faces.index.vectors import DIMENSIONS, Block, inverse_norms, probe_of, scan
from facesearch.faces.packing import pack, values_of
from tools.bench import made_up
from tools.bench.embeddings import MODELS

ENOUGH = 640
"""Long side that a selfie is decoded to at least, by JPEG's own scaling alone: a face of a quarter of it has 160 px."""
LOOK = 480
ROUNDS = 5
_scans: dict[int, Callable[[], object]] = {}


def floor_of(selfie: Path, faces: int) -> dict[str, Any]:
    """CPU milliseconds of each part, medians."""
    data, crop = selfie.read_bytes(), np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    small = _small(data)
    look = cv2.resize(np.asarray(small), _size(small.size), interpolation=cv2.INTER_AREA)
    detector = cv2.FaceDetectorYN.create(str(MODELS / face_engine.DETECTOR), "", (look.shape[1], look.shape[0]))
    recogniser = cv2.FaceRecognizerSF.create(str(MODELS / face_engine.RECOGNISER), "")

    def forwards() -> None:
        recogniser.feature(crop)
        recogniser.feature(crop)

    parts: dict[str, Callable[[], object]] = {
        "decode": lambda: _small(data),
        "look": lambda: detector.detect(look),
        "forwards": forwards,
        "scan": _scan(faces),
    }
    spent = {name: _median(work) for name, work in parts.items()}
    return {"cpu": sum(spent.values()), "parts": spent}


def _small(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    fraction = max(each for each in (1, 2, 4, 8) if each == 1 or max(image.size) / each >= ENOUGH)
    image.draft("RGB", (image.width // fraction, image.height // fraction))
    image.load()
    return image


def _size(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, LOOK / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def _scan(faces: int) -> Callable[[], object]:
    if faces not in _scans:
        values = np.ascontiguousarray(values_of(pack(made_up.faces(faces, 1))))
        block, pool = Block(values, inverse_norms(values)), ThreadPoolExecutor(2)
        probe = probe_of(np.random.default_rng(3).standard_normal(DIMENSIONS).astype(np.float32))
        _scans[faces] = lambda: scan([block], probe, 0.36, pool)
    return _scans[faces]


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began))
    return statistics.median(times)
