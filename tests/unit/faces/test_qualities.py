"""How large and how sharp faces are: what is measured, and how it is kept."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from facesearch.faces.qualities import QUALITY_BYTES, STEPS, pack_qualities, sharpness_of, unpack_qualities
from tests.support.examples import examples
from tools.bench.spoil import disc_kernel, line_kernel

Picture = NDArray[np.uint8]


def face(seed: int) -> Picture:
    """Shapes and edges of a picture that was focused, shape (112, 112, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(60, 200, size=(14, 14, 3))
    return np.clip(coarse.repeat(8, axis=0).repeat(8, axis=1) + rng.normal(0, 4, (112, 112, 3)), 0, 255).astype(
        np.uint8
    )


def blurred(picture: Picture, kernel: NDArray[np.float32]) -> Picture:
    return np.asarray(cv2.filter2D(picture, -1, kernel), np.uint8)


@settings(max_examples=examples(25))
@given(st.integers(0, 2**32 - 1))
def test_the_more_a_face_is_blurred_the_less_sharp_it_is(seed: int) -> None:
    for kernel in (disc_kernel, lambda pixels: line_kernel(pixels, 0.7)):
        sharp, soft, softer = (sharpness_of(blurred(face(seed), kernel(pixels))) for pixels in (1.0, 4.0, 8.0))
        assert 0 < softer < 0.9 * soft < 0.8 * sharp


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 1.0), st.integers(0, 50))
def test_light_and_contrast_do_not_matter(seed: int, contrast: float, light: int) -> None:
    picture = face(seed)
    other = (picture * contrast * 0.75 + light).astype(np.uint8)
    assert sharpness_of(other) == pytest.approx(sharpness_of(picture), rel=0.05)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 2))))
def test_what_is_packed_is_read_back_as_nearly_as_it_is_kept(faces: list[tuple[float, float]]) -> None:
    packed = pack_qualities(faces)
    assert len(packed) == QUALITY_BYTES * len(faces)
    found = unpack_qualities(packed)
    assert len(found.pixels) == len(faces)
    for (pixels, sharpness), kept, how in zip(faces, found.pixels, found.sharpness, strict=True):
        assert abs(min(pixels, 65_535) - int(kept)) <= 0.5
        assert min(sharpness, 0.85) == pytest.approx(how, abs=0.5 / STEPS + 1e-9)
    with pytest.raises(ValueError, match="size"):
        unpack_qualities(packed + b"1")
    assert sharpness_of(np.full((112, 112, 3), 90, np.uint8)) == 0, "of one colour"
