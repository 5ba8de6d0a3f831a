"""The JPEGs that the world sees: size, colours, and nothing else of the original."""

import io

import pytest
from PIL import Image, ImageCms

from facesearch.imaging import read_image
from facesearch.renditions import render
from tests.pictures import CORNERS, colours, corners, encoded, exif


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


@pytest.mark.parametrize(
    ("size", "large", "small"),
    [
        ((4000, 3000), (2048, 1536), (400, 300)),
        ((1500, 3000), (1024, 2048), (200, 400)),
        ((300, 200), (300, 200), (300, 200)),
        ((4000, 200), (2048, 102), (400, 20)),
        ((20, 1), (20, 1), (20, 1)),
    ],
)
def test_sizes(size: tuple[int, int], large: tuple[int, int], small: tuple[int, int]) -> None:
    renditions = render(read_image(encoded(Image.new("RGB", size), "PNG")))
    assert opened(renditions.large).size == large
    assert opened(renditions.small).size == small
    assert opened(renditions.large).format == "JPEG"
    assert opened(renditions.large).info["progressive"]


def test_renditions_are_upright_and_carry_no_metadata() -> None:
    block = exif(Orientation=6, Make="secret")
    block.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # where it was taken
    stored = corners(800, 400).transpose(Image.Transpose.ROTATE_90)
    picture = read_image(encoded(stored, "JPEG", exif=block, comment=b"secret", icc_profile=srgb()))
    renditions = render(picture)
    for jpeg in (renditions.large, renditions.small):
        image = opened(jpeg)
        assert all(
            abs(a - b) < 12 for name, rgb in colours(image).items() for a, b in zip(rgb, CORNERS[name], strict=True)
        )
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
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    shown = opened(render(read_image(encoded(red, "PNG", icc_profile=swapped_primaries()))).large).getpixel((32, 32))
    assert isinstance(shown, tuple)
    assert shown[1] > 240
    assert shown[0] < 60


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200])
def test_a_broken_profile_is_taken_as_srgb(profile: bytes) -> None:
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    shown = opened(render(read_image(encoded(red, "JPEG", icc_profile=profile))).large).getpixel((32, 32))
    assert isinstance(shown, tuple)
    assert shown[0] > 240
