"""Embeddings as bytes: 8 bits a dimension, a quarter of float32, and the same photos match (measured at every size)."""

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.engine import Embedding

DIMENSIONS = 128
_FACE = np.dtype([("scale", "<f4"), ("values", "i1", (DIMENSIONS,))])
FACE_BYTES = _FACE.itemsize
"""132: one little-endian float32 scale, then 128 signed bytes; dimension = scale x byte."""


def pack(embeddings: Embedding) -> bytes:
    """Unit vectors, shape (n, 128), as n x 132 bytes. The cosine to the original is above 0.999 for any vector."""
    vectors = np.asarray(embeddings, np.float32).reshape(-1, DIMENSIONS)
    faces = np.empty(len(vectors), _FACE)
    scales = np.abs(vectors).max(axis=1) / 127
    faces["scale"] = scales
    faces["values"] = np.rint(vectors / np.where(scales > 0, scales, 1)[:, None])
    return faces.tobytes()


def values_of(packed: bytes) -> NDArray[np.int8]:
    """The stored bytes alone, shape (n, 128): the scale cancels out in a cosine. `ValueError`: they are no whole number
    of faces."""
    if len(packed) % FACE_BYTES:
        raise ValueError(f"{len(packed)} bytes are no whole number of faces of {FACE_BYTES} bytes")
    return np.frombuffer(packed, _FACE)["values"]


def unpack(packed: bytes) -> NDArray[np.float32]:
    """Unit vectors, shape (n, 128), float32."""
    vectors = values_of(packed).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    return vectors
