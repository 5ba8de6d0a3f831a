"""How often the detector runs, held against `tools.bench.counts`: what a selfie and a photo cost before any face."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesearch.adapters.opencv.face_engine import CANDIDATE_SCORE, MIN_SCORE, OpenCvEngine
from facesearch.errors import NoFaceFound
from tests.support.pictures import encoded
from tools.bench.counts import LOOKS


@pytest.fixture
def looks(models: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[OpenCvEngine, list[object]]:
    engine, sizes = OpenCvEngine(models, threads=1), list[object]()

    def nothing(
        image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], least: float = MIN_SCORE
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        sizes.append(image.shape)
        return np.empty((0, 15), np.float32)

    monkeypatch.setattr(engine, "_detect", nothing)
    return engine, sizes


def test_a_selfie_without_a_face(looks: tuple[OpenCvEngine, list[object]]) -> None:
    engine, sizes = looks
    with pytest.raises(NoFaceFound):
        engine.probe(encoded(Image.new("RGB", (1224, 1632), "grey"), "JPEG"))
    assert len(sizes) == LOOKS["faceless selfie"]


def test_a_selfie_with_a_sure_face(models: Path, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, whole = OpenCvEngine(models, threads=1), list[object]()
    detect = engine._detect

    def noted(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], least: float = MIN_SCORE) -> object:
        if least == CANDIDATE_SCORE:  # else it looks at one face, turned
            whole.append(image.shape)
        return detect(image, least)

    monkeypatch.setattr(engine, "_detect", noted)
    engine.probe((samples / "obama2.jpg").read_bytes())
    assert len(whole) == LOOKS["selfie"]


@pytest.mark.parametrize(("megapixels", "size"), [(2, (1632, 1224)), (12, (4000, 3000)), (24, (6000, 4000))])
def test_a_photo(looks: tuple[OpenCvEngine, list[object]], megapixels: int, size: tuple[int, int]) -> None:
    engine, sizes = looks
    engine.faces(np.zeros((size[1], size[0], 3), np.uint8))
    assert len(sizes) == LOOKS[f"photo of {megapixels} MP"]
