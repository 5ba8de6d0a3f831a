"""What a watermark may be, and how it is drawn: seen on any photo, and in proportion in all sizes."""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesearch.admin.watermark import MAX_TEXT, check_watermark
from facesearch.errors import InvalidRequest, Throttled
from facesearch.models import Watermark, WatermarkPlace
from facesearch.photos.imaging import Picture
from facesearch.photos.pictures import render, rendition
from facesearch.photos.watermark import (
    MAX_FILE_BYTES,
    Stamps,
    drawn,
    read_png,
    stamp_of,
    unknown_letters,
)
from tests.support.fakes import EVENT
from tests.support.pictures import encoded, with_png_chunk

TEXT = Watermark("© Lakeside Photos")
EVERY_PLACE = pytest.mark.parametrize("place", list(WatermarkPlace))


def picture(colour: str, size: tuple[int, int] = (1200, 800)) -> Image.Image:
    if colour == "busy":
        pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), np.uint8)
        return Image.fromarray(pixels)
    return Image.new("RGB", size, colour)


def changed(image: Image.Image, watermark: Watermark, data: bytes | None = None) -> Any:
    """How much each pixel is changed, 0 to 255; and that the picture itself is not."""
    before = np.asarray(image).astype(int)
    after = np.asarray(drawn(image, stamp_of(watermark, data))).astype(int)
    assert (np.asarray(image) == before).all()
    assert after.shape == before.shape
    return np.abs(after - before).max(axis=2)


@EVERY_PLACE
@pytest.mark.parametrize("colour", ["white", "black", "grey", "busy"])
def test_a_text_is_seen_on_any_photo_where_it_should_be(colour: str, place: WatermarkPlace) -> None:
    marks = changed(picture(colour), Watermark("© Lakeside", place=place)) > 60
    rows, columns = np.nonzero(marks)
    assert len(rows) > 500
    where = (bool(rows.max() < 400), bool(rows.min() > 400), bool(columns.max() < 600), bool(columns.min() > 600))
    expected = {
        WatermarkPlace.TOP_LEFT: (True, False, True, False),
        WatermarkPlace.TOP_RIGHT: (True, False, False, True),
        WatermarkPlace.BOTTOM_LEFT: (False, True, True, False),
        WatermarkPlace.BOTTOM_RIGHT: (False, True, False, True),
        WatermarkPlace.TILED: (False, False, False, False),
    }
    assert where == expected[place]
    if place is WatermarkPlace.TILED:
        for half in (marks[:400, :600], marks[:400, 600:], marks[400:, :600], marks[400:, 600:]):
            assert half.sum() > 500


@pytest.mark.parametrize("size", [10, 25, 60, 100])
def test_its_size_is_in_percent_of_the_width_and_the_same_in_all_renditions(size: int) -> None:
    plain = Picture(picture("grey", (3000, 2000)), 3000, 2000, None)
    clean, made = render(plain), render(plain, stamp_of(Watermark("© Lakeside", size=size, opacity=100)))
    assert made.medium is not None
    assert clean.medium is not None
    for before, after in ((clean.large, made.large), (clean.medium, made.medium), (clean.small, made.small)):
        one, other = (np.asarray(rendition(each).image).astype(int) for each in (before, after))
        _, columns = np.nonzero(np.abs(other - one).max(axis=2) > 40)
        share = (columns.max() - columns.min()) / one.shape[1]
        assert abs(share - size / 100) < 0.02


def test_opacity_is_how_much_of_it_covers_the_photo() -> None:
    by_opacity = [changed(picture("black"), Watermark("© Lakeside", opacity=each)).max() for each in (10, 50, 100)]
    assert by_opacity == [26, 128, 255]


@EVERY_PLACE
@pytest.mark.parametrize("size", [(1, 1), (2, 40), (40, 2), (30, 30), (4000, 200), (200, 4000)])
def test_tiny_pictures_and_long_strips_have_it_too(size: tuple[int, int], place: WatermarkPlace) -> None:
    made = render(Picture(picture("grey", size), *size, None), stamp_of(Watermark("© L", place=place, opacity=100)))
    clean = render(Picture(picture("grey", size), *size, None))
    assert made.large != clean.large or size == (1, 1)
    assert rendition(made.large).image.size == rendition(clean.large).image.size


@given(st.sampled_from(WatermarkPlace), st.integers(5, 100), st.integers(1, 300), st.integers(1, 300))
def test_any_watermark_fits_any_picture(place: WatermarkPlace, size: int, width: int, height: int) -> None:
    drawn(Image.new("RGB", (width, height)), stamp_of(Watermark("© Lakeside", place=place, size=size)))


