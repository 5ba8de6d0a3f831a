"""Reading pictures that strangers send: what is accepted, up to which size, and how it ends up as plain RGB.

Every way in which a file can be bad ends in `UnusableImage` with a sentence for the person who sent it.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from PIL import ExifTags, Image

from facesearch.errors import UnusableImage
from facesearch.formats import UNREADABLE, why_unreadable

MAX_PIXELS = 2**26
"""67 million: the largest that phones and cameras commonly write (64 MP, 9,248 x 6,944) fit, as 200 MB of RGB."""

MAX_ASPECT = 20
"""Longer strips than 20:1 are no photographs (a phone's panorama is 5:1, a full circle 10:1)."""

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked from the header; Pillow's is a warning at half of it

_FORMATS = ("JPEG", "PNG", "WEBP")
_DAMAGED = "The picture is damaged or cut short."

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture as displayed: EXIF orientation applied, RGB, 8 bits, transparency flattened on white.

    Attributes:
        image: Pillow image of mode RGB; smaller than `width` x `height` if it was read to fit a size.
        width, height: pixels of the original as displayed.
        taken_at: capture time by the camera's own clock, which knows no zone.
        icc_profile: the embedded colour profile that `image`'s RGB values are in; empty = take them as sRGB.
    """

    image: Image.Image
    width: int
    height: int
    taken_at: datetime | None
    icc_profile: bytes = field(default=b"", repr=False)


def read_image(data: bytes, *, fit: int | None = None, enough: int | None = None) -> Picture:
    """Decode a JPEG, PNG or WebP, recognised by content.

    Args:
        data: the file.
        fit: long side in pixels that it is shrunk to; JPEGs are then decoded at a fraction of their size.
        enough: long side in pixels that a JPEG's half, quarter or eighth must still have to be decoded instead of it.

    Raises:
        UnusableImage: empty, another format, damaged, truncated, animated, or beyond the limits on its size.
    """
    if not data:
        raise UnusableImage("The file is empty.")
    with _as_unusable(UNREADABLE, data):
        _check_header(data)
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    _check_size(*image.size)
    # A multi-picture JPEG (portrait and HDR modes of phones) is a still whose first picture is the photo.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnusableImage("The picture is animated; send a still one.")
    size = image.size
    with _as_unusable(_DAMAGED, data):
        if fit is not None:
            image.draft(None, (fit, fit))
        elif enough is not None and max(size) > enough:
            image.draft(None, (-(-size[0] * enough // max(size)), -(-size[1] * enough // max(size))))
        image.load()
        taken_at, orientation = _exif(image)
        profile = image.info.get("icc_profile") if image.mode == "RGB" else None
        rgb = _to_rgb(image)
        if fit is not None and max(rgb.size) > fit:
            rgb.thumbnail((fit, fit), Image.Resampling.BICUBIC, reducing_gap=2.0)
        if orientation in _TRANSPOSE:
            rgb = rgb.transpose(_TRANSPOSE[orientation])
    rgb.info.clear()  # place, names and comments end here: Pillow would write them into files made of this image
    width, height = reversed(size) if orientation >= 5 else size
    return Picture(rgb, width, height, taken_at, profile or b"")


@contextmanager
def _as_unusable(message: str, data: bytes) -> Iterator[None]:
    """Pillow's parsers raise almost anything on damaged input, and warn about metadata that does not matter here.

    `message` is for a file that is what it should be, as far as `formats` can tell.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (UnusableImage, MemoryError):
            raise
        except Exception as error:
            raise UnusableImage(why_unreadable(data) or message) from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnusableImage(
            f"The picture has {width} x {height} pixels; the limit is {MAX_PIXELS // 10**6} million pixels in all."
        )
    if min(width, height) < 1:
        raise UnusableImage("The picture has no pixels.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnusableImage(
            f"The picture is {width} x {height} pixels; one side may be at most {MAX_ASPECT} times the other."
        )


def _check_header(data: bytes) -> None:
    """Check what Pillow would work on before it tells the size: PNG's metadata, and two canvases for any WebP."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        if data[12:16] != b"IHDR":  # what stands there is no size
            raise ValueError
        _check_size(*struct.unpack_from(">II", data, 16))
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        _check_webp(data)


def _check_webp(data: bytes) -> None:
    kind = data[12:16]
    if kind == b"VP8X":
        flags, canvas = data[20], data[24:30]
        if flags & 0b10:
            raise UnusableImage("The picture is animated; send a still one.")
        _check_size(int.from_bytes(canvas[:3], "little") + 1, int.from_bytes(canvas[3:], "little") + 1)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        _check_size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        _check_size(width & 0x3FFF, height & 0x3FFF)


def _exif(image: Image.Image) -> tuple[datetime | None, int]:
    """Capture time and orientation (1 = upright); a broken EXIF block is the same as none."""
    orientation: object = 1
    taken_at = None
    with suppress(Exception):  # Pillow's EXIF parser raises almost anything, and the picture is fine without it
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        taken_at = _capture_time(exif)
    return taken_at, orientation if isinstance(orientation, int) else 1


def _capture_time(exif: Image.Exif) -> datetime | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    stamps = (
        details.get(ExifTags.Base.DateTimeOriginal),
        details.get(ExifTags.Base.DateTimeDigitized),
        exif.get(ExifTags.Base.DateTime),
    )
    return next((time for stamp in stamps if (time := _parse_time(stamp))), None)


def _parse_time(stamp: object) -> datetime | None:
    if not isinstance(stamp, str):
        return None
    try:
        return datetime.strptime(stamp.strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF knows no zone
    except ValueError:
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        image.info.pop("transparency", None)  # a 16-bit value, which no longer means anything
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        flat = Image.new("RGB", image.size, "white")
        flat.paste(rgba, mask=rgba.getchannel("A"))
        return flat
    return image if image.mode == "RGB" else image.convert("RGB")
