"""What `make bench` is made of: pictures, names of stages, and the waits of calls."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.photos.imaging import read_image
from tools.bench.run import pictures
from tools.bench.run.stages import STAGES, owner_of
from tools.bench.run.worker import Context


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_a_function_that_is_there(name: str) -> None:
    owner, attribute = owner_of(*STAGES[name])
    assert callable(getattr(owner, attribute))


def test_a_picture_in_another_file_is_the_same_picture() -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "JPEG")
    one, two = (pictures.another(file.getvalue(), number) for number in (1, 2))
    assert one != two
    shown, again = (np.asarray(read_image(each).image) for each in (one, two))
    assert np.array_equal(shown, again)


def test_selfies_and_photos_show_who_they_are_to_show(models: Path) -> None:
    engine = OpenCvEngine(models, threads=1)
    selfie = read_image(pictures.selfie(0.7))
    assert (selfie.width, selfie.height) == pictures.SELFIES[0.7]
    assert engine.probe(pictures.selfie(0.7)).faces == 1
    photo = read_image(pictures.photo(2, 4))
    assert len(engine.faces(np.asarray(photo.image))) == 4


def test_an_invocation_has_as_long_as_the_function() -> None:
    assert 19_000 < Context().get_remaining_time_in_millis() <= 20_000
