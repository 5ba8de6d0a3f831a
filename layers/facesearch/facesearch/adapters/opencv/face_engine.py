"""The embedded engine: YuNet detects, through onnxruntime; SFace embeds, through OpenCV."""

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # 5.0 warns on loading any model, before Python could silence it
import cv2
from numpy.typing import NDArray
from PIL import ExifTags, Image
from typing_extensions import override

from facesearch.adapters.opencv import detections, onnx, upright
from facesearch.adapters.opencv.detections import EDGE, SCORE, Detections, moved
from facesearch.adapters.opencv.detector import YuNet
from facesearch.errors import NoFaceFound
from facesearch.faces.engine import PLAIN_MODEL, Embedding, Face, FaceEngine, RgbImage, SelfieProbe, engine_name
from facesearch.faces.qualities import sharpness_of
from facesearch.models import DEFAULT_MODEL
from facesearch.photos.imaging import Picture, read_image

DETECTOR = "face_detection_yunet_2023mar.onnx"
RECOGNISER = "face_recognition_sface_2021dec.onnx"

COARSE_SIDE = 480
"""YuNet finds faces of 24 to 600 px. In this pass they are 5 to 100 % of the long side: portraits, selfies."""
FINE_SIDE = 1920
"""The pass for photos of ordinary size."""
TILED_FROM = 2560
"""Long side above which tiles pay: until there the fine pass still sees a 32 px face with 24."""
DRAFT_SIDE = 640
"""Long side that a selfie is decoded to at first: more than the coarse look needs, and enough for most faces."""
CLEAR_FACE = 160
"""Pixels of a face's long side below which the selfie is decoded again: SFace looks at 112 of an upright face."""
SELFIE_SIDE = 1280
"""Long side of the second decode: a face that fills a tenth of it still has those 112 px."""
SEARCHED_SIDE = 960
"""The fine look at a selfie, for candidates: of faces of 24 px in `SELFIE_SIDE`, which a look at all of it finds, it
shows 98 % (`CANDIDATE_SCORE`), with a little more than half of the pixels."""
TURNED_SIDE = 800
"""The same in the other three orientations, in which nobody holds a camera who is far from it."""
FRAMED_SIDE = 320
"""The look at a selfie in a frame, where the face that fills it has 160 px."""
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
CANDIDATE_SCORE = 0.1
"""Places in a selfie from here on are looked at closer. In a coarse look, all faces of 15 px are such places, of 12 px
96 %, of 9 px half (48 faces in eight backgrounds)."""
CLOSER_SCORE = 0.8
"""Of a face in a closer look. Small upright faces are at .88 and above there, dark ones at .78, patterns up to .8."""
CANDIDATES = 2
"""So many of a look, the surest, are looked at closer."""
CLOSE_SIDE = 224
"""Pixels of a closer look, a third of a coarse one: a candidate with its own size of surroundings on each side."""
MIN_FACE = 24
"""Pixels of a face box's long side. Of faces with 40 px 89 % still match at confidence 90, with 32 px 80 %, with 24 px
half, with 20 px a quarter, with 16 px a tenth."""
MAX_FACES = 256
"""The largest of a photo. Each costs 25 ms on one core, and a batch of ten photos has 120 s."""
UPRIGHT_SCORE = 0.9
"""Upside-down faces are found as well, at up to .899, with landmarks that make their embedding worthless. Of 606 faces
in four orientations the best score was the upright one's each time."""
CLOSER_UPRIGHT_SCORE = 0.92
"""The same of a closer look, which flatters: of 754 upside-down faces it gave five .9 and none .915, of 182 small
upright ones 86 more than this (made-up selfies, as `tools.bench.looks` has them, with masks, glasses and blur)."""
TURN_MARGIN = 0.02
"""A turned view's face must be surer by so much, the least that truly turned ones were. It keeps upright what is merely
hard to see (half hidden, in profile): of 208 such faces 8 look surer when they are turned, 2 by more than this."""
PORTRAIT_SIDE = 256
"""Faces larger than this are shrunk before alignment, whose bilinear sampling down to 112 px would skip pixels."""


