"""dlib's face_recognition, the pipeline that most people know, on the same photos; only if the package is installed.

It is no part of the project and of no lock file: `.venv/bin/pip install face_recognition` builds it for some minutes.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesearch_cli.terminal import SILENT, Watcher
from tools.bench.identification import Counts, Found, Wanted

DISTANCES = (0.6, 0.5, 0.45, 0.4)
"""Its default, and stricter ones."""

Encodings = NDArray[np.float64]
"""Shape (n, 128); compared by distance, smaller is more alike."""


@dataclass(frozen=True)
class DlibRow:
    """Searches at one distance."""

    distance: float
    found: Found


def installed() -> Any:
    """The package, or None."""
    try:
        return importlib.import_module("face_recognition")
    except ImportError:
        return None


def encode(package: Any, paths: Sequence[Path], watcher: Watcher = SILENT) -> list[Encodings]:
    """Every face of every photo, the largest first; none of a photo that it cannot read."""
    stage = watcher.stage("dlib", len(paths))
    found = []
    for path in paths:
        try:
            image = package.load_image_file(str(path))
            boxes = package.face_locations(image)  # top, right, bottom, left
            boxes = sorted(boxes, key=lambda box: -(box[2] - box[0]))
            encodings = package.face_encodings(image, boxes)
        except (OSError, ValueError, RuntimeError):
            encodings = []
        found.append(np.array(encodings, np.float64).reshape(-1, 128))
        stage.advance()
    return found


def search_all(photos: Sequence[Encodings], wanted: Mapping[int, Wanted]) -> list[DlibRow]:
    """Searches as `identification.search_all` makes them, by each photo's largest face, at several distances."""
    owners = np.repeat(np.arange(len(photos)), [len(each) for each in photos])
    faces = np.concatenate([np.empty((0, 128)), *photos])
    counts: dict[float, list[Counts]] = {distance: [] for distance in DISTANCES}
    for place, each in wanted.items():
        distances = np.linalg.norm(faces - photos[place][0], axis=1) if len(photos[place]) else None
        for most, outcomes in counts.items():
            outcomes.append(each.counts(() if distances is None else owners[distances <= most].tolist()))
    return [DlibRow(distance, Found(tuple(outcomes))) for distance, outcomes in counts.items()]
