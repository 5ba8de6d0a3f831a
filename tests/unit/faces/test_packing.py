"""Packed embeddings keep their direction, and what is no packed embedding is said to be none."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from facesearch.faces.packing import FACE_BYTES, pack, unpack


@given(arrays(np.float32, st.tuples(st.integers(0, 5), st.just(128)), elements=st.floats(-1, 1, width=32)))
def test_the_direction_survives_packing(vectors: NDArray[np.float32]) -> None:
    vectors = vectors[np.linalg.norm(vectors, axis=1) > 1e-3]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    packed = pack(units)
    assert len(packed) == len(units) * FACE_BYTES
    back = unpack(packed)
    assert back.dtype == np.float32
    assert np.allclose(np.linalg.norm(back, axis=1), 1, atol=1e-6)
    # Each of 127 dimensions is off by at most 1/254 of the largest: the sine of the angle is at most .0444.
    assert np.all((back * units).sum(axis=1) > 0.999)


def test_cosines_between_faces_stay_within_a_two_hundredth() -> None:
    vectors = np.random.default_rng(1).normal(size=(500, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    back = unpack(pack(vectors))
    assert np.abs(vectors @ vectors[0] - back @ vectors[0]).max() < 0.005
    assert np.all((back * vectors).sum(axis=1) > 0.9995), "spread over all dimensions, as faces are"


def test_the_layout_is_a_little_endian_scale_and_128_signed_bytes() -> None:
    vector = np.zeros((1, 128), np.float32)
    vector[0, 0], vector[0, 1] = 0.8, -0.6
    packed = pack(vector)
    scale, first, second = struct.unpack_from("<fbb", packed)
    assert (first, second) == (127, -95)
    assert scale * first == pytest.approx(0.8)
    assert packed[6:] == bytes(126)


@pytest.mark.parametrize("length", [1, 131, 133, 260])
def test_a_wrong_length_is_an_error_that_names_it(length: int) -> None:
    with pytest.raises(ValueError, match=f"{length} bytes"):
        unpack(bytes(length))
