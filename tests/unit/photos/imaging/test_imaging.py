"""Reading pictures: what is accepted and how it looks then, and what is refused with which words."""

import random
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from facesearch.errors import UnusableImage
from facesearch.photos.decoding import UNREADABLE
from facesearch.photos.imaging import MAX_PIXELS, read_image
from tests.support.pictures import (
    CORNERS,
    colours,
    corners,
    encoded,
    exif,
    looks_like_the_scene,
    png_chunk,
    png_header,
    webp_header,
    with_jpeg_segment,
)

UNDO = {  # what a camera held like this stores of a scene
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    scene = corners(160, 80)
    stored = scene.transpose(UNDO[orientation]) if orientation in UNDO else scene
    picture = read_image(encoded(stored, kind, exif=exif(Orientation=orientation)))
    assert (picture.width, picture.height) == picture.image.size == (160, 80)
    assert picture.image.mode == "RGB"
    assert looks_like_the_scene(picture.image)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_a_meaningless_orientation_is_upright(orientation: int) -> None:
    file = encoded(corners(160, 80), "JPEG", exif=exif(Orientation=orientation))
    assert looks_like_the_scene(read_image(file).image)


@pytest.mark.parametrize(
    "block", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40]
)
def test_broken_exif_does_not_cost_the_picture(block: bytes) -> None:
    picture = read_image(encoded(corners(160, 80), "JPEG", exif=block))
    assert looks_like_the_scene(picture.image)
    assert picture.taken_at is None


@pytest.mark.parametrize(
    ("tags", "taken_at"),
    [
        ({"DateTimeOriginal": "2026:05:17 09:30:01", "DateTime": "2026:06:01 00:00:00"}, "2026-05-17T09:30:01"),
        ({"DateTimeDigitized": "2026:05:17 09:30:02"}, "2026-05-17T09:30:02"),
        ({"DateTime": "2026:05:17 09:30:03\0"}, "2026-05-17T09:30:03"),
        ({"DateTimeOriginal": "0000:00:00 00:00:00", "DateTime": "2026:05:17 09:30:04"}, "2026-05-17T09:30:04"),
        ({"DateTimeOriginal": "    :  :     :  :  "}, None),
        ({"DateTimeOriginal": "yesterday"}, None),
        ({}, None),
    ],
)
def test_capture_time(tags: dict[str, str], taken_at: str | None) -> None:
    time = read_image(encoded(corners(), "JPEG", exif=exif(**tags))).taken_at
    assert (time and time.isoformat()) == taken_at


def test_cmyk_jpeg() -> None:
    assert looks_like_the_scene(read_image(encoded(corners(160, 80).convert("CMYK"), "JPEG", quality=95)).image)


BRIGHT_LEFT = Image.fromarray(np.repeat([[255] * 30 + [0] * 30], 40, axis=0).astype(np.uint8))


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_pictures(mode: str) -> None:
    seen = colours(read_image(encoded(BRIGHT_LEFT.convert(mode), "PNG")).image)
    assert seen["top left"] == seen["bottom left"] == (255, 255, 255)
    assert seen["top right"] == seen["bottom right"] == (0, 0, 0)


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    pixels = np.asarray(read_image(encoded(Image.fromarray(ramp), "PNG")).image)[..., 0].astype(int)
    assert np.abs(pixels - (ramp >> 8)).max() <= 1


def test_16_bit_colour() -> None:
    rows = b"".join(b"\0" + b"\xff\xff\x80\x00\x00\x00" * 4 for _ in range(4))
    header = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", (4).to_bytes(4) * 2 + b"\x10\x02\0\0\0")
    png = header + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    assert read_image(png).image.getpixel((1, 1)) == (255, 128, 0)


def test_transparency_is_flattened_on_white() -> None:
    rgba = corners().convert("RGBA")
    rgba.putalpha(BRIGHT_LEFT)
    palette = rgba.quantize(8)
    avif = encoded(rgba, "AVIF", quality=100, subsampling="4:4:4")
    assert read_image(avif).image.getpixel((50, 10)) == pytest.approx((255, 255, 255), abs=2)
    for file in (encoded(rgba, "PNG"), encoded(rgba, "WEBP", lossless=True), encoded(palette, "PNG")):
        seen = colours(read_image(file).image)
        assert seen["top right"] == seen["bottom right"] == (255, 255, 255)
        assert seen["top left"] == CORNERS["top left"]


def test_palette_with_one_transparent_colour() -> None:
    palette = corners().quantize(4)
    index = palette.getpixel((50, 10))
    seen = colours(read_image(encoded(palette, "PNG", transparency=index)).image)
    assert seen["top right"] == (255, 255, 255)
    assert seen["bottom left"] == CORNERS["bottom left"]


def test_of_a_phone_s_multi_picture_jpeg_the_first_is_the_photo() -> None:
    file = encoded(corners(160, 80), "MPO", save_all=True, append_images=[Image.new("RGB", (160, 80), "white")])
    assert looks_like_the_scene(read_image(file).image)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(kind: str) -> None:
    file = encoded(corners(), kind, save_all=True, append_images=[Image.new("RGB", (60, 40), "white")], duration=100)
    with pytest.raises(UnusableImage, match="animated"):
        read_image(file)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.98])
@pytest.mark.parametrize("enough", [None, 40])
def test_a_truncated_file_is_refused_and_never_half_a_picture(kind: str, share: float, enough: int | None) -> None:
    file = encoded(NOISE, kind)
    with pytest.raises(UnusableImage, match=r"damaged|not a readable"):
        read_image(file[: int(len(file) * share)], enough=enough)


