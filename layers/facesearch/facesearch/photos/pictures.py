"""A photo's files: the original, read in place, and the JPEGs that the world may see."""

import io
import uuid
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image, ImageCms

from facesearch.photos.imaging import Picture
from facesearch.photos.watermark import Stamp, drawn

MAX_FILE_BYTES = 50_000_000
"""A 64 MP JPEG at the best quality has 30 to 40 MB. Four such files are in memory at a time."""

LARGE_SIDE, MEDIUM_SIDE, SMALL_SIDE = 2048, 1024, 400
LARGE_QUALITY, QUALITY = 85, 80

_SRGB = ImageCms.createProfile("sRGB")


@dataclass(frozen=True)
class Renditions:
    """JPEG files in sRGB, upright, without any metadata of the original: neither place nor camera nor name leaks."""

    large: bytes = field(repr=False)
    small: bytes = field(repr=False)
    medium: bytes | None = field(default=None, repr=False)
    """What phones show of a photo; None where the large one is no larger."""


@dataclass(frozen=True)
class StoredFile:
    """What lies under a key. `etag`: S3's. `data`: None if it has more bytes than were asked for."""

    etag: str
    data: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Shown:
    """A photo's large rendition as it is. `rendering`: how it looks (see `Event.rendering`)."""

    rendering: str
    data: bytes = field(repr=False)


class Pictures(Protocol):
    """The files of photos."""

    @property
    def uploads(self) -> str:
        """The bucket that originals are uploaded to."""

    def original(self, key: str, most: int) -> StoredFile | None:
        """The file, of `most` bytes at the most; None if nothing is there."""

    def etag(self, key: str) -> str | None:
        """S3's ETag of an original; None if nothing is there."""

    def publish(self, event_id: int, image_id: uuid.UUID, renditions: Renditions, rendering: str = "") -> None:
        """Show a photo's renditions, which look so."""

    def shown(self, event_id: int, image_id: uuid.UUID) -> Shown | None:
        """The large one that was published last; None if nothing is there."""

    def unpublish(self, event_id: int, image_id: uuid.UUID) -> None:
        """Delete a photo's renditions."""


def render(picture: Picture, stamp: Stamp | None = None) -> Renditions:
    """The picture with at most 2048, 1024 and 400 pixels on its long side; never enlarged.

    A watermark is drawn into the large one, which the others are made of: it has the same place and proportion in all.
    """
    large = _to_srgb(_shrink(picture.image, LARGE_SIDE), picture.icc_profile)
    if stamp is not None:
        large = drawn(large, stamp)
    medium = _shrink(large, MEDIUM_SIDE)
    return Renditions(
        large=_jpeg(large, LARGE_QUALITY),
        small=_jpeg(_shrink(large, SMALL_SIDE), QUALITY),
        medium=_jpeg(medium, QUALITY) if medium is not large else None,
    )


def rendition(jpeg: bytes) -> Picture:
    """One of our own renditions: unlike a stranger's file it is not examined, and a strip's may be rounded to a bit
    more than the longest strip that is taken."""
    image = Image.open(io.BytesIO(jpeg), formats=("JPEG",)).convert("RGB")
    return Picture(image, *image.size, None)


def _shrink(image: Image.Image, side: int) -> Image.Image:
    if max(image.size) <= side:
        return image
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Hamming takes a third of Lanczos' time; side by side at these sizes they look the same.
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def _to_srgb(image: Image.Image, icc_profile: bytes) -> Image.Image:
    """Phones write Display P3, cameras Adobe RGB: taken as sRGB they would look dull. 37 ms for the large rendition."""
    if not icc_profile:
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return image
        return ImageCms.profileToProfile(image, profile, _SRGB) or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile, or one that is not for RGB: the values are taken as sRGB


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, progressive=True)
    return file.getvalue()
