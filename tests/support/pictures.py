"""Pictures made for tests: every format that cameras, editors and mischief produce, without a single committed file."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import ExifTags, Image

CORNERS = {
    "top left": (220, 30, 30),
    "top right": (30, 200, 30),
    "bottom left": (40, 40, 220),
    "bottom right": (0, 0, 0),
}


def corners(width: int = 60, height: int = 40) -> Image.Image:
    """A picture whose four quarters have the colours of `CORNERS`, so that no turn or flip of it goes unnoticed."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = CORNERS["top left"]
    pixels[: height // 2, width // 2 :] = CORNERS["top right"]
    pixels[height // 2 :, : width // 2] = CORNERS["bottom left"]
    return Image.fromarray(pixels)


def colours(image: Image.Image) -> dict[str, tuple[int, int, int]]:
    """The colours in the middle of the four quarters."""
    x, y = image.width // 4, image.height // 4
    points = {"top left": (x, y), "top right": (3 * x, y), "bottom left": (x, 3 * y), "bottom right": (3 * x, 3 * y)}
    pixels = np.asarray(image)
    return {name: (int(p[0]), int(p[1]), int(p[2])) for name, (x, y) in points.items() for p in [pixels[y, x]]}


def looks_like_the_scene(image: Image.Image) -> bool:
    """Whether the picture shows `corners`, as far as a lossy format can."""
    seen = colours(image)
    return all(abs(seen[corner][i] - CORNERS[corner][i]) <= 12 for corner in CORNERS for i in range(3))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of a format of Pillow's."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(**tags: Any) -> Image.Exif:
    """EXIF with tags by their names: `Orientation`, `DateTimeOriginal` and so on."""
    block = Image.Exif()
    for name, value in tags.items():
        tag = ExifTags.Base[name]
        if tag in {ExifTags.Base.Orientation, ExifTags.Base.DateTime, ExifTags.Base.Make}:
            block[tag] = value
        else:
            block.get_ifd(ExifTags.IFD.Exif)[tag] = value
    return block


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG of that size, and nothing behind it."""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def with_png_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """The PNG with one more chunk behind its header."""
    return png[:33] + png_chunk(kind, content) + png[33:]


def webp_header(kind: bytes, width: int, height: int) -> bytes:
    """The beginning of a WebP of one of its three kinds (`VP8X`, `VP8L`, `VP8 `) and that size."""
    if kind == b"VP8X":
        content = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        content = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little")
    else:
        content = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    chunk = kind + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def with_jpeg_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """The JPEG with one more segment behind its first marker."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + jpeg[2:]
