"""The embedded engine: YuNet detects, through onnxruntime; SFace embeds, through OpenCV."""

import copy
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # 5.0 warns on loading any model, before Python could silence it
import cv2
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.adapters.opencv import detections, onnx, upright
from facesearch.adapters.opencv.detections import EDGE, SCORE, Detections, moved
from facesearch.adapters.opencv.detector import YuNet
from facesearch.errors import NoFaceFound
from facesearch.faces.engine import PLAIN_MODEL, Embedding, Face, FaceEngine, RgbImage, SelfieProbe, engine_name
from facesearch.faces.qualities import sharpness_of
from facesearch.models import DEFAULT_MODEL
from facesearch.photos.imaging import read_image

DETECTOR = "face_detection_yunet_2023mar.onnx"
RECOGNISER = "face_recognition_sface_2021dec.onnx"

COARSE_SIDE = 480
"""YuNet finds faces of 24 to 600 px. In this pass they are 5 to 100 % of the long side: portraits, selfies."""
FINE_SIDE = 1920
"""The pass for photos of ordinary size."""
TILED_FROM = 2560
"""Long side above which tiles pay: until there the fine pass still sees a 32 px face with 24."""
SELFIE_SIDE = 1280
"""Selfies are decoded to this size: a face that fills a tenth of it still has the 112 px that SFace looks at."""
TILE_PIXELS = 4_500_000
"""The larger the tiles, the less is looked at twice: at 12 MP .10 of the picture, where tiles of 1280 x 1280 were .64.
Such a tile takes some 250 MB while it is looked at (ADR 35)."""
TILE_OVERLAP = 192
"""Pixels. What is larger may be cut by every tile."""
CUT_FACE = 48
"""Pixels that a face which every tile cuts still has in the pass between the coarse one and the tiles, in place of the
fine one: twice the least, and .07 of the picture's pixels."""
BETWEEN_SCALE = CUT_FACE / (TILE_OVERLAP - 2 * EDGE)
TILED_PIXELS = 24_000_000
"""Tiles look at full resolution up to 24 MP, at the same number of pixels above, whatever comes."""

MIN_SCORE = 0.7
"""On 1,612 LFW photos every central face is at .8 and above, 1 % are below .9. In the background, finds are mostly
faces down to .7; below, it is mostly hands, ears and patterns."""
MIN_FACE = 24
"""Pixels of a face box's long side. Of faces with 40 px 89 % still match at confidence 90, with 32 px 80 %, with 24 px
half, with 20 px a quarter, with 16 px a tenth."""
MAX_FACES = 256
"""The largest of a photo. Each costs 25 ms on one core, and a batch of ten photos has 120 s."""
UPRIGHT_SCORE = 0.9
"""Upside-down faces are found as well, at up to .899, with landmarks that make their embedding worthless. Of 606 faces
in four orientations the best score was the upright one's each time."""
TURN_MARGIN = 0.02
"""A turned view's face must be surer by so much, the least that truly turned ones were. It keeps upright what is merely
hard to see (half hidden, in profile): of 208 such faces 8 look surer when they are turned, 2 by more than this."""
PORTRAIT_SIDE = 256
"""Faces larger than this are shrunk before alignment, whose bilinear sampling down to 112 px would skip pixels."""


class _Owner(NamedTuple):
    """The owner of a selfie in the view where they are surest, and how many faces were found there, this one's among
    them: those that are surely faces, or as sure as the owner's."""

    view: RgbImage
    row: Detections
    faces: int


