"""The JPEGs that the world sees: size, colours, and nothing else of the original."""

import io

import pytest
from PIL import ExifTags, Image, ImageCms

from facesearch.photos.imaging import read_image
from facesearch.photos.pictures import render
from tests.support.heifs import coded, heif, nclx_box
from tests.support.pictures import corners, encoded, exif, looks_like_the_scene

RED = Image.new("RGB", (64, 64), (255, 0, 0))


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


def shown(file: bytes) -> tuple[int, ...]:
    pixel = opened(render(read_image(file)).large).getpixel((20, 10))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize(
    ("size", "large", "medium", "small"),
    [
        ((4000, 3000), (2048, 1536), (1024, 768), (400, 300)),
        ((1500, 3000), (1024, 2048), (512, 1024), (200, 400)),
        ((1025, 60), (1025, 60), (1024, 60), (400, 23)),
        ((1024, 60), (1024, 60), None, (400, 23)),
        ((300, 200), (300, 200), None, (300, 200)),
        ((4000, 200), (2048, 102), (1024, 51), (400, 20)),
        ((20, 1), (20, 1), None, (20, 1)),
    ],
)
def test_sizes(
    size: tuple[int, int], large: tuple[int, int], medium: tuple[int, int] | None, small: tuple[int, int]
) -> None:
    renditions = render(read_image(encoded(Image.new("RGB", size), "PNG")))
    assert opened(renditions.large).size == large
    assert opened(renditions.small).size == small
    assert (renditions.medium and opened(renditions.medium).size) == medium
    assert opened(renditions.large).format == "JPEG"
    assert opened(renditions.large).info["progressive"]


def test_renditions_are_upright_and_carry_no_metadata() -> None:
    block = exif(Orientation=6, Make="secret")
    block.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # where it was taken
    stored = corners(1600, 800).transpose(Image.Transpose.ROTATE_90)
    picture = read_image(encoded(stored, "JPEG", exif=block, comment=b"secret", icc_profile=srgb()))
    renditions = render(picture)
    assert renditions.medium is not None
    for jpeg in (renditions.large, renditions.medium, renditions.small):
        image = opened(jpeg)
        assert looks_like_the_scene(image)
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
        assert b"secret" not in jpeg


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_primaries() -> bytes:
    """An RGB profile in which red means sRGB's green, so that a conversion cannot go unnoticed."""
    profile = bytearray(srgb())
    entries = {profile[132 + 12 * i : 136 + 12 * i].decode(): 132 + 12 * i for i in range(profile[131])}
    red, green = entries["rXYZ"], entries["gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be")).replace(b"sRGB", b"test")


def test_a_wide_colour_profile_is_converted_to_srgb() -> None:
    red, green, _ = shown(encoded(RED, "PNG", icc_profile=swapped_primaries()))
    assert (red < 60, green > 240) == (True, True)


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200])
def test_a_broken_profile_is_taken_as_srgb(profile: bytes) -> None:
    assert shown(encoded(RED, "JPEG", icc_profile=profile))[0] > 240


def adobe(space: int | None = 65535, index: str | None = "R03") -> Image.Exif:
    """EXIF as a camera writes it that is set to Adobe RGB."""
    block = exif(Make="camera")
    if space is not None:
        block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = space
    if index is not None:
        block.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {ExifTags.Interop.InteropIndex: index}
    return block


@pytest.mark.parametrize(
    ("stored", "expected"),
    [((200, 80, 80), (230, 79, 79)), ((90, 170, 80), (0, 172, 71)), ((220, 170, 140), (237, 172, 140))],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_adobe_rgb_that_only_exif_tells_is_converted(
    kind: str, stored: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    """The expected values are those of Adobe's own profile, by way of LittleCMS."""
    file = encoded(Image.new("RGB", (64, 64), stored), kind, exif=adobe(), quality=100)
    assert shown(file) == pytest.approx(expected, abs=6)


@pytest.mark.parametrize(
    ("block", "profile"),
    [(adobe(space=1), b""), (adobe(index="R98"), b""), (adobe(index=None), b""), (exif(), b""), (adobe(), srgb())],
    ids=["sRGB", "R98", "no index", "none", "a profile has the last word"],
)
def test_anything_less_is_taken_as_srgb(block: Image.Exif, profile: bytes) -> None:
    file = encoded(Image.new("RGB", (64, 64), (200, 80, 80)), "JPEG", exif=block, icc_profile=profile)
    assert shown(file) == pytest.approx((200, 80, 80), abs=4)


def test_a_heic_in_display_p3_is_converted() -> None:
    plain, wide = heif([coded()]), heif([coded(nclx_box(12))])
    assert read_image(plain).icc_profile == b""
    assert shown(plain) == pytest.approx((220, 30, 30), abs=12)
    assert shown(wide) == pytest.approx((239, 0, 0), abs=6)  # Display P3's (220, 30, 30)
