"""Selfies and photos of any size, made of the sample pictures, so that anybody can run the benchmark again."""

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesearch.adapters.opencv.face_engine import OpenCvEngine
from tools.bench.embeddings import MODELS

SAMPLES = MODELS.parent / "samples"
SELFIE, PEOPLE = "obama3.jpg", ("obama.jpg", "biden.jpg", "astronaut.png", "obama2.jpg")
ARM = (344, 0, 1204, 2333)
"""Of the sample, in pixels."""
SELFIES = {0.7: (750, 1000), 2: (1224, 1632), 12: (3000, 4000)}
"""Width and height by megapixels, upright."""
PHOTOS = {2: (1632, 1224), 12: (4000, 3000), 24: (6000, 4000)}
FACES = {1: 0.3, 4: 0.13, 20: 0.07}
"""Faces in a photo, and how high each head is, of the photo's height."""
GRAIN = 4
"""Standard deviation of a sensor's noise, in levels: enlarged pictures have none, and JPEGs of them are small."""


def selfie(megapixels: float) -> bytes:
    """A person's selfie at arm's length: the face takes three tenths of the height."""
    size = SELFIES[megapixels]
    image = Image.open(SAMPLES / SELFIE).convert("RGB").crop(ARM)
    height = image.width * size[1] // size[0]
    top = (image.height - height) // 20
    return _jpeg(image.crop((0, top, image.width, top + height)).resize(size, Image.Resampling.BICUBIC))


def faceless(megapixels: float) -> bytes:
    """As many pixels, and nobody in them."""
    return _jpeg(_background(*SELFIES[megapixels]))


def photo(megapixels: int, faces: int) -> bytes:
    """A photo of so many people in rows."""
    width, height = PHOTOS[megapixels]
    image = _background(width, height)
    side = int(FACES[faces] * height)
    columns = {1: 1, 4: 2, 20: 5}[faces]
    rows = -(-faces // columns)
    for number, head in zip(range(faces), _heads(), strict=False):
        x = (2 * (number % columns) + 1) * width // (2 * columns)
        y = (2 * (number // columns) + 1) * height // (2 * rows)
        shown = head.resize((side, side), Image.Resampling.LANCZOS)
        image.paste(shown, (x - side // 2, y - side // 2))
    return _jpeg(image)


def another(jpeg: bytes, number: int) -> bytes:
    """The same picture in another file: a JPEG comment more."""
    text = str(number).encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def _heads() -> Iterator[Image.Image]:
    while True:
        yield from _cut()


@cache
def _cut() -> tuple[Image.Image, ...]:
    """The people's heads: square, twice as high as the face's box."""
    engine, heads = OpenCvEngine(MODELS, threads=1), list[Image.Image]()
    for name in PEOPLE:
        image = Image.open(SAMPLES / name).convert("RGB")
        x, y, width, height = engine.faces(np.asarray(image))[0].box
        side = min(2 * max(width, height), *image.size)
        left = min(max(0, x + width / 2 - side / 2), image.width - side)
        top = min(max(0, y + height / 2 - side / 2), image.height - side)
        heads.append(image.crop((int(left), int(top), int(left + side), int(top + side))))
    return tuple(heads)


def _background(width: int, height: int) -> Image.Image:
    """Soft blobs of colour, like a crowd's background out of focus."""
    rng = np.random.default_rng(4)
    blobs = rng.integers(60, 200, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(blobs).resize((width, height), Image.Resampling.BICUBIC)


def _jpeg(image: Image.Image) -> bytes:
    pixels: NDArray[np.int16] = np.asarray(image).astype(np.int16)
    noise = np.random.default_rng(1).normal(0, GRAIN, pixels.shape).astype(np.int16)
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


def write(folder: Path, name: str, content: bytes) -> Path:
    """Put a picture into a folder, for peers that read files."""
    path = folder / f"{name}.jpg"
    path.write_bytes(content)
    return path
