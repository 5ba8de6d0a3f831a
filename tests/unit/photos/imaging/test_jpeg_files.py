"""JPEG files by their markers: work that is counted before it is done, ends that are missing, pictures of 200 MP."""

import io
import random
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesearch.errors import CostlyImage, UnusableImage
from facesearch.photos.decoding import jpeg
from facesearch.photos.imaging import MAX_JPEG_PIXELS, read_image
from tests.support.pictures import encoded, with_jpeg_segment

SCENE = Image.fromarray(np.random.default_rng(5).integers(0, 256, (50, 30, 3), np.uint8)).resize((600, 1000))
STORED: list[dict[str, Any]] = [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"restart_marker_blocks": 3}]
STORED += [{"subsampling": 0}, {"progressive": True, "restart_marker_rows": 2}]


def scan_bomb(side: int, scans: int, mode: str = "L") -> bytes:
    """A progressive JPEG whose last scan is repeated: each visits every block of the picture."""
    file = encoded(Image.new(mode, (side, side)), "JPEG", progressive=True)
    last = file.rindex(b"\xff\xda")
    return file[:last] + file[last:-2] * scans + b"\xff\xd9"


def share_changed(whole: bytes, part: bytes, *, enough: int | None = None, by: int = 8) -> float:
    """How much of a picture looks different in what is read of a part of its file."""
    one, other = (np.asarray(read_image(file, enough=enough).image).astype(int) for file in (whole, part))
    return float((np.abs(one - other).max(axis=2) > by).mean())


def counted(file: bytes) -> jpeg.JpegFile:
    return jpeg.examine(file, MAX_JPEG_PIXELS)


