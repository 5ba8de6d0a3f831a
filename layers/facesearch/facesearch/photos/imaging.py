"""Reading pictures that strangers send: what is accepted, up to which size, and how it ends up as plain RGB.

Every way in which a file can be bad ends in `UnusableImage` with a sentence for the person who sent it.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from PIL import Image

from facesearch.errors import CostlyImage, UnusableImage
from facesearch.photos.decoding import DAMAGED, UNREADABLE, jpeg, png
from facesearch.photos.decoding.colours import ADOBE_RGB, DISPLAY_P3
from facesearch.photos.decoding.formats import is_heif, why_unreadable
from facesearch.photos.decoding.metadata import Metadata, metadata_of

MAX_PIXELS = 2**26
"""67 million: the largest that phones and cameras commonly write (64 MP, 9,248 x 6,944) fit, as 200 MB of RGB."""
MAX_JPEG_PIXELS = 3 * 2**26
"""201 million: phones' 200 MP (16,384 x 12,288). JPEGs beyond `MAX_PIXELS` are decoded at a fraction of their size."""
MAX_DECODED_PIXELS = 2 * MAX_PIXELS
"""Of an HEIC or AVIF with its tiles, overlays and transparency: each pixel counts as often as it is decoded."""

MAX_ASPECT = 20
"""Longer strips than 20:1 are no photographs (a phone's panorama is 5:1, a full circle 10:1)."""

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked from the header; Pillow's is a warning at half of it

_ANIMATED = "The picture is animated; send a still one."
_P3_PRIMARIES = 12
_MIRRORED = 2
"""The orientation that is merely mirrored: faces cannot tell whether it is true."""
_T = Image.Transpose
_TRANSPOSE = {2: _T.FLIP_LEFT_RIGHT, 3: _T.ROTATE_180, 4: _T.FLIP_TOP_BOTTOM, 5: _T.TRANSPOSE}
_TRANSPOSE |= {6: _T.ROTATE_270, 7: _T.TRANSVERSE, 8: _T.ROTATE_90}
"""By orientation."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture as displayed: EXIF orientation applied, RGB, 8 bits, transparency flattened on white.

    Attributes:
        image: of mode RGB; smaller than the original's `width` x `height` as displayed if less was enough.
        taken_at: capture time by the camera's own clock, which knows no zone.
        icc_profile: the colour profile that `image`'s RGB values are in; empty = take them as sRGB.
        doubtful: an orientation, as EXIF numbers them, that is only claimed where browsers do not look: by XMP, or by
            EXIF in an HEIC. Stale as often as true: editors turn the pixels and forget it. 1 = none.
    """

    image: Image.Image
    width: int
    height: int
    taken_at: datetime | None
    icc_profile: bytes = field(default=b"", repr=False)
    doubtful: int = 1

    def turned(self) -> "Picture":
        """The same picture as it is displayed if the doubtful orientation is true."""
        image = self.image.transpose(_TRANSPOSE[self.doubtful])
        width, height = (self.height, self.width) if self.doubtful >= 5 else (self.width, self.height)
        return Picture(image, width, height, self.taken_at, self.icc_profile)


@dataclass(frozen=True)
class _Opened:
    """A file whose work is known to be bounded, not decoded yet.

    `profile` overrides the image's own. `is_turned`: the file itself says how it is held, and the decoder obeys; None
    if EXIF says that.
    """

    image: Image.Image
    profile: bytes = b""
    is_turned: bool | None = None
    primaries: int = 0


def read_image(data: bytes, *, enough: int | None = None) -> Picture:
    """Decode a JPEG, PNG, WebP, HEIC or AVIF, recognised by content.

    Args:
        data: the file.
        enough: long side in pixels that a JPEG's half, quarter or eighth must still have to be decoded instead of it.

    Raises:
        UnusableImage: empty, another format, damaged, cut short, animated, or beyond the limits on its size.
        CostlyImage: it takes too much work, which is counted before it is done.
    """
    if not data:
        raise UnusableImage("The file is empty.")
    with _as_unusable(UNREADABLE, data):
        opened = _opened(data)
    image = opened.image
    size = image.size
    # A multi-picture JPEG (portrait and HDR modes of phones) is a still whose first picture is the photo.
    if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
        raise UnusableImage(_ANIMATED)
    with _as_unusable(DAMAGED, data):
        _draft(image, enough)
        image.load()
        metadata = metadata_of(image)
        profile = _profile_of(opened, metadata)
        rgb = _to_rgb(image)
        orientation, doubtful = _orientations(opened, metadata)
        if orientation in _TRANSPOSE:
            rgb = rgb.transpose(_TRANSPOSE[orientation])
    rgb.info.clear()  # place, names and comments end here: Pillow would write them into files made of this image
    width, height = reversed(size) if orientation >= 5 else size
    return Picture(rgb, width, height, metadata.taken_at, profile, doubtful)