class OpenCvEngine(FaceEngine):
    """OpenCV Zoo's YuNet 2023mar and SFace 2021dec, under each of `engine.MODELS`.

    The networks keep state while they run: one call at a time.
    """

    model: str = DEFAULT_MODEL

    def __init__(self, models_dir: Path, threads: int) -> None:
        """Load the two networks, about 0.1 s.

        Args:
            models_dir: folder of the two ONNX files.
            threads: the detector's threads, and OpenCV's, process-wide.

        Raises:
            FileNotFoundError: a model is not in the folder.
        """
        detector, recogniser = onnx.files(models_dir, DETECTOR, RECOGNISER)
        cv2.setNumThreads(threads)
        self._detector = YuNet(Path(detector), threads, MIN_SCORE)
        self._recogniser = cv2.FaceRecognizerSF.create(recogniser, "")

    def named(self, model: str) -> "OpenCvEngine":
        """The same two networks as the engine of another model.

        Raises:
            UnknownModelError: there is none.
        """
        engine_name(model)
        engine = copy.copy(self)
        engine.model = model
        return engine

    @override
    def faces(self, image: RgbImage) -> list[Face]:
        """At most `MAX_FACES`, none smaller than `MIN_FACE` pixels."""
        found = detections.one_per_face(np.concatenate(list(self._looks(image))))
        return [self._face(image, row) for row in detections.largest(found, MIN_FACE, MAX_FACES)]

    @override
    def probe(self, selfie: bytes) -> SelfieProbe:
        """A selfie that has no surely upright face as it is, is also looked at in the other three orientations; one
        without any face also in a frame (the face fills the picture) and enlarged (the picture is tiny).
        """
        upright = np.asarray(read_image(selfie, fit=SELFIE_SIDE).image)
        owner = self._owner([upright])
        if owner is None or owner.row[SCORE] < UPRIGHT_SCORE:
            turned = self._owner(np.rot90(upright, turns) for turns in (1, 2, 3))
            if owner is None or (turned is not None and turned.row[SCORE] > owner.row[SCORE] + TURN_MARGIN):
                owner = turned
        owner = owner or self._owner([_framed(upright), _resized(upright, 2, cv2.INTER_CUBIC)])
        if owner is None:
            raise NoFaceFound("No face was found in the selfie.")
        return SelfieProbe(self._embedding(self._aligned(owner.view, owner.row)), owner.faces)

    def _looks(self, image: RgbImage) -> Iterator[Detections]:
        """Rows in the picture's pixels: large faces from a coarse look, smaller ones from a fine one or from tiles."""
        height, width = image.shape[:2]
        if max(width, height) <= TILED_FROM:
            yield self._look(image, COARSE_SIDE)
            if max(width, height) > COARSE_SIDE:
                yield self._look(image, FINE_SIDE)
            return
        scale = min(1.0, (TILED_PIXELS / (width * height)) ** 0.5)
        tiled = image if scale == 1 else _resized(image, scale)
        between = _resized(tiled, BETWEEN_SCALE)
        yield moved(self._look(between, COARSE_SIDE), scale * BETWEEN_SCALE)
        yield moved(self._detector.detect(between), scale * BETWEEN_SCALE)
        for tile in detections.tiles(tiled.shape[1], tiled.shape[0], TILE_PIXELS, TILE_OVERLAP):
            part = tiled[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
            found = detections.whole(self._detector.detect(part), tile, tiled.shape[1], tiled.shape[0])
            yield moved(found, scale, tile.x / scale, tile.y / scale)

    def _look(self, image: RgbImage, side: int) -> Detections:
        scale = min(1.0, side / max(image.shape[:2]))
        return moved(self._detector.detect(image if scale == 1 else _resized(image, scale)), scale)

    def _owner(self, views: Iterable[RgbImage]) -> _Owner | None:
        """The surest of the views' most prominent faces, and its view."""
        owners = []
        for view in views:
            for side in (COARSE_SIDE, SELFIE_SIDE):
                found = self._look(view, side)
                row = detections.most_prominent(found, view.shape[1], view.shape[0])
                if row is not None:
                    sure = found[:, SCORE] >= min(UPRIGHT_SCORE, row[SCORE])
                    owners.append(_Owner(view, row, int(sure.sum())))
                if max(view.shape[:2]) <= side or (row is not None and row[SCORE] >= UPRIGHT_SCORE):
                    break
        return max(owners, key=lambda owner: float(owner.row[SCORE]), default=None)

    def _face(self, image: RgbImage, row: Detections) -> Face:
        x, y, width, height = (float(value) for value in row[:4])
        box, landmarks, aligned = (x, y, width, height), row[4:14].reshape(5, 2), self._aligned(image, row)
        return Face(box, landmarks, float(row[SCORE]), self._embedding(aligned), sharpness_of(aligned))

    def _aligned(self, image: RgbImage, row: Detections) -> NDArray[np.uint8]:
        """The face as the recogniser wants it: shape (112, 112, 3), BGR, its landmarks in their places."""
        portrait, local = _portrait(image, row)
        if engine_name(self.model) == DEFAULT_MODEL:
            local = self._upright(portrait, local)
        return np.asarray(self._recogniser.alignCrop(_bgr(portrait), local), np.uint8)

    def _embedding(self, aligned: NDArray[np.uint8]) -> Embedding:
        """Unit features of an aligned face; if mirrored, the unit mean with its mirror image's."""
        # feature() returns a buffer that the next call overwrites.
        views = (aligned, cv2.flip(aligned, 1)) if engine_name(self.model) != PLAIN_MODEL else (aligned,)
        features = [self._recogniser.feature(view)[0].copy() for view in views]
        mean = sum(feature / np.linalg.norm(feature) for feature in features)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def _upright(self, picture: RgbImage, row: Detections) -> Detections:
        """The row with the landmarks that the detector finds once the face is upright; as it is where it finds none."""
        if upright.is_profile(row):
            return row
        best, degrees = row, upright.OVERSHOOT * upright.roll_of(row)
        for _ in range(upright.MOST_LOOKS):
            view, transform = upright.view_of(picture, row, degrees)
            found = upright.central(self._detector.detect(view))
            if found is None:
                break
            best = upright.landmarks_from(found, transform, row)
            roll = upright.roll_of(best)
            if abs(roll - degrees) <= upright.LEVEL_DEGREES:
                break
            degrees = roll + (upright.OVERSHOOT - 1) * (roll - degrees)
        return best


def _bgr(image: RgbImage) -> NDArray[np.uint8]:
    """OpenCV's order of channels. Only ever of a part or a smaller copy: 64 MP are 200 MB."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)


def _resized(image: RgbImage, scale: float, interpolation: int = cv2.INTER_AREA) -> RgbImage:
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def _framed(image: RgbImage) -> RgbImage:
    """In a grey frame of half its size: the detector wants some background around a face."""
    margin = max(image.shape[:2]) // 2
    framed = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(127, 127, 127))
    return np.asarray(framed, np.uint8)


def _portrait(image: RgbImage, row: Detections) -> tuple[RgbImage, Detections]:
    """A face with half its size of surroundings on each side, shrunk if it is large, and its row in there."""
    x, y, width, height = row[:4]
    left, top = max(0, int(x - width / 2)), max(0, int(y - height / 2))
    part = image[top : int(y + 1.5 * height) + 1, left : int(x + 1.5 * width) + 1]
    scale = min(1.0, PORTRAIT_SIDE / float(max(width, height)))
    local = moved(moved(row[None], 1, -left, -top), 1 / scale)[0]
    return part if scale == 1 else _resized(part, scale), local
