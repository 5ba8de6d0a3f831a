"""The faces of a folder's photos, by the product's own engine: found by all cores once, read from a cache afterwards.

The cache is keyed by the file's content and by everything that decides what is found in it, all of the engine's source
included: a changed engine finds nothing of an older one's. So is what a photo was spoilt by before the look.
"""

import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facesearch.adapters.opencv import face_engine
from facesearch.errors import NoFaceFound, UnusableImage
from facesearch.faces import engine
from facesearch.faces.engine import Embedding, Face, RgbImage
from facesearch.models import DEFAULT_MODEL
from facesearch.photos import imaging
from facesearch_cli.terminal import SILENT, Watcher
from tools.bench import spoil
from tools.bench.spoil import Spoiler, Subject

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
        landmarks: shape (n, 5, 2), pixels: eyes, nose tip, corners of the mouth.
        subject: the place among the faces of the one that the photo is looked at for; None if it was not found.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    faces: Embedding
    selfie: Embedding | None
    readable: bool = True
    landmarks: NDArray[np.float32] | None = None
    subject: int | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """A photo to be looked at.

    Attributes:
        spoiler: what is done to the photo before; None = nothing, and it is also taken as a selfie if that is asked.
        points: shape (5, 2), landmarks of the face that the photo is looked at for.
        face: pixels of that face's box, its long side.
    """

    path: Path
    spoiler: Spoiler | None = None
    points: NDArray[np.float32] | None = None
    face: float = 0


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
    return _looked([Job(path) for path in paths], place, selfies, models, watcher)


def look_at_spoilt(
    jobs: Sequence[Job], *, cache: Path = CACHE, models: Path = MODELS, watcher: Watcher = SILENT
) -> list[Seen]:
    """The faces of each job's photo after it was spoilt, in order."""
    source = hashlib.sha256(Path(spoil.__file__).read_bytes()).hexdigest()[:16]
    return _looked(jobs, cache / fingerprint() / f"spoilt-{source}", False, models, watcher)


def _looked(jobs: Sequence[Job], place: Path, selfies: bool, models: Path, watcher: Watcher) -> list[Seen]:
    place.mkdir(parents=True, exist_ok=True)
    sums = {path: _sha256(path) for path in {job.path for job in jobs}}
    files = [place / f"{sums[job.path]}{f'-{job.spoiler}' if job.spoiler else ''}.npz" for job in jobs]
    missing = {file: job for file, job in zip(files, jobs, strict=True) if not file.exists()}
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
    digest = hashlib.sha256(f"2 {DEFAULT_MODEL} {cv2.__version__}".encode())  # 2: what `Seen` holds
    folders = [Path(file).parent for file in (engine.__file__, face_engine.__file__)]
    sources = [source for folder in folders for source in sorted(folder.rglob("*.py"))]
    for source in (*sources, Path(imaging.__file__)):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


_engine: face_engine.OpenCvEngine
_selfies: bool


def _start(models: Path, selfies: bool) -> None:
    global _engine, _selfies  # one engine a process, as on Lambda
    _engine, _selfies = face_engine.OpenCvEngine(models, threads=1), selfies


def _look(job: Job) -> bytes:
    data = job.path.read_bytes()
    try:
        image: RgbImage = np.asarray(imaging.read_image(data).image)
    except UnusableImage:
        return _file(NOTHING)
    if job.spoiler is not None and job.points is not None:
        spoilt = job.spoiler(Subject(image, job.points, job.face))
        faces = _engine.faces(spoilt.pixels)
        return _file(_seen(faces, None, spoil.place_of(spoilt, [face.box for face in faces])))
    faces = _engine.faces(image)
    selfie = None
    if _selfies:
        try:
            selfie = _engine.probe(data).embedding
        except (NoFaceFound, UnusableImage):
            selfie = None
    subject = None
    if selfie is not None and faces:
        subject = int(np.argmax(np.array([face.embedding for face in faces]) @ selfie))
    return _file(_seen(faces, selfie, subject))


def _seen(faces: Sequence[Face], selfie: Embedding | None, subject: int | None) -> Seen:
    return Seen(
        np.array([face.box for face in faces], np.float32).reshape(-1, 4),
        np.array([face.score for face in faces], np.float32),
        np.array([face.embedding for face in faces], np.float32).reshape(-1, 128),
        selfie,
        landmarks=np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2),
        subject=subject,
    )


def _file(seen: Seen) -> bytes:
    file = io.BytesIO()
    np.savez(
        file,
        boxes=seen.boxes,
        scores=seen.scores,
        faces=seen.faces,
        selfie=np.empty((0, 128), np.float32) if seen.selfie is None else seen.selfie[None],
        readable=np.array(seen.readable),
        landmarks=np.empty((0, 5, 2), np.float32) if seen.landmarks is None else seen.landmarks,
        subject=np.array(-1 if seen.subject is None else seen.subject),
    )
    return file.getvalue()


def _read(file: Path) -> Seen:
    with np.load(file) as stored:
        selfie, subject = stored["selfie"], int(stored["subject"])
        return Seen(
            stored["boxes"],
            stored["scores"],
            stored["faces"],
            selfie[0] if len(selfie) else None,
            bool(stored["readable"]),
            stored["landmarks"],
            None if subject < 0 else subject,
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