def _opened(data: bytes) -> _Opened:
    """Recognise the format, count what decoding will cost, and hand the file to its decoder."""
    if data.startswith(jpeg.SIGNATURE):
        file = jpeg.examine(data, MAX_JPEG_PIXELS)
        _check_size(file.width, file.height, MAX_JPEG_PIXELS)
        image = Image.open(io.BytesIO(jpeg.mended(data, file)), formats=("JPEG",))
        if image.size != (file.width, file.height):
            raise UnusableImage(DAMAGED)
        return _Opened(image)
    if data.startswith(png.SIGNATURE):
        if data[12:16] != b"IHDR":  # what stands there is no size
            raise ValueError
        _check_size(*struct.unpack_from(">II", data, 16))
        data, profile = png.without_ballast(data)
        return _Opened(Image.open(io.BytesIO(data), formats=("PNG",)), profile)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        _check_webp(data)
        image = Image.open(io.BytesIO(data), formats=("WEBP",))
        _check_size(*image.size)
        return _Opened(image)
    if is_heif(data):
        return _opened_heif(data)
    raise UnusableImage(why_unreadable(data) or UNREADABLE)


def _opened_heif(data: bytes) -> _Opened:
    from facesearch.photos.decoding import heif  # few selfies are HEIC, and every start would wait for what they need

    file = heif.examine(data)
    _check_size(file.width, file.height)
    if file.pixels > MAX_DECODED_PIXELS:
        raise CostlyImage
    if file.is_av1:
        # Its own picture, even if there is a film beside it, which the other brand makes the first choice.
        still = data if data[8:12] == b"avif" else data[:8] + b"avif" + data[12:]
        return _Opened(Image.open(io.BytesIO(still), formats=("AVIF",)), primaries=file.primaries)
    from pi_heif import HeifFile

    decoder = HeifFile(io.BytesIO(data), convert_hdr_to_8bit=True, remove_stride=False)
    frame = decoder[decoder.primary_index]
    with _as_unusable(DAMAGED, data):
        content = frame.data  # decodes; the size is known only then
        image = Image.frombytes(frame.mode, frame.size, content, "raw", frame.mode, frame.stride)
    image.info = {key: value for key, value in frame.info.items() if key in ("exif", "xmp", "icc_profile")}
    return _Opened(image, is_turned=file.is_turned, primaries=file.primaries)


def _draft(image: Image.Image, enough: int | None) -> None:
    """Have a JPEG decoded at a fraction, its long side at least as long as `enough`; and never too many pixels."""
    room = 1
    if enough is not None:
        room = min(side // -(-side * enough // max(image.size)) for side in image.size)
    fraction = max(each for each in (1, 2, 4, 8) if each <= max(1, room))  # what its sides can be divided by
    while image.width * image.height > MAX_PIXELS * fraction**2:
        fraction *= 2
    if fraction > 1:
        image.draft(None, (max(1, image.width // fraction), max(1, image.height // fraction)))


def _orientations(opened: _Opened, metadata: Metadata) -> tuple[int, int]:
    """The orientation to be applied, and the doubtful one; 1 = none."""
    if opened.is_turned is None and metadata.orientation is not None:
        return metadata.orientation, 1
    claimed = metadata.orientation or metadata.xmp_orientation or 1
    return 1, 1 if opened.is_turned or claimed == _MIRRORED else claimed


def _profile_of(opened: _Opened, metadata: Metadata) -> bytes:
    if opened.image.mode != "RGB":
        return b""
    named = DISPLAY_P3 if opened.primaries == _P3_PRIMARIES else ADOBE_RGB if metadata.adobe_rgb else b""
    return bytes(opened.profile or opened.image.info.get("icc_profile") or named)


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


def _check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    if width * height > most:
        raise UnusableImage(
            f"The picture has {width} x {height} pixels; the limit is {most // 10**6} million pixels in all."
        )
    if min(width, height) < 1:
        raise UnusableImage("The picture has no pixels.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnusableImage(
            f"The picture is {width} x {height} pixels; one side may be at most {MAX_ASPECT} times the other."
        )


def _check_webp(data: bytes) -> None:
    """Check what Pillow would make two canvases for before it tells the size."""
    kind = data[12:16]
    if kind == b"VP8X":
        if data[20] & 0b10:
            raise UnusableImage(_ANIMATED)
        _check_size(int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        _check_size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        _check_size(width & 0x3FFF, height & 0x3FFF)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        image.info.pop("transparency", None)  # a 16-bit value, which no longer means anything
    if image.has_transparency_data:
        rgba, flat = image.convert("RGBA"), Image.new("RGB", image.size, "white")
        flat.paste(rgba, mask=rgba.getchannel("A"))
        return flat
    return image if image.mode == "RGB" else image.convert("RGB")
