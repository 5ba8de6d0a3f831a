"""PNG files with texts and profiles of any size."""

import tracemalloc
import zlib

import pytest
from PIL import ImageCms

from facesearch.errors import CostlyImage
from facesearch.photos.decoding import png
from facesearch.photos.imaging import read_image
from tests.support.pictures import corners, encoded, exif, png_chunk, with_png_chunk

PNG = encoded(corners(160, 80), "PNG")
HISTORY = b"<x>" + b"history " * 250_000
XMP, PACKED_XMP = b"XML:com.adobe.xmp\0\0\0\0\0", b"XML:com.adobe.xmp\0\1\0\0\0"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"iTXt", PACKED_XMP + zlib.compress(HISTORY)),
        (b"iTXt", XMP + HISTORY),
        (b"zTXt", b"Comment\0\0" + zlib.compress(HISTORY)),
        (b"tEXt", b"Comment\0" + HISTORY),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(HISTORY)),
        (b"iCCP", b"large\0\0" + zlib.compress(SRGB.ljust(3_000_000, b"\0"))),
        (b"zTXt", b"Comment\0\0 this is not packed"),
    ],
    ids=["packed XMP", "XMP", "packed text", "text", "EXIF as text", "profile", "broken"],
)
@pytest.mark.parametrize("where", ["before", "behind"])
def test_a_picture_with_a_long_history_is_read(kind: bytes, content: bytes, where: str) -> None:
    file = with_png_chunk(PNG, kind, content) if where == "before" else PNG[:-12] + png_chunk(kind, content) + PNG[-12:]
    assert read_image(file).image.tobytes() == read_image(PNG).image.tobytes()


def test_many_long_texts_are_read_too() -> None:
    file = PNG
    for number in range(100):
        file = with_png_chunk(file, b"zTXt", b"Comment %d\0\0" % number + zlib.compress(HISTORY))
    assert read_image(file).width == 160


ZEROS = zlib.compress(bytes(200_000_000), 9)


@pytest.mark.parametrize(
    ("kind", "start"),
    [(b"zTXt", b"Comment\0\0"), (b"iTXt", PACKED_XMP), (b"iCCP", b"bomb\0\0")],
    ids=["text", "XMP", "profile"],
)
def test_what_explodes_costs_little_memory(kind: bytes, start: bytes) -> None:
    bomb = with_png_chunk(PNG, kind, start + ZEROS)
    tracemalloc.start()
    try:
        assert read_image(bomb).icc_profile == b""
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_more_parts_than_a_photograph_has_are_refused() -> None:
    bomb = PNG[:33] + png_chunk(b"prVt", b"") * png.MAX_CHUNKS + PNG[33:]
    with pytest.raises(CostlyImage, match="takes too long"):
        read_image(bomb)


def test_a_large_profile_is_kept() -> None:
    profile = SRGB.ljust(3_000_000, b"\0")
    assert read_image(with_png_chunk(PNG, b"iCCP", b"large\0\0" + zlib.compress(profile))).icc_profile == profile


def test_of_several_profiles_only_the_first_is_unpacked_even_if_it_is_broken() -> None:
    """Hundreds of broken ones would take seconds."""
    broken = png_chunk(b"iCCP", b"long\0\0" + zlib.compress(bytes(png.MAX_PROFILE + 1)))
    good = png_chunk(b"iCCP", b"good\0\0" + zlib.compress(SRGB))
    assert png.without_ballast(PNG[:33] + broken + good + PNG[33:]) == (PNG, b"")


def test_the_words_that_say_how_the_picture_is_held_are_kept() -> None:
    picture = read_image(with_png_chunk(PNG, b"iTXt", PACKED_XMP + zlib.compress(b'<x tiff:Orientation="8"/>')))
    assert (picture.width, picture.doubtful) == (160, 8)
    hexadecimal = exif(Orientation=6).tobytes().hex()
    block = f"\nexif\n{len(hexadecimal) // 2:8}\n{hexadecimal}\n".encode()
    by_text = read_image(with_png_chunk(PNG, b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(block)))
    assert (by_text.width, by_text.height) == (80, 160)
