"""What a picture's metadata say that matters here: how it is held, when it was taken, which colours it means."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from PIL import ExifTags, Image

_XMP_ORIENTATION = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\b")
_UNCALIBRATED = 65535
_ADOBE_INDEX = "R03"


@dataclass(frozen=True)
class Metadata:
    """Orientations are EXIF's numbers, 1 to 8; `taken_at` is by the camera's own clock, which knows no zone."""

    orientation: int | None = None
    xmp_orientation: int | None = None
    taken_at: datetime | None = None
    adobe_rgb: bool = False
    """The camera marked its colours as Adobe RGB's."""


def metadata_of(image: Image.Image) -> Metadata:
    """A broken block is the same as none."""
    xmp_orientation = _xmp_orientation(image)
    with suppress(Exception):  # Pillow's EXIF parser raises almost anything, and the picture is fine without it
        exif = _exif(image)
        orientation = exif.get(ExifTags.Base.Orientation)
        known = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else None
        return Metadata(known, xmp_orientation, _capture_time(exif), _is_adobe_rgb(exif))
    return Metadata(xmp_orientation=xmp_orientation)


def _exif(image: Image.Image) -> Image.Exif:
    """EXIF alone: Pillow's own `getexif` fills it up from XMP."""
    block = image.info.get("exif")
    if block is None and (text := image.info.get("Raw profile type exif")):
        block = bytes.fromhex("".join(text.split("\n")[3:]))
    exif = Image.Exif()
    if block:
        exif.load(block)
    return exif


def _xmp_orientation(image: Image.Image) -> int | None:
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    found = _XMP_ORIENTATION.search(xmp.encode() if isinstance(xmp, str) else xmp)
    return int(found[1]) if found else None


def _is_adobe_rgb(exif: Image.Exif) -> bool:
    """By DCF's index; a file name that begins with an underscore says it, too, but so may anybody's."""
    space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace, _UNCALIBRATED)
    index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    return space == _UNCALIBRATED and isinstance(index, str) and index.strip("\0 ") == _ADOBE_INDEX


def _capture_time(exif: Image.Exif) -> datetime | None:
    details, tags = exif.get_ifd(ExifTags.IFD.Exif), ExifTags.Base
    for stamp in (details.get(tags.DateTimeOriginal), details.get(tags.DateTimeDigitized), exif.get(tags.DateTime)):
        with suppress(ValueError):
            return datetime.strptime(str(stamp).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF knows no zone
    return None