def test_a_long_text_is_drawn_in_one_line_within_the_picture() -> None:
    text = Watermark("W" * MAX_TEXT, size=100, opacity=100)
    marks = changed(picture("grey"), text) > 40
    rows, columns = np.nonzero(marks)
    assert columns.max() - columns.min() > 1100
    assert rows.max() - rows.min() < 60


def test_a_picture_s_transparent_parts_stay_the_photo() -> None:
    logo = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    logo.paste((0, 255, 0, 255), (0, 0, 100, 50))
    logo.paste((0, 0, 255, 128), (0, 50, 50, 100))
    watermark = Watermark(picture="x", place=WatermarkPlace.TOP_LEFT, size=50, opacity=100)
    image = np.asarray(drawn(Image.new("RGB", (200, 200), "white"), stamp_of(watermark, encoded(logo, "PNG"))))
    assert image[20, 50].tolist() == [0, 255, 0]
    assert image[80, 20].tolist() == pytest.approx([127, 127, 255], abs=2)
    assert image[80, 80].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_files_of_all_kinds_are_drawn(mode: str) -> None:
    deep = Image.fromarray(np.full((8, 8), 40_000, np.uint16))
    image = deep if mode == "I;16" else Image.new("RGB", (8, 8), "red").convert(mode)
    read = read_png(encoded(image, "PNG"))
    assert (read.mode, read.size) == ("RGBA", (8, 8))
    if mode == "I;16":
        assert read.getpixel((0, 0)) == (156, 156, 156, 255)


def bomb(width: int, height: int) -> bytes:
    """A PNG that unpacks to so many pixels."""
    rows = zlib.compress(b"\0" * (height * (4 * width + 1)), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, content in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content)))
    return b"".join(parts)


def frames() -> bytes:
    file, images = io.BytesIO(), [Image.new("RGBA", (8, 8), colour) for colour in ("red", "blue")]
    images[0].save(file, "PNG", save_all=True, append_images=images[1:])
    return file.getvalue()


GOOD = encoded(Image.new("RGBA", (8, 8), "red"), "PNG")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no PNG"),
        (b"\x89PNG\r\n\x1a\n", "no PNG"),
        (encoded(Image.new("RGB", (8, 8)), "JPEG"), "no PNG"),
        (GOOD[:-30], "damaged"),
        (GOOD + b"\0" * MAX_FILE_BYTES, "256 KB"),
        (bomb(4096, 4096), "4096 x 4096 pixels"),
        (bomb(1, 51), "50 times"),
        (bomb(0, 8), "50 times"),
        (bomb(8, 8), "transparent"),
        (frames(), "animated"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_usable_png_is_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read_png(data)


def test_texts_in_a_png_are_not_unpacked() -> None:
    text = b"Comment\0\0" + zlib.compress(b"\0" * 2**26, 9)
    assert read_png(with_png_chunk(GOOD, b"zTXt", text)).size == (8, 8)


@given(st.binary(max_size=200))
def test_no_bytes_end_otherwise(data: bytes) -> None:
    for each in (data, GOOD[:33] + data):
        try:
            read_png(each)
        except InvalidRequest:
            continue


def test_letters_that_the_font_lacks_are_named() -> None:
    assert unknown_letters("© Lakeside Photos 2026 – 10 km!") == "–"
    assert unknown_letters("Zürich 日日") == "ü日"
    assert unknown_letters("") == ""


@pytest.mark.parametrize(
    "watermark",
    [
        Watermark(""), Watermark("   "), Watermark("x" * (MAX_TEXT + 1)), Watermark("two\nlines"), Watermark("\u202ex"),
        Watermark("x", size=4), Watermark("x", size=101), Watermark("x", opacity=9), Watermark("x", opacity=101),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused(watermark: Watermark) -> None:
    with pytest.raises(InvalidRequest, match="watermark's"):
        check_watermark(watermark)


def test_what_can_be_chosen_is_taken() -> None:
    for watermark in (TEXT, Watermark("x" * MAX_TEXT, size=5, opacity=10), Watermark(picture="ab", size=100)):
        check_watermark(watermark)


def test_the_last_few_stamps_stay_in_memory() -> None:
    class Counted:
        reads = 0

        def get(self, event_id: int, digest: str) -> bytes | None:
            self.reads += 1
            return GOOD if digest != "gone" else None

    files: Any = Counted()
    stamps = Stamps(files)
    events = [replace(EVENT, watermark=Watermark(picture=str(number))) for number in range(6)]
    made = [stamps.of(event) for event in events]
    assert stamps.of(events[5]) is made[5]
    assert files.reads == 6
    assert stamps.of(events[0]) is not made[0]
    assert stamps.of(EVENT) is None
    with pytest.raises(Throttled):
        stamps.of(replace(EVENT, watermark=Watermark(picture="gone")))
