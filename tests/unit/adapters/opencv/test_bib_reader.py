"""The real reader on drawn bibs below real faces."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facesearch.adapters.opencv.bib_reader import (
    COLUMN_PIXELS,
    DETECTOR,
    MIN_SCORE,
    RECOGNISER,
    STEP,
    OpenCvBibReader,
    budget_of,
)
from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.bibs.reader import MAX_BIBS
from facesearch.faces.engine import Face, RgbImage
from tests.support.runners import HEIGHT, WIDTH, bib, heads_of, pasted, runners, street


@pytest.fixture(scope="module")
def reader(models: Path) -> OpenCvBibReader:
    return OpenCvBibReader(models, threads=2)


@pytest.fixture(scope="module")
def engine(models: Path) -> OpenCvEngine:
    return OpenCvEngine(models, threads=2)


@pytest.fixture(scope="module")
def heads(samples: Path) -> list[RgbImage]:
    return heads_of(samples)


def worn(reader: OpenCvBibReader, image: RgbImage, faces: Sequence[Face]) -> dict[str, int | None]:
    return {read.text: read.face for read in reader.read(image, faces)}


def middles(faces: Sequence[Face]) -> list[float]:
    return [face.box[0] + face.box[2] / 2 for face in faces]


def test_each_runners_number_is_read_and_is_theirs(
    reader: OpenCvBibReader, engine: OpenCvEngine, heads: list[RgbImage]
) -> None:
    image = runners(heads, bib("1432"), bib("58"), bib("A807"))
    faces = engine.faces(image)
    assert len(faces) == 3
    order = np.argsort(middles(faces)).tolist()
    assert worn(reader, image, faces) == {"1432": order[0], "58": order[1], "A807": order[2]}
    assert all(MIN_SCORE <= read.score <= 1 for read in reader.read(image, faces))


@pytest.mark.parametrize("degrees", [-30, -12, 20])
def test_a_tilted_number_is_read(
    reader: OpenCvBibReader, engine: OpenCvEngine, heads: list[RgbImage], degrees: float
) -> None:
    image = runners(heads, bib("2791", degrees=degrees))
    assert worn(reader, image, engine.faces(image)) == {"2791": 0}


def test_a_pale_number_is_read(reader: OpenCvBibReader, engine: OpenCvEngine, heads: list[RgbImage]) -> None:
    image = runners(heads, bib("2791", ink=150, paper=190))
    assert worn(reader, image, engine.faces(image)) == {"2791": 0}


def test_a_runner_without_a_face_is_read_and_is_nobody(reader: OpenCvBibReader) -> None:
    image = pasted(street(), bib("1432", width=260), 1000, 800)
    assert worn(reader, image, []) == {"1432": None}


def test_a_number_that_the_pictures_edge_cuts_is_not_read(reader: OpenCvBibReader) -> None:
    image = pasted(street(), bib("1432", width=260), 30, 800)
    assert worn(reader, image, []) == {}


def test_words_and_times_are_no_bibs(reader: OpenCvBibReader) -> None:
    image = street()
    for number, words in enumerate(["FINISH", "1:23:45", "WWW.RUN.EXAMPLE", "DA-744-KJ"]):
        place = (200, 300 + 250 * number)
        cv2.putText(image, words, place, cv2.FONT_HERSHEY_DUPLEX, 3, (250, 250, 250), 8, cv2.LINE_AA)
    assert worn(reader, image, []) == {}


class Counted:
    """A network that counts the pixels of what it is given."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.shapes: list[tuple[int, int]] = []

    def setInput(self, blob: Any) -> None:  # noqa: N802 - OpenCV's name
        self.shapes.append(blob.shape[2:])
        self.network.setInput(blob)

    def forward(self) -> Any:
        return self.network.forward()


def wall(rows: int, columns: int, width: int = WIDTH, height: int = HEIGHT) -> RgbImage:
    """Numbers from edge to edge."""
    image = np.full((height, width, 3), 255, np.uint8)
    rng = np.random.default_rng(5)
    for y in range(rows):
        for x in range(columns):
            place = (int(x * width / columns), int((y + 0.8) * height / rows))
            size = 0.02 * height / rows
            number = str(rng.integers(100, 10_000))
            cv2.putText(image, number, place, cv2.FONT_HERSHEY_DUPLEX, size, (0, 0, 0), max(1, int(3 * size)))
    return image


def crowd(count: int, width: int, height: int) -> list[Face]:
    """Faces of all sizes everywhere."""
    rng = np.random.default_rng(7)
    places = rng.uniform((0, 0, 24, 24), (width, height, 200, 200), (count, 4))
    marks, embedding = np.zeros((5, 2), np.float32), np.zeros(128, np.float32)
    return [Face((x, y, w, h), marks, 0.9, embedding) for x, y, w, h in places.tolist()]


@pytest.mark.parametrize(
    ("size", "faces", "rows", "columns"),
    [
        ((WIDTH, HEIGHT), 0, 40, 30),
        ((WIDTH, HEIGHT), 12, 40, 30),
        ((WIDTH, HEIGHT), 256, 15, 10),
        ((6000, 4000), 5, 60, 40),
        ((5000, 200), 3, 3, 40),
    ],
)
def test_a_wall_of_numbers_costs_no_more_than_any_photo(
    reader: OpenCvBibReader,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    faces: int,
    rows: int,
    columns: int,
) -> None:
    # Given numbers wherever one looks, and faces everywhere
    width, height = size
    detector, recogniser = Counted(reader._detector), Counted(reader._recogniser)
    monkeypatch.setattr(reader, "_detector", detector)
    monkeypatch.setattr(reader, "_recogniser", recogniser)
    # When it is read
    read = reader.read(wall(rows, columns, width, height), crowd(faces, width, height))
    # Then what the networks had to look at is within the budget, but for sides that are rounded
    looked_at = sum((w - STEP / 2) * (h - STEP / 2) for w, h in detector.shapes)
    assert looked_at + COLUMN_PIXELS * sum(w for _, w in recogniser.shapes) <= budget_of(faces)
    assert len(read) <= MAX_BIBS
    assert len({each.text for each in read}) == len(read)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 40), (31, 33), (64, 64)])
def test_a_picture_of_any_size_can_be_looked_at(reader: OpenCvBibReader, size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert not reader.read(image, [])
    assert not reader.read(image, crowd(3, size[1], size[0]))


@pytest.mark.parametrize("missing", [DETECTOR, RECOGNISER])
def test_a_missing_model_is_named(models: Path, tmp_path: Path, missing: str) -> None:
    for name in {DETECTOR, RECOGNISER} - {missing}:
        (tmp_path / name).symlink_to(models / name)
    with pytest.raises(FileNotFoundError, match=missing):
        OpenCvBibReader(tmp_path, threads=1)
