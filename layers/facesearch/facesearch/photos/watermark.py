"""Watermarks: what an operator gives, and how it is drawn into renditions."""

import io
import struct
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

from facesearch.errors import FaceSearchError, InvalidRequest, Throttled
from facesearch.models import Event, Watermark, WatermarkPlace
from facesearch.photos.decoding import png

MAX_FILE_BYTES = 256 * 1024
"""It lies in an item of the table, which has 400 KB at the most."""
MAX_PIXELS = 2**22
"""4 million, as 16 MB of RGBA: a square of 2,048 pixels, which is as wide as the largest rendition."""
MAX_ASPECT = 50
"""A line of 60 letters is 35 times as wide as high."""

LETTER_PIXELS = 160
"""Height of the letters that are scaled to each picture: about what a short text has in the largest rendition."""
OUTLINE = 1 / 16
"""Of that height. In the small rendition, a fifth as wide, most of two pixels are left of it."""
MARGIN = 1 / 50
"""Between a watermark in a corner and the edges, of the picture's width."""
MAX_HEIGHT = 1 / 2
"""Of the picture's: what would be higher, in a panorama, is drawn smaller."""
LEAST_PIXELS = 8
"""Width at which even a tiny picture shows that there is something, and tiling it has an end."""

_WHITE, _DARK = (255, 255, 255, 255), (0, 0, 0, 255)


class WatermarkFiles(Protocol):
    """The PNGs of events' watermarks, by SHA-256 in hex."""

    def get(self, event_id: int, digest: str) -> bytes | None:
        """The file; None if it is not there."""

    def put(self, event_id: int, data: bytes) -> str:
        """Keep a file for an event that is not being deleted; its digest.

        Raises:
            NotFound: there is no such event, or it is being deleted.
        """

    def keep(self, event_id: int, digest: str) -> None:
        """Delete the event's files but this one (empty = all), and but what the event names by now."""

    def delete(self, event_id: int) -> int:
        """Delete all of an event's; how many there were."""

    def count(self, event_id: int) -> int:
        """How many an event has."""


@dataclass(frozen=True)
class Stamp:
    """A watermark that is ready to be drawn. `image`: RGBA, of any size."""

    watermark: Watermark
    image: Image.Image = field(repr=False, compare=False)


@dataclass(frozen=True)
class Stamps:
    """Events' watermarks as they are drawn. The last few stay in memory: a version is a content."""

    files: WatermarkFiles
    _made: dict[str, Stamp] = field(default_factory=dict, repr=False, compare=False)

    KEPT = 4

    def of(self, event: Event) -> Stamp | None:
        """The event's; None if it has none.

        Raises:
            Throttled: its file is gone, so the event has another watermark since it was read.
        """
        if event.watermark is None:
            return None
        if (made := self._made.get(event.rendering)) is not None:
            return made
        data = None
        if event.watermark.picture and (data := self.files.get(event.event_id, event.watermark.picture)) is None:
            raise Throttled("GetItem", "WatermarkReplaced")
        stamp = stamp_of(event.watermark, data)
        for version in list(self._made)[: -self.KEPT + 1]:
            self._made.pop(version, None)  # another thread may have been faster
        self._made[event.rendering] = stamp
        return stamp


def stamp_of(watermark: Watermark, data: bytes | None = None) -> Stamp:
    """The watermark's drawing; `data` is the PNG that it names."""
    return Stamp(watermark, _lettering(watermark.text) if data is None else read_png(data))


def drawn(image: Image.Image, stamp: Stamp) -> Image.Image:
    """A copy of an RGB picture with the watermark in it."""
    image, watermark = image.copy(), stamp.watermark
    mark = _fitted(stamp.image, image.size, watermark.size)
    mask = mark.getchannel("A").point([round(level * watermark.opacity / 100) for level in range(256)])
    colours = mark.convert("RGB")
    for place in _places(image.size, mark.size, watermark.place):
        image.paste(colours, place, mask)
    return image


def _fitted(mark: Image.Image, picture: tuple[int, int], percent: int) -> Image.Image:
    """The mark at so many percent of the picture's width."""
    width, height = picture
    wanted = min(width, max(LEAST_PIXELS, width * percent / 100))
    scale = min(wanted / mark.width, max(1, height * MAX_HEIGHT) / mark.height)
    size = max(1, round(mark.width * scale)), max(1, round(mark.height * scale))
    return mark.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _places(picture: tuple[int, int], mark: tuple[int, int], place: WatermarkPlace) -> list[tuple[int, int]]:
    """Where the mark's top left corner goes: once, or in rows of which every other is shifted by half a step."""
    (width, height), (across, down) = picture, mark
    if place is WatermarkPlace.TILED:
        step, row = across + across // 2 + 1, down + max(down, across // 3) + 1
        return [
            (x - (step // 2 if number % 2 else 0), y)
            for number, y in enumerate(range(0, height, row))
            for x in range(0, width + step, step)
        ]
    margin = min(round(width * MARGIN), (width - across) // 2, (height - down) // 2)
    vertical, horizontal = place.split("-")
    x = margin if horizontal == "left" else width - across - margin
    return [(x, margin if vertical == "top" else height - down - margin)]


@lru_cache(1)
def _font() -> ImageFont.FreeTypeFont:
    """Pillow's own, which is the same wherever it runs."""
    font = ImageFont.load_default(LETTER_PIXELS)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font


def _lettering(text: str) -> Image.Image:
    """White letters with a dark outline, so that they are seen on any photo."""
    outline = LETTER_PIXELS * OUTLINE
    left, top, right, bottom = _font().getbbox(text, stroke_width=outline)
    size = round(right - left), round(bottom - top)
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).text((-left, -top), text, _WHITE, _font(), stroke_width=outline, stroke_fill=_DARK)
    return image


def unknown_letters(text: str) -> str:
    """The letters that the font does not have, each once."""
    missing = _glyph("\U0010fffd")  # no font has this one
    return "".join(dict.fromkeys(letter for letter in text if _glyph(letter) == missing))


def _glyph(letter: str) -> tuple[tuple[int, int], bytes]:
    mask = _font().getmask(letter)
    return mask.size, bytes(mask)


def read_png(data: bytes) -> Image.Image:
    """A watermark's picture as RGBA.

    Raises:
        InvalidRequest: it is no PNG, too large, damaged, animated, or nothing can be seen of it.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InvalidRequest(f"The watermark's file may have at most {MAX_FILE_BYTES // 1024} KB.")
    if not data.startswith(png.SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 24:
        raise InvalidRequest("The watermark's file is no PNG.")
    width, height = struct.unpack_from(">II", data, 16)
    if width * height > MAX_PIXELS:
        limit = f"{MAX_PIXELS:,} pixels in all"
        raise InvalidRequest(f"The watermark's PNG has {width} x {height} pixels; the limit is {limit}.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InvalidRequest(f"One side of the watermark's PNG may be at most {MAX_ASPECT} times the other.")
    image = _decoded(data)
    if image.getchannel("A").getextrema() == (0, 0):
        raise InvalidRequest("Nothing can be seen of the watermark's PNG: all of it is transparent.")
    return image


def _decoded(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata
        try:
            file = Image.open(io.BytesIO(png.without_ballast(data)[0]), formats=("PNG",))
            if getattr(file, "is_animated", False):
                raise InvalidRequest("The watermark's PNG is animated.")
            file.load()
            image: Image.Image = file
            if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips at 255
                image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
            image = image.convert("RGBA")
        except (FaceSearchError, MemoryError):
            raise
        except Exception as error:
            raise InvalidRequest("The watermark's PNG is damaged.") from error
    image.info.clear()
    return image