@pytest.mark.parametrize(("side", "scans"), [(4096, 300), (8000, 100), (512, 10_000), (8000, 4000), (64, 130)])
@pytest.mark.parametrize("enough", [None, 1280])
def test_a_scan_bomb_when_read_then_nothing_is_decoded(
    side: int, scans: int, enough: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = scan_bomb(side, scans)
    monkeypatch.setattr(Image, "open", None)
    for bomb in (file, file[:-2]):  # one that is cut short is counted all the same
        with pytest.raises(CostlyImage, match="takes too long"):
            read_image(bomb, enough=enough)


@pytest.mark.parametrize(("subsampling", "passes"), [(0, 14 / 3), (2, 16 / 3)], ids=["full chroma", "a quarter of it"])
def test_the_usual_ten_scans_when_counted_then_64_megapixels_are_within_the_limit(
    subsampling: int, passes: float
) -> None:
    file = counted(encoded(Image.new("RGB", (512, 512)), "JPEG", progressive=True, subsampling=subsampling))
    assert file.scans == 10
    assert file.visits == pytest.approx(passes * sum(file.components.values()))
    blocks_of_64_mp = 9248 * 6944 / 64 * (3 if subsampling == 0 else 1.5)
    assert passes * blocks_of_64_mp < jpeg.MAX_BLOCK_VISITS


def test_an_ordinary_picture_when_counted_then_each_block_is_visited_once() -> None:
    file = counted(encoded(Image.new("RGB", (640, 480)), "JPEG"))
    assert (file.scans, file.visits) == (1, 80 * 60 + 2 * 40 * 30)


def test_a_scan_in_a_thumbnail_or_behind_the_end_when_counted_then_it_is_none() -> None:
    file = encoded(SCENE, "JPEG")
    thumbnail = encoded(SCENE.resize((30, 50)), "JPEG", progressive=True)
    both = with_jpeg_segment(file, 0xE1, b"Exif\0\0" + thumbnail) + thumbnail * 50
    assert counted(both).scans == 1
    assert read_image(both).image.size == SCENE.size


def test_a_marker_that_libjpeg_skips_in_a_scan_when_counted_then_it_hides_no_scan() -> None:
    """A resynchronising decoder goes on behind an unknown marker, not behind the segment that it might have."""
    file = scan_bomb(8000, 1)
    last = file.rindex(b"\xff\xda")
    hidden = file[last:-2] * 100
    bomb = file[:-2] + b"\xff\x02" + struct.pack(">H", len(hidden) + 2) + hidden + b"\xff\xd9"
    with pytest.raises(CostlyImage, match="takes too long"):
        read_image(bomb)


@pytest.mark.parametrize(
    "ballast",
    [b"\xff\xe5\x00\x02" * 5000, b"\xff\xe1\x00\x0aExif\0\0MM" * 20, b"\xff" * 100_000, bytes(100_000)],
    ids=["segments", "EXIF", "padding", "junk"],
)
def test_a_header_that_is_slow_to_parse_when_read_then_it_is_not_parsed(ballast: bytes) -> None:
    file = encoded(SCENE, "JPEG")
    with pytest.raises(CostlyImage):
        read_image(file[:20] + ballast + file[20:])  # behind JFIF's segment


def test_many_parts_of_a_profile_when_read_then_it_is() -> None:
    file = encoded(SCENE, "JPEG")
    for _ in range(300):
        file = with_jpeg_segment(file, 0xE2, bytes(100))
    assert read_image(file).image.size == SCENE.size


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("missing", [1, 2, 4, 10])
@pytest.mark.parametrize("enough", [None, 300])
def test_a_few_bytes_less_when_read_then_the_picture_is_there(
    stored: dict[str, Any], missing: int, enough: int | None
) -> None:
    file = encoded(SCENE, "JPEG", **stored)
    changed = share_changed(file, file[:-missing], enough=enough)
    assert changed <= (0 if missing <= 2 else jpeg.LOST_AT_MOST)


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("filling", [b"\xff\xff", b"\xff" * 999, bytes(999), b"\xff" + bytes(999)], ids=range(4))
def test_an_end_that_was_filled_up_when_read_then_the_picture_is_there(stored: dict[str, Any], filling: bytes) -> None:
    file = encoded(SCENE, "JPEG", **stored)
    assert share_changed(file, file[:-2] + filling) <= jpeg.LOST_AT_MOST


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.9, 0.95, 0.97])
def test_a_part_when_read_then_it_is_refused(stored: dict[str, Any], share: float) -> None:
    file = encoded(SCENE, "JPEG", **stored)
    part = file[: int(len(file) * share)]
    for cut in (part, part + bytes(100_000), part + b"\xff" * 100_000):
        with pytest.raises(UnusableImage, match="damaged or cut short") as refused:
            read_image(cut)
        assert not isinstance(refused.value, CostlyImage)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_when_read_then_the_same_holds(mode: str) -> None:
    file = encoded(SCENE.convert(mode), "JPEG")
    assert read_image(file[:-2]).image.size == SCENE.size
    with pytest.raises(UnusableImage):
        read_image(file[: len(file) // 2])


def test_a_last_third_of_one_colour_when_its_end_is_missing_then_it_is_not_taken_for_missing() -> None:
    """What libjpeg puts in the place of missing rows is one colour, too."""
    scene = SCENE.copy()
    scene.paste((255, 255, 255), (0, 650, 600, 1000))
    file = encoded(scene, "JPEG")
    assert read_image(file[:-3]).image.getpixel((300, 990)) == (255, 255, 255)
    start_of_the_white = len(file) - 2 * 22 * 38 * 6 // 8
    with pytest.raises(UnusableImage):
        read_image(file[: start_of_the_white - 2000])


def test_scans_that_never_began_when_read_then_a_coarse_picture_is_refused() -> None:
    file = encoded(SCENE, "JPEG", progressive=True)
    with pytest.raises(UnusableImage, match="cut short"):
        read_image(file[: file.rindex(b"\xff\xda")])


@pytest.mark.parametrize("tail", [bytes(5000), b"\0\0\0\x18ftypmp42" + bytes(300), b"\xff\xd8\xff junk \xff\xda"])
def test_something_behind_the_end_when_read_then_the_picture_is_as_without(tail: bytes) -> None:
    file = encoded(SCENE, "JPEG")
    assert read_image(file + tail).image.tobytes() == read_image(file).image.tobytes()


@given(seed=st.integers(0, 2**32), cut=st.floats(0.05, 0.999), stored=st.sampled_from(STORED))
def test_any_cut_when_read_then_what_is_read_is_nearly_whole(seed: int, cut: float, stored: dict[str, Any]) -> None:
    pixels = np.random.default_rng(seed % 10).integers(0, 256, (12, 8, 3), np.uint8)
    scene = Image.fromarray(pixels).resize((200, 300))
    file = encoded(scene, "JPEG", **stored)
    with suppress(UnusableImage):
        assert share_changed(file, file[: int(len(file) * cut)], by=48) <= 2 * jpeg.LOST_AT_MOST


def resized(progressive: bytes, width: int, height: int) -> bytes:
    """The file with another size in its header."""
    at = progressive.index(b"\xff\xc2") + 5
    return progressive[:at] + struct.pack(">HH", height, width) + progressive[at + 4 :]


def huge_jpeg(width: int, height: int) -> bytes:
    """A grey JPEG of one scan that libjpeg reads as such a picture: its data are one MCU row, told again and again."""
    tile = encoded(Image.new("L", (width, 8), 128), "JPEG", quality=30, restart_marker_rows=1)
    at = tile.index(b"\xff\xc0")
    scan = tile.index(b"\xff\xda")
    start = scan + 2 + struct.unpack_from(">H", tile, scan + 2)[0]
    rows = [tile[start:-2] + bytes((0xFF, 0xD0 + row % 8)) for row in range(height // 8)]
    return tile[: at + 5] + struct.pack(">H", height) + tile[at + 7 : start] + b"".join(rows)[:-2] + b"\xff\xd9"


def test_a_phone_s_largest_picture_when_read_then_at_a_fraction() -> None:
    file = huge_jpeg(16_384, 12_288)
    picture = read_image(file, enough=4500)
    assert picture.image.size == (8192, 6144)
    assert (picture.width, picture.height) == (16_384, 12_288)
    assert picture.image.getpixel((8000, 6000)) == (128, 128, 128)


def test_no_wish_when_read_then_at_no_more_pixels_than_others() -> None:
    assert read_image(huge_jpeg(16_384, 8_192)).image.size == (8192, 4096)


def test_more_when_read_then_the_limit_is_named() -> None:
    with pytest.raises(UnusableImage, match=f"the limit is {MAX_JPEG_PIXELS // 10**6} million"):
        read_image(huge_jpeg(16_384, 12_296))


def test_more_in_scans_when_read_then_it_is_the_limit_that_is_named() -> None:
    with pytest.raises(UnusableImage, match="the limit is") as refused:
        read_image(resized(scan_bomb(512, 1), 40_000, 40_000))
    assert not isinstance(refused.value, CostlyImage)


def test_all_coefficients_to_be_kept_when_read_then_memory_is_bounded() -> None:
    file = encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True, subsampling=0)
    with pytest.raises(CostlyImage, match="takes too long"):
        read_image(resized(file, 16_384, 12_288))


@given(seed=st.integers(0, 2**32), damages=st.integers(1, 20), progressive=st.booleans())
def test_markers_that_are_damaged_are_counted_or_refused(seed: int, damages: int, progressive: bool) -> None:
    file = bytearray(encoded(SCENE.resize((48, 80)), "JPEG", progressive=progressive))
    chance = random.Random(seed)
    for _ in range(damages):
        file[chance.randrange(2, len(file))] = chance.choice((0xFF, 0xDA, 0xD9, 0xD0, 0, chance.randrange(256)))
    try:
        found = counted(bytes(file))
    except (UnusableImage, IndexError, ValueError, struct.error):
        return
    assert found.visits <= jpeg.MAX_BLOCK_VISITS
    assert io.BytesIO(jpeg.mended(bytes(file), found)).getbuffer().nbytes if found.ended else True
