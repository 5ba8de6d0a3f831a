"""Reading bibs: PaddleOCR's PP-OCRv6 finds lines of text and reads them, both through OpenCV."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np

os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # 5.0 warns on loading any model, before Python could silence it
import cv2
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.adapters.opencv import onnx, text_lines
from facesearch.bibs.lines import Line, nearest, promising, separate
from facesearch.bibs.linking import Placed, linked, one_per_place
from facesearch.bibs.reader import BibReader, ReadBib
from facesearch.bibs.texts import bib_of
from facesearch.bibs.zones import MOST_ENLARGED, Zone, around, whole, zones
from facesearch.faces.engine import Face, RgbImage

DETECTOR = "text_detection_ppocrv6_small.onnx"
RECOGNISER = "text_recognition_ppocrv6_small.onnx"

MEAN = np.array((0.485, 0.456, 0.406), np.float32)
DEVIATION = np.array((0.229, 0.224, 0.225), np.float32)
"""ImageNet's, as the detector was trained with: for blue, green, red, although they are meant the other way round."""
STEP = 32
"""Pixels of whose multiples the sides of the detector's view must be."""
SMALLEST = 12
"""Pixels of a view's short side below which no text is to be seen."""

PHOTO_PIXELS = 340_000
"""The time in which the face engine looks through a photo of 2048 px, in pixels of the detector's view: .175 s of .53 s
a megapixel, on one core. A larger photo has no more, and a smaller one no less: of a runner who is turned away, nothing
else in it tells."""
FACE_PIXELS = 62_000
"""The same for embedding a face, .035 s."""
MOST_FACES = 64
"""The largest, below which bibs are looked for."""
COLUMN_PIXELS = 210
"""The same for a column of the recogniser's view, .11 ms."""
ZONES_SHARE = 0.7
"""Of all that, what the views of zones may have together."""
WHOLE_SHARE = 0.5
"""Of what they leave, what the view of the whole picture may have; the rest is for reading lines."""

BLOCK = 1.5
"""Heights that a line of two digits is wide: what is less may be several lines."""
CLOSER = 1.5
"""The second look below a face without a bib, to the first: two looks seldom miss the same number."""
BEST_LINES = 2
"""The largest lines that are read of a closer look."""
BESIDE = 0.3
"""Heights of a line that are read beside it on both sides: the detector leaves out a narrow first or last digit."""
WIDEST_STRIP = 320
"""Columns; a longer line is squeezed, and is no bib mostly."""
MIN_SCORE = 0.7
"""Of a bib's least sure character. Nearly all right ones are above .9, and so are numbers that an arm hides in part;
plates and patterns are below."""


def budget_of(faces: int) -> float:
    """What reading a picture with so many faces may cost, in pixels of the detector's view."""
    return PHOTO_PIXELS + FACE_PIXELS * min(faces, MOST_FACES)


class _Budget:
    """What is left of it, in pixels of the detector's view."""

    def __init__(self, pixels: float) -> None:
        self.left = pixels

    def take(self, pixels: float) -> bool:
        """Whether there is as much left; then it is taken."""
        if pixels > self.left:
            return False
        self.left -= pixels
        return True