class _Owner(NamedTuple):
    """The owner of a selfie in the view where they are surest, and how many faces were found there, this one's among
    them: those that are surely faces, or as sure as the owner's. `score`: by what orientations are compared, the look's
    or, if that is not sure, a closer one's; `is_upright`: they need not be."""

    view: RgbImage
    row: Detections
    faces: int
    score: float
    is_upright: bool


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
        # First the one that OpenCV loads by itself: the start's imports go on meanwhile (ADR 38).
        self._recogniser = cv2.FaceRecognizerSF.create(recogniser, "")
        self._detector = YuNet(Path(detector), threads)

    def named(self, model: str) -> "OpenCvEngine":
        """The same two networks as the engine of another model.

        Raises:
            UnknownModelError: there is none.
        """
        engine_name(model)
        engine = copy.copy(self)
        engine.model = model
        return engine

    def warm_up(self) -> None:
        """Run the decoder and both networks once, a few searches' work: their first run takes longer than any other."""
        black, exif = BytesIO(), Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        Image.new("RGB", (COARSE_SIDE, COARSE_SIDE)).save(black, "JPEG", exif=exif)
        with suppress(NoFaceFound):
            self.probe(black.getvalue())
        self._embedding(np.zeros((112, 112, 3), np.uint8))

    @override
    def faces(self, image: RgbImage) -> list[Face]:
        """At most `MAX_FACES`, none smaller than `MIN_FACE` pixels."""
        found = detections.one_per_face(np.concatenate(list(self._looks(image))))
        return [self._face(image, row) for row in detections.largest(found, MIN_FACE, MAX_FACES)]

    @override
    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        """A selfie that has no surely upright face as it is, is also looked at in the other three orientations; one
        without any face also finely, and in a frame (the face fills the picture). These are at most nine looks, with
        `CANDIDATES` closer ones each.
        """
        draft = read_image(selfie, enough=DRAFT_SIDE)
        view = _pixels(draft)
        coarse = _fitted(view, COARSE_SIDE)
        found = self._detect(coarse, CANDIDATE_SCORE)
        if not _is_clear(found, coarse, view) and max(view.shape) < min(SELFIE_SIDE, max(draft.width, draft.height)):
            view = _pixels(read_image(selfie, enough=SELFIE_SIDE))
        owner = self._owner(view, coarse, found)
        if owner is None or not owner.is_upright:
            turned = max((self._owner(np.rot90(view, by), np.rot90(coarse, by)) for by in (1, 2, 3)), key=_score)
            if owner is None and (turned is None or not turned.is_upright):
                owner = self._owner(view, _resized(view, min(2.0, SEARCHED_SIDE / max(view.shape))))
            if _score(turned) > _score(owner) + TURN_MARGIN:
                owner = turned
        if owner is None:
            finer = _fitted(view, TURNED_SIDE)
            owner = max((self._owner(np.rot90(view, by), np.rot90(finer, by)) for by in (1, 2, 3)), key=_score)
        if owner is None:
            framed = _framed(coarse)
            owner = self._owner(framed, _fitted(framed, FRAMED_SIDE))
        if owner is None:
            raise NoFaceFound("No face was found in the selfie.")
        accepted()
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
        tiled = _resized(image, scale)
        between = _resized(tiled, BETWEEN_SCALE)
        yield moved(self._look(between, COARSE_SIDE), scale * BETWEEN_SCALE)
        yield moved(self._detect(between), scale * BETWEEN_SCALE)
        for tile in detections.tiles(tiled.shape[1], tiled.shape[0], TILE_PIXELS, TILE_OVERLAP):
            part = tiled[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
            found = detections.whole(self._detect(part), tile, tiled.shape[1], tiled.shape[0])
            yield moved(found, scale, tile.x / scale, tile.y / scale)

    def _look(self, image: RgbImage, side: int) -> Detections:
        return moved(self._detect(_fitted(image, side)), min(1.0, side / max(image.shape)))

    def _detect(self, image: RgbImage, least: float = MIN_SCORE) -> Detections:
        return self._detector.detect(image, least)

    def _owner(self, view: RgbImage, looked: RgbImage, found: Detections | None = None) -> _Owner | None:
        """The most prominent face of a view, by a look at a copy of another size; `found`: the look's candidates.

        Where the look shows no face, its surest candidates may be one. A face that it is not sure of is looked at
        closer as well: closer looks flatter upside-down faces, so that their scores compare with each other's alone.
        """
        if found is None:
            found = self._detect(looked, CANDIDATE_SCORE)
        found = moved(found, looked.shape[0] / view.shape[0])
        # What lies in the padding is none: the detector's own is up to 31 px.
        centre = found[:, :2] + found[:, 2:4] / 2
        found = found[np.all((centre >= 0) & (centre < (view.shape[1], view.shape[0])), axis=1)]
        row, closer = _most_prominent(found, view, MIN_SCORE), None
        if row is None or row[SCORE] < UPRIGHT_SCORE:
            surest = found[np.argsort(-found[:, SCORE], kind="stable")[:CANDIDATES]]
            seen = [self._closer(view, looked, each) for each in (surest if row is None else row[None])]
            closer = max((each for each in seen if each is not None), key=lambda each: float(each[SCORE]), default=None)
            row = closer if row is None else row
        if row is None:
            return None
        sure = found[:, SCORE] >= min(UPRIGHT_SCORE, row[SCORE])
        score = float(row[SCORE] if closer is None else max(row[SCORE], closer[SCORE]))
        is_upright = score >= (UPRIGHT_SCORE if closer is None else CLOSER_UPRIGHT_SCORE)
        return _Owner(view, row, max(1, int(sure.sum())), score, is_upright)

    def _closer(self, view: RgbImage, looked: RgbImage, row: Detections) -> Detections | None:
        """The face that a look at a candidate's surroundings alone shows in its place."""
        by = looked.shape[0] / view.shape[0]
        if by < 1 and 3 * row[2:4].max() * by >= CLOSE_SIDE:  # the look's copy shows it as well, in fewer pixels
            same = self._closer(looked, looked, moved(row[None], 1 / by)[0])
            return None if same is None else moved(same[None], by)[0]
        part, left, top = _around(view, row, 1)
        scale = CLOSE_SIDE / max(part.shape)
        found = moved(self._detect(_resized(part, scale)), scale, left, top)
        centre = found[:, :2] + found[:, 2:4] / 2
        its = np.all((centre > row[:2]) & (centre < row[:2] + row[2:4]), axis=1)  # and no neighbour's
        faces: list[Detections] = list(found[its & (found[:, SCORE] >= CLOSER_SCORE)])
        return max(faces, key=lambda each: float(each[SCORE]), default=None)

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
            found = upright.central(self._detect(view))
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


def _pixels(picture: Picture) -> RgbImage:
    """Of formats that know no fraction of their size, less than twice `SELFIE_SIDE`."""
    return np.asarray(picture.image.reduce(max(1, max(picture.image.size) // SELFIE_SIDE)))


def _most_prominent(found: Detections, view: RgbImage, least: float) -> Detections | None:
    return detections.most_prominent(found[found[:, SCORE] >= least], view.shape[1], view.shape[0])


def _is_clear(found: Detections, looked: RgbImage, view: RgbImage) -> bool:
    """Whether a look shows a sure face that is large enough in the view."""
    row = _most_prominent(found, looked, MIN_SCORE)
    if row is None or row[SCORE] < UPRIGHT_SCORE:
        return False
    return bool(row[2:4].max() >= CLEAR_FACE * looked.shape[0] / view.shape[0])


def _score(owner: _Owner | None) -> float:
    return 0.0 if owner is None else owner.score


def _fitted(image: RgbImage, side: int) -> RgbImage:
    """Shrunk to that long side, if it is longer."""
    return _resized(image, min(1.0, side / max(image.shape)))


def _resized(image: RgbImage, scale: float) -> RgbImage:
    if scale == 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def _framed(image: RgbImage) -> RgbImage:
    """In a grey frame of half its size: the detector wants some background around a face."""
    margin = max(image.shape[:2]) // 2
    framed = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(127, 127, 127))
    return np.asarray(framed, np.uint8)


def _around(image: RgbImage, row: Detections, margin: float) -> tuple[RgbImage, int, int]:
    """A face with its size times `margin` of surroundings on each side, and where in the picture that begins."""
    x, y, width, height = row[:4]
    left, top = max(0, int(x - margin * width)), max(0, int(y - margin * height))
    right, bottom = int(x + (1 + margin) * width) + 1, int(y + (1 + margin) * height) + 1
    return image[top:bottom, left:right], left, top


def _portrait(image: RgbImage, row: Detections) -> tuple[RgbImage, Detections]:
    """A face with half its size of surroundings on each side, shrunk if it is large, and its row in there."""
    part, left, top = _around(image, row, 0.5)
    scale = min(1.0, PORTRAIT_SIDE / float(row[2:4].max()))
    local = moved(moved(row[None], 1, -left, -top), 1 / scale)[0]
    return _resized(part, scale), local