HUGE = [
    *(png_header(side, side) for side in (30_000, 2**31 - 1)),
    *(webp_header(kind, 16_383, 16_383) for kind in (b"VP8X", b"VP8L", b"VP8 ")),
]


@pytest.mark.parametrize("file", HUGE, ids=["PNG", "largest PNG", "extended WebP", "lossless WebP", "lossy WebP"])
def test_too_many_pixels_are_refused_from_the_header_alone(file: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnusableImage, match=f"limit is {MAX_PIXELS // 10**6} million"):
            read_image(file)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "empty"),
        (b"hello", UNREADABLE),
        (b"RIFF\0\0\0\0WEBP", UNREADABLE),
        (b"\xff\xd8\xff", UNREADABLE),
        (b"\x89PNG\r\n\x1a\n", UNREADABLE),
        (png_header(0, 5), "no pixels"),
        (png_header(4000, 100), "20 times the other"),
        (png_header(100, 4000), "20 times the other"),
    ],
)
def test_what_is_no_picture_or_of_an_absurd_shape_is_refused(file: bytes, why: str) -> None:
    with pytest.raises(UnusableImage, match=why):
        read_image(file)


XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\0"


@pytest.mark.parametrize(
    "text", [b'tiff:Orientation="6"', b"tiff:Orientation='6'", b"<tiff:Orientation>6</tiff:Orientation>"]
)
@pytest.mark.parametrize("tags", [{}, {"Make": "camera"}])
def test_an_orientation_that_only_xmp_knows_is_in_doubt(text: bytes, tags: dict[str, str]) -> None:
    """Given upright pixels whose XMP was left behind: shown as browsers show them; the claim is passed on."""
    xmp = XMP_SIGNATURE + b"<x:xmpmeta>" + text + b"</x:xmpmeta>"
    picture = read_image(with_jpeg_segment(encoded(corners(160, 80), "JPEG", exif=exif(**tags)), 0xE1, xmp))
    assert (picture.width, picture.height, picture.doubtful) == (160, 80, 6)
    assert looks_like_the_scene(picture.image)
    turned = picture.turned()
    assert (turned.width, turned.height, turned.doubtful) == (80, 160, 1)
    assert turned.image.size == (80, 160)
    assert colours(turned.image)["top right"] == colours(picture.image)["top left"]


@pytest.mark.parametrize(("block", "claimed"), [({}, 2), ({"Orientation": 1}, 6)])
def test_that_a_picture_is_mirrored_no_face_can_tell_and_exif_leaves_no_doubt(
    block: dict[str, int], claimed: int
) -> None:
    xmp = XMP_SIGNATURE + b'tiff:Orientation="%d"' % claimed
    picture = read_image(with_jpeg_segment(encoded(corners(160, 80), "JPEG", exif=exif(**block)), 0xE1, xmp))
    assert (picture.width, picture.doubtful) == (160, 1)


@pytest.mark.parametrize(("enough", "side"), [(2000, 1200), (601, 1200), (600, 600), (200, 300), (100, 150), (9, 150)])
def test_a_jpeg_of_which_less_is_enough_is_decoded_at_a_fraction_that_still_has_it(enough: int, side: int) -> None:
    picture = read_image(encoded(corners(1200, 800), "JPEG", exif=exif(Orientation=6)), enough=enough)
    assert (picture.width, picture.height) == (800, 1200)
    assert picture.image.size == (side * 2 // 3, side)


def test_nothing_of_the_metadata_stays_with_the_pixels() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = encoded(corners(), "JPEG", comment=b"secret", exif=exif(Make="secret"), icc_profile=profile)
    picture = read_image(file)
    assert picture.image.info == {}
    assert picture.icc_profile == profile
    assert b"secret" not in encoded(picture.image, "JPEG")


@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "MPO", "AVIF"]),
    seed=st.integers(0, 2**32),
    damages=st.integers(1, 30),
)
def test_a_damaged_file_is_read_or_refused_but_never_crashes(kind: str, seed: int, damages: int) -> None:
    options = {"save_all": True, "append_images": [corners(32, 32)]} if kind == "MPO" else {}
    file = bytearray(
        encoded(corners(32, 32), kind, exif=exif(Orientation=6, DateTimeOriginal="2026:05:17 09:30:01"), **options)
    )
    chance = random.Random(seed)
    for _ in range(damages):
        file[chance.randrange(len(file))] = chance.randrange(256)
    try:
        picture = read_image(bytes(file), enough=chance.choice([None, 16]))
    except UnusableImage:
        return
    assert picture.image.mode == "RGB"


@given(st.binary(max_size=200))
def test_random_bytes_behind_a_signature_never_crash(data: bytes) -> None:
    webp = b"RIFF\xff\0\0\0WEBP"
    for signature in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", webp + b"VP8X", webp + b"VP8L"):
        with pytest.raises(UnusableImage):
            read_image(signature + data)


@pytest.mark.parametrize(
    ("size", "read"), [((9248, 6936), (4624, 3468)), ((8160, 6120), (8160, 6120)), ((9000, 900), (4500, 450))]
)
def test_a_jpeg_far_larger_than_enough_is_read_at_half_its_size(size: tuple[int, int], read: tuple[int, int]) -> None:
    picture = read_image(encoded(Image.new("RGB", size, "grey"), "JPEG", quality=10), enough=4500)
    assert picture.image.size == read
    assert (picture.width, picture.height) == size
