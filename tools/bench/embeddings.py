"""The faces of a folder's photos, by the product's own engine: found by all cores once, read from a cache afterwards.

The cache is keyed by the file's content and by everything that decides what is found in it, the engine's source
included: a changed engine finds nothing of an older one's.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facesearch import engine, imaging
from facesearch.engine import Embedding, detections, opencv
from facesearch.errors import NoFaceFound, UnusableImage
from tools.cli.terminal import SILENT, Watcher

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / ".cache" / "assets" / "models"
CACHE = ROOT / ".cache" / "embeddings"


@dataclass(frozen=True, eq=False)
class Seen:
    """One photo, looked at as an event's photo and as a selfie.

    Attributes:
        boxes: shape (n, 4): x, y, width, height in pixels.
        scores: shape (n,): the detector's.
        faces: shape (n, 128), float32, unit length.
        selfie: shape (128,), what a search with this photo looks for; None if it is refused, or was not asked for.
        readable: False for a file that the indexer would record as failed.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    faces: Embedding
    selfie: Embedding | None
    readable: bool = True


NOTHING = Seen(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 128), np.float32), None, False)


def look_at(
    paths: Sequence[Path],
    *,
    selfies: bool = True,
    cache: Path = CACHE,
    models: Path = MODELS,
    watcher: Watcher = SILENT,
) -> list[Seen]:
    """Every photo's faces, in the order of the paths. The same file twice is looked at once.

    Args:
        paths: photos; what is not readable is said in its `Seen`.
        selfies: whether each is also taken as a selfie.
        cache: folder of earlier finds.
        models: folder of the two ONNX files.
        watcher: follows.
    """
    place = cache / fingerprint() / ("both" if selfies else "faces")
    place.mkdir(parents=True, exist_ok=True)
    files = [place / f"{_sha256(path)}.npz" for path in paths]
    missing = {file: path for file, path in zip(files, paths, strict=True) if not file.exists()}
    stage = watcher.stage("Looking", len(missing))
    if missing:
        workers = min(os.cpu_count() or 1, len(missing))
        # Spawned, not forked: OpenCV's threads do not survive a fork.
        with ProcessPoolExecutor(workers, get_context("spawn"), _start, (models, selfies)) as pool:
            for file, found in zip(missing, pool.map(_look, missing.values(), chunksize=1), strict=True):
                partial = file.with_suffix(".partial")
                partial.write_bytes(found)
                partial.replace(file)
                stage.advance()
    return [_read(file) for file in files]


def fingerprint() -> str:
    """Names everything that decides which faces are found."""
    digest = hashlib.sha256(f"{engine.DEFAULT_MODEL} {cv2.__version__}".encode())
    for module in (opencv, detections, imaging):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:16]


_engine: opencv.OpenCvEngine
_selfies: bool


def _start(models: Path, selfies: bool) -> None:
    global _engine, _selfies  # one engine a process, as on Lambda
    _engine, _selfies = opencv.OpenCvEngine(models, threads=1), selfies


def _look(path: Path) -> bytes:
    data = path.read_bytes()
    try:
        faces = _engine.faces(np.asarray(imaging.read_image(data).image))
    except UnusableImage:
        return _file(NOTHING)
    selfie = None
    if _selfies:
        try:
            selfie = _engine.probe(data)
        except (NoFaceFound, UnusableImage):
            selfie = None
    return _file(
        Seen(
            np.array([face.box for face in faces], np.float32).reshape(-1, 4),
            np.array([face.score for face in faces], np.float32),
            np.array([face.embedding for face in faces], np.float32).reshape(-1, 128),
            selfie,
        )
    )


def _file(seen: Seen) -> bytes:
    file = io.BytesIO()
    selfie = np.empty((0, 128), np.float32) if seen.selfie is None else seen.selfie[None]
    np.savez(
        file, boxes=seen.boxes, scores=seen.scores, faces=seen.faces, selfie=selfie, readable=np.array(seen.readable)
    )
    return file.getvalue()


def _read(file: Path) -> Seen:
    with np.load(file) as stored:
        selfie = stored["selfie"]
        return Seen(
            stored["boxes"],
            stored["scores"],
            stored["faces"],
            selfie[0] if len(selfie) else None,
            bool(stored["readable"]),
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pictures_by_person(paths: Iterable[Path], root: Path) -> dict[Path, str]:
    """Whom each photo shows: the name of the folder of `root` that it lies in. One beside the folders is nobody's."""
    places = {path: path.relative_to(root).parts for path in paths}
    return {path: parts[0] for path, parts in places.items() if len(parts) > 1}
