"""YuNet's rows are those of OpenCV's own detector, and how much it has to look at."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from facesearch.adapters.opencv.detections import Detections
from facesearch.adapters.opencv.detector import YuNet
from facesearch.adapters.opencv.face_engine import DETECTOR, MIN_SCORE, OpenCvEngine
from facesearch.faces.engine import RgbImage
from facesearch.photos.imaging import read_image


@pytest.fixture(scope="module")
def detector(models: Path) -> YuNet:
    return YuNet(models / DETECTOR, 1)


@pytest.mark.parametrize("size", [(96, 64), (333, 250), (480, 480), (1000, 777)])
def test_rows_are_those_of_opencvs_own_detector(
    detector: YuNet, models: Path, samples: Path, size: tuple[int, int]
) -> None:
    heads = [read_image((samples / f"{name}.jpg").read_bytes()).image for name in ("obama", "biden", "obama3")]
    group = Image.new("RGB", (3000, 1000), "grey")
    for number, head in enumerate(heads):
        head.thumbnail((1000, 1000))
        group.paste(head, (1000 * number, 0))
    for photo in (*heads, group):
        image = np.asarray(photo.resize(size), np.uint8)
        own = cv2.FaceDetectorYN.create(str(models / DETECTOR), "", size, MIN_SCORE)
        _, rows = own.detect(np.asarray(image[:, :, ::-1], np.uint8, order="C"))
        found = detector.detect(image, MIN_SCORE)
        expected = np.asarray(rows).reshape(-1, 15) if len(found) else np.empty((0, 15))
        assert len(found) or repr(rows) == "None"
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (31, 700), (64, 64)])
def test_nothing_is_found_where_nobody_is(detector: YuNet, size: tuple[int, int]) -> None:
    assert detector.detect(np.full((size[1], size[0], 3), 127, np.uint8), MIN_SCORE).shape == (0, 15)


LOOKS = [
    ((1632, 1224), [(480, 360), (1632, 1224)]),
    ((4000, 3000), [(480, 360), (1043, 783), *[(1462, 3000)] * 3]),
    ((6000, 4000), [(480, 320), (1565, 1043), *[(2128, 2096)] * 6]),
    ((8000, 6000), [(480, 360), (1476, 1107), *[(2014, 2218)] * 6]),
]


@pytest.mark.parametrize(("size", "looks"), LOOKS)
def test_a_photo_costs_so_many_looks_of_such_sizes(
    models: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], looks: list[tuple[int, int]]
) -> None:
    """2, 12, 24 and 48 MP. A pixel costs the same in each look, and looks are most of what indexing costs."""
    seen: list[tuple[int, int]] = []

    def detect(_: YuNet, image: RgbImage, least: float) -> Detections:
        seen.append((image.shape[1], image.shape[0]))
        return np.empty((0, 15), np.float32)

    engine = OpenCvEngine(models, threads=1)
    monkeypatch.setattr(YuNet, "detect", detect)
    assert engine.faces(np.zeros((size[1], size[0], 3), np.uint8)) == []
    assert seen == looks
