"""Pictures as Rekognition takes them: upright JPEGs without metadata, of at most 5 MB, at least 80 pixels a side."""

import io
from collections.abc import Sequence

from PIL import Image

from facesearch.faces.sets import Region
from facesearch.photos.imaging import read_image

MAX_BYTES = 5_000_000
"""Of image bytes in one call, AWS says 5 MB; taken as the smaller of the two that this can mean."""
MIN_SIDE = 80
LONG_SIDE = 4_096
"""Pixels. Rekognition finds faces from 40 pixels in a picture of 1,920, so in proportion; more detail finds no more."""
SELFIE_SIDE = 1_920
QUALITIES = (90, 80, 70)
SHRINK = 0.75
"""Of the sides, when the picture is too many bytes at every quality. Noise at 4,096 pixels takes two rounds."""


def jpeg_of(image: Image.Image, side: int = LONG_SIDE) -> bytes:
    """The RGB picture as a JPEG within the limits; a very small one is laid on white, not enlarged."""
    if max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    if min(image.size) < MIN_SIDE:
        ground = Image.new("RGB", (max(image.width, MIN_SIDE), max(image.height, MIN_SIDE)), "white")
        ground.paste(image, ((ground.width - image.width) // 2, (ground.height - image.height) // 2))
        image = ground
    while True:
        for quality in QUALITIES:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=quality)
            if file.tell() <= MAX_BYTES:
                return file.getvalue()
        image = image.resize((round(image.width * SHRINK), round(image.height * SHRINK)), Image.Resampling.BICUBIC)


def parts_of(image: Image.Image, regions: Sequence[Region]) -> list[bytes]:
    """Parts of a picture, each as `jpeg_of` makes them."""
    width, height = image.size
    boxes = ((left * width, top * height, (left + w) * width, (top + h) * height) for left, top, w, h in regions)
    return [jpeg_of(image.crop(box)) for box in boxes]


def selfie_jpeg(selfie: bytes) -> bytes:
    """The selfie as displayed: whatever its camera says of its orientation is done here.

    Raises:
        UnusableImage: not a readable picture within our limits.
    """
    return jpeg_of(read_image(selfie, enough=SELFIE_SIDE).image, SELFIE_SIDE)
