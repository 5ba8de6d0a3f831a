"""Pictures and parts of pictures as Rekognition takes them, and which of the faces in them are one."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesearch.adapters.rekognition.pictures import LONG_SIDE, MAX_BYTES, MIN_SIDE, jpeg_of, parts_of, selfie_jpeg
from facesearch.adapters.rekognition.regions import FoundFace, one_per_face, quarters
from facesearch.faces.sets import WHOLE, Region
from tests.support.pictures import CORNERS, colours, corners, encoded, exif


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return image


def test_a_picture_that_no_quality_makes_small_enough_is_shrunk_until_it_is() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (3000, 4500, 3), np.uint8)
    jpeg = jpeg_of(Image.fromarray(noise))
    assert len(jpeg) <= MAX_BYTES
    assert max(opened(jpeg).size) < LONG_SIDE


@pytest.mark.parametrize("size", [(1, 1), (79, 300), (300, 20)])
def test_a_small_picture_is_laid_on_white_and_keeps_its_pixels(size: tuple[int, int]) -> None:
    image = opened(jpeg_of(Image.new("RGB", size, (200, 0, 0))))
    assert min(image.size) >= MIN_SIDE
    assert (np.asarray(image)[:, :, 1] < 128).sum() == pytest.approx(size[0] * size[1], rel=0.2, abs=70)


def test_the_same_picture_is_always_the_same_bytes() -> None:
    """By which Rekognition knows a photo that is delivered twice."""
    assert jpeg_of(corners(300, 200)) == jpeg_of(corners(300, 200))


def test_a_selfie_is_upright_and_says_nothing_of_its_camera() -> None:
    data = encoded(corners(300, 200).rotate(90, expand=True), "JPEG", quality=95, exif=exif(Orientation=6, Make="X"))
    image = opened(selfie_jpeg(data))
    assert image.size == (300, 200)
    assert not image.getexif()
    found = colours(image.convert("RGB"))
    assert all(np.allclose(found[corner], CORNERS[corner], atol=12) for corner in CORNERS)


def test_parts_are_cut_where_they_are() -> None:
    left, right = parts_of(corners(800, 400), [Region(0, 0, 0.5, 1), Region(0.5, 0, 0.5, 1)])
    assert opened(left).size == opened(right).size == (400, 400)
    assert colours(opened(right))["top left"] == pytest.approx(CORNERS["top right"], abs=12)


PLACES = st.floats(0, 0.9)


@given(PLACES, PLACES, st.floats(0.01, 0.09))
def test_every_face_below_a_tenth_is_whole_in_some_quarter(left: float, top: float, side: float) -> None:
    def holds(part: Region) -> bool:
        return (
            part.left <= left
            and part.top <= top
            and left + side <= part.left + part.width + 1e-9
            and top + side <= part.top + part.height + 1e-9
        )

    assert any(map(holds, quarters(WHOLE)))


@given(PLACES, PLACES, st.floats(0.02, 0.09))
def test_a_face_is_kept_once_however_many_parts_show_it_or_a_piece_of_it(left: float, top: float, side: float) -> None:
    found = []
    for number, look in enumerate([WHOLE, *quarters(WHOLE)]):
        x, y = max(left, look.left), max(top, look.top)
        width = min(left + side, look.left + look.width) - x
        height = min(top + side, look.top + look.height) - y
        if width > 0.005 and height > 0.005:
            found.append(FoundFace(str(number), Region(x, y, width, height), look))
    kept, again = one_per_face(found)
    assert [face.box.width for face in kept] == [pytest.approx(side)]
    assert len(kept) + len(again) == len(found)


def test_a_child_before_a_parent_is_not_the_parent() -> None:
    parent = FoundFace("p", Region(0.4, 0.2, 0.2, 0.3))
    child = FoundFace("c", Region(0.45, 0.35, 0.08, 0.1), quarters(WHOLE)[0])
    assert one_per_face([parent, child]) == ([parent, child], [])