class OpenCvBibReader(BibReader):
    """PP-OCRv6 small: the detector looks at the zones below faces and at the whole picture, the recogniser reads the
    most promising lines.

    The networks keep state while they run: one call at a time.
    """

    model: str = "ppocr-v6-small"

    def __init__(self, models_dir: Path, threads: int) -> None:
        """Load the two networks, about 0.1 s.

        Args:
            models_dir: folder of the two ONNX files.
            threads: OpenCV's threads, process-wide.

        Raises:
            FileNotFoundError: a model is not in the folder.
        """
        detector, recogniser = onnx.files(models_dir, DETECTOR, RECOGNISER)
        cv2.setNumThreads(threads)
        self._detector = cv2.dnn.readNetFromONNX(detector)
        self._recogniser = cv2.dnn.readNetFromONNX(recogniser)
        # As PaddleOCR numbers them: nothing, the letters of the file's list, a space.
        self._alphabet = ["", *onnx.metadata(models_dir / RECOGNISER, "character").split("\n"), " "]

    @override
    def read(self, image: RgbImage, faces: Sequence[Face]) -> list[ReadBib]:
        height, width = image.shape[:2]
        largest = sorted(faces, key=lambda face: -max(face.box[2:]))[:MOST_FACES]
        budget = _Budget(budget_of(len(largest)))
        looks = zones(largest, width, height, ZONES_SHARE * budget.left)
        budget.take(sum(zone.pixels for zone in looks.values()))
        everything = whole(width, height, WHOLE_SHARE * budget.left)
        budget.take(everything.pixels)
        own, others = list[Line](), list[Line]()
        for face, zone in looks.items():
            for line in self._lines(image, zone):
                (own if nearest(line.x, line.y, largest) == face else others).append(line)
        coarse = list(self._lines(image, everything))
        # Where several looks find the same line, the one below its own face counts.
        lines = promising(separate([*own, *others, *coarse]), largest)
        found = list(self._read(image, lines, frozenset(coarse), budget))
        seen = {nearest(bib.x, bib.y, largest) for bib in found}
        for face, zone in looks.items():
            closer = zone._replace(scale=min(MOST_ENLARGED, CLOSER * zone.scale))
            if face not in seen and closer.scale > zone.scale and budget.take(closer.pixels):
                found.extend(self._read(image, self._best_lines(image, closer), frozenset(), budget))
        return linked(one_per_place(found), faces)

    def _read(
        self, image: RgbImage, lines: Sequence[Line], coarse: AbstractSet[Line], budget: "_Budget"
    ) -> Iterator[Placed]:
        """The bibs among the lines, as far as the budget goes.

        What a coarse look takes for one line, but is too high for that, may be a bib whole: it is looked at closely.
        """
        waiting = deque(lines)
        while waiting:
            line = waiting.popleft()
            if line in coarse and line.width < BLOCK * line.height:
                zone = around(line, image.shape[1], image.shape[0])
                inside = self._best_lines(image, zone) if budget.take(zone.pixels) else []
                if inside:
                    waiting.extendleft(reversed(inside))
                    continue
            strip = text_lines.strip_of(image, line, BESIDE, WIDEST_STRIP)
            if not budget.take(COLUMN_PIXELS * strip.shape[1]):
                return
            text, score = self._text(strip)
            bib = bib_of(text)
            if bib is not None and score >= MIN_SCORE:
                yield Placed(bib, score, line.x, line.y, line.width, line.height)

    def _best_lines(self, image: RgbImage, zone: Zone) -> list[Line]:
        return promising(separate(list(self._lines(image, zone))), [])[:BEST_LINES]

    def _lines(self, image: RgbImage, zone: Zone) -> Iterator[Line]:
        """The lines in a zone, in the picture's pixels."""
        left, top, right, bottom = (round(side) for side in zone[:4])
        if min(right - left, bottom - top) * zone.scale < SMALLEST:
            return
        part = image[top:bottom, left:right]
        width, height = (max(1, round(side * zone.scale / STEP)) * STEP for side in (right - left, bottom - top))
        how = cv2.INTER_AREA if zone.scale < 1 else cv2.INTER_LINEAR
        view = np.asarray(cv2.resize(part, (width, height), interpolation=how), np.uint8)
        self._detector.setInput(_for_detector(view))
        across, down = (right - left) / width, (bottom - top) / height
        for line in text_lines.lines_of(self._detector.forward()[0, 0]):
            yield Line(
                left + line.x * across, top + line.y * down, line.width * across, line.height * down, line.degrees
            )

    def _text(self, strip: RgbImage) -> tuple[str, float]:
        self._recogniser.setInput(cv2.dnn.blobFromImage(strip, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        return text_lines.text_of(self._recogniser.forward()[0], self._alphabet)


def _for_detector(view: RgbImage) -> NDArray[np.float32]:
    """Shape (1, 3, height, width), blue first."""
    blue_first = view[:, :, ::-1].astype(np.float32) / 255
    return np.ascontiguousarray(((blue_first - MEAN) / DEVIATION).transpose(2, 0, 1)[None])
