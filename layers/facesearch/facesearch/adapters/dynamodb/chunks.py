"""A result's photos as compact chunks: 24 bytes a photo, 100 photos a chunk."""

import struct
import uuid
from collections.abc import Sequence

from facesearch.models import PhotoMatch

CHUNK_SIZE = 100
"""The largest page, so that any page touches at most two chunks; 2.4 KB, one strongly consistent read unit."""

_RECORD = struct.Struct(">16sII")


def pack_chunk(photos: Sequence[PhotoMatch]) -> bytes:
    """image_id, width and height of each photo, big-endian."""
    return b"".join(_RECORD.pack(photo.image_id.bytes, photo.width, photo.height) for photo in photos)


def unpack_chunk(data: bytes) -> list[PhotoMatch]:
    """Inverse of `pack_chunk`."""
    return [PhotoMatch(uuid.UUID(bytes=raw), width, height) for raw, width, height in _RECORD.iter_unpack(data)]
