"""The selfie before it is sent: read, made smaller if asked, and refused here if the API could only refuse it."""

import io
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from facesearch_client.errors import SelfieError

if TYPE_CHECKING:
    from PIL import Image

INLINE_SELFIE_BYTES = 4 * 2**20
"""4 MiB: a call carries up to 6 MB to a Lambda, as base64, which leaves about 4.4 MiB for the file."""

MAX_SELFIE_BYTES = 15 * 2**20
"""15 MiB, the API's own limit for uploads."""

MAX_SELFIES = 3
"""Of one person in one search."""

JPEG_QUALITY = 90

UNREADABLE = "The selfie is not a readable JPEG, PNG, WebP, HEIC or AVIF picture."

BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1"), "image/heif"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
}
"""Content types of the HEIF family, by the brand that a file begins with."""

Selfie = Path | bytes
"""A file, or what is in it."""


def image_type_of(head: bytes) -> str | None:
    """Content type by the first bytes (16 are enough); None if it is no JPEG, PNG, WebP, HEIC or AVIF."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return BRANDS.get(head[8:12]) if head[4:8] == b"ftyp" else None


def read_selfies(selfies: Selfie | Sequence[Selfie], downscale: int | None = None) -> list[bytes]:
    """The bytes to send of one selfie, or of several of one person; see `read_selfie`.

    Raises:
        ValueError: none, or more than MAX_SELFIES.
    """
    is_one = not isinstance(selfies, Sequence) or isinstance(selfies, str | bytes | bytearray | memoryview)
    given = [cast("Selfie", selfies)] if is_one else list(cast("Sequence[Selfie]", selfies))
    if not 1 <= len(given) <= MAX_SELFIES:
        raise ValueError(f"A search takes 1 to {MAX_SELFIES} selfies, not {len(given)}.")
    return [read_selfie(each, downscale) for each in given]


def read_selfie(selfie: Selfie, downscale: int | None = None) -> bytes:
    """The bytes to send.

    Args:
        downscale: long side in pixels that is enough. What is sent is then an upright JPEG without metadata, no larger
            than that and never larger than it was.

    Raises:
        OSError: the file cannot be read.
        SelfieError: larger than MAX_SELFIE_BYTES; no picture, if it is to be made smaller.
        ImportError: `downscale` without Pillow; of an HEIC, without pi-heif.
        ValueError: `downscale` is no number of pixels.
        TypeError: the selfie is a str.
    """
    if isinstance(cast("object", selfie), str):
        raise TypeError(f"A selfie is a pathlib.Path or bytes, not a str. Did you mean Path({selfie!r})?")
    if downscale is not None:
        content = _smaller(selfie.read_bytes() if isinstance(selfie, Path) else selfie, downscale)
    elif isinstance(selfie, Path):
        with selfie.open("rb") as file:
            content = file.read(MAX_SELFIE_BYTES + 1)  # enough to know that it is too much
    else:
        content = selfie
    if len(content) > MAX_SELFIE_BYTES:
        raise SelfieError(
            f"The selfie is larger than {MAX_SELFIE_BYTES // 2**20} MiB; downscale=1600 "
            "(on the command line --downscale 1600) sends a smaller copy of it."
        )
    return content


def _smaller(content: bytes, long_side: int) -> bytes:
    if long_side < 1:
        raise ValueError(f"downscale is a number of pixels, not {long_side}.")
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ImportError("downscale needs Pillow: install it with `pip install pillow`.") from error
    # Not by `imaging`: it lifts Pillow's limit on pixels for the whole process, which belongs to our caller here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata, and pictures that are large but not yet absurd
        try:
            with _opened(content) as image:
                image.draft(None, (long_side, long_side))  # JPEGs are decoded at a fraction of their size
                image.load()
                upright: Image.Image = image
                with suppress(Exception):  # a broken EXIF block is the same as none
                    upright = ImageOps.exif_transpose(image)
                profile = upright.info.get("icc_profile") if upright.mode == "RGB" else None
                flat = _flat(upright)
            flat.thumbnail((long_side, long_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        except (ImportError, MemoryError):
            raise
        except Exception as error:  # Pillow's parsers raise almost anything on damaged input
            raise SelfieError(UNREADABLE) from error
    flat.info.clear()  # a comment would be written again
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=JPEG_QUALITY, icc_profile=profile)
    return out.getvalue()


def _opened(content: bytes) -> "Image.Image":
    from PIL import Image

    if image_type_of(content[:16]) not in ("image/heic", "image/heif"):
        return Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "AVIF"))
    try:
        from pi_heif import open_heif
    except ImportError as error:
        raise ImportError("downscale of an HEIC needs pi-heif: install it with `pip install pi-heif`.") from error
    return cast("Image.Image", open_heif(io.BytesIO(content)).to_pillow())


def _flat(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return flat
