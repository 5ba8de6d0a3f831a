"""HEIC and AVIF: which picture is read and how it is held, and what is refused before a decoder sees it."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesearch.errors import CostlyImage, UnusableImage
from facesearch.photos.decoding import heif as files
from facesearch.photos.imaging import MAX_DECODED_PIXELS, MAX_PIXELS, read_image
from tests.support.heifs import HEIGHT, PICTURE, WIDTH, Item, box, coded, exif_item, grid, heif, size_box, turn_box
from tests.support.pictures import corners, encoded, exif, looks_like_the_scene

SAME = Item(b"iden", b"", [size_box(WIDTH, HEIGHT)])


class TestReading:
    @pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1", b"hevc"])
    def test_given_a_heic_when_read_then_it_is_the_scene(self, brand: bytes) -> None:
        picture = read_image(heif([coded()], brand=brand))
        assert (picture.width, picture.height, picture.image.mode) == (WIDTH, HEIGHT, "RGB")
        assert looks_like_the_scene(picture.image)

    @pytest.mark.parametrize("inline", [False, True])
    def test_given_a_grid_of_tiles_when_read_then_they_are_one_picture(self, inline: bool) -> None:
        file = heif([grid(2, 2), *[coded()] * 4], [(b"dimg", 1, [2, 3, 4, 5])], inline=inline)
        assert read_image(file).image.size == (2 * WIDTH, 2 * HEIGHT)

    def test_given_several_pictures_when_read_then_it_is_the_file_s_own(self) -> None:
        """A burst, with a thumbnail and a depth map of its best picture."""
        depth = box(b"auxC", bytes(4) + b"urn:mpeg:hevc:2015:auxid:2\0")
        items = [coded(turn_box(1)), coded(), coded(turn_box(1)), coded(depth)]
        picture = read_image(heif(items, [(b"thmb", 3, [2]), (b"auxl", 4, [2])], primary=2))
        assert picture.image.size == (WIDTH, HEIGHT)

    def test_given_the_same_picture_under_another_number_when_read_then_it_is_read(self) -> None:
        assert looks_like_the_scene(read_image(heif([SAME, coded()], [(b"dimg", 1, [2])])).image)

    def test_given_an_avif_film_when_read_then_its_still_is(self) -> None:
        film = encoded(corners(160, 80), "AVIF", save_all=True, append_images=[Image.new("RGB", (160, 80), "white")])
        assert film[8:12] == b"avis"
        picture = read_image(film)
        assert picture.image.size == (160, 80)
        assert looks_like_the_scene(picture.image)


class TestHowItIsHeld:
    BLOCK = exif(Orientation=6, DateTimeOriginal="2026:05:17 09:30:01").tobytes()[6:]

    def test_given_a_turn_and_exif_s_when_read_then_it_is_turned_once(self) -> None:
        """As phones write it: both say the same."""
        picture = read_image(heif([coded(turn_box(3)), exif_item(self.BLOCK)], [(b"cdsc", 2, [1])]))
        assert (picture.width, picture.height, picture.doubtful) == (HEIGHT, WIDTH, 1)
        assert str(picture.taken_at) == "2026-05-17 09:30:01"
        assert looks_like_the_scene(picture.image.transpose(Image.Transpose.ROTATE_90))

    def test_given_only_exif_s_when_read_then_it_is_in_doubt(self) -> None:
        picture = read_image(heif([coded(), exif_item(self.BLOCK)], [(b"cdsc", 2, [1])]))
        assert (picture.width, picture.height, picture.doubtful) == (WIDTH, HEIGHT, 6)
        assert looks_like_the_scene(picture.image)


class TestRefused:
    @pytest.mark.parametrize("kind", [b"jpeg", b"avc1", b"unci", b"mime"])
    def test_given_another_coding_when_read_then_no_such_picture(self, kind: bytes) -> None:
        with pytest.raises(UnusableImage, match="not a readable"):
            read_image(heif([Item(kind, PICTURE, [size_box(WIDTH, HEIGHT)])]))

    @pytest.mark.parametrize("brand", [b"isom", b"mp42", b"qt  "])
    def test_given_a_film_when_read_then_no_such_picture(self, brand: bytes) -> None:
        with pytest.raises(UnusableImage, match="The file is a video"):
            read_image(box(b"ftyp", brand, bytes(4), brand) + box(b"moov", bytes(100)))

    def test_given_too_many_pixels_when_read_then_the_limit_is_named(self) -> None:
        with pytest.raises(UnusableImage, match=f"limit is {MAX_PIXELS // 10**6} million"):
            read_image(heif([coded(size=(10_000, 10_000))]))

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
    def test_given_a_part_when_read_then_it_is_refused(self, share: float) -> None:
        file = heif([coded()])
        with pytest.raises(UnusableImage, match=r"damaged|not a readable") as refused:
            read_image(file[: int(len(file) * share)])
        assert not isinstance(refused.value, CostlyImage)


def chain(length: int) -> bytes:
    """The same picture under ever more numbers."""
    links = [(b"dimg", number, [number + 1]) for number in range(1, length + 1)]
    return heif([*[SAME] * length, coded()], links)


def overlays(depth: int, width: int) -> bytes:
    """Overlays of overlays: width ** depth pictures in some hundred bytes."""
    layer = Item(
        b"iovl", struct.pack(">BBHHHHII", 0, 1, 0, 0, 0, 0, WIDTH, HEIGHT) + bytes(8 * width), [size_box(WIDTH, HEIGHT)]
    )
    return heif(
        [*[layer] * depth, coded()], [(b"dimg", number, [number + 1] * width) for number in range(1, depth + 1)]
    )


BOMBS = {
    "a chain": chain(10),
    "overlays of overlays": overlays(3, 250),
    "a grid without end": heif([grid(1, 1), *[SAME] * 3], [(b"dimg", 1, [2]), (b"dimg", 2, [3]), (b"dimg", 3, [2])]),
    "one tile many times": heif([grid(200, 100, size=(8000, 8000)), coded()], [(b"dimg", 1, [2] * 20_000)]),
    "two pictures in one": heif([coded(content=PICTURE * 2)]),
    "many items": heif([coded(), *[Item(b"mime", b"")] * 3000]),
    "metadata many times": heif(
        [*[coded()] * 200, Item(b"Exif", bytes(500_000))], [(b"cdsc", 201, list(range(1, 201)))]
    ),
}


class TestBombs:
    @pytest.mark.parametrize("file", BOMBS.values(), ids=BOMBS)
    def test_given_a_bomb_when_read_then_no_decoder_sees_it(self, file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pi_heif.HeifFile", None)
        monkeypatch.setattr(Image, "open", None)
        with pytest.raises(CostlyImage, match="takes too long"):
            read_image(file)

    def test_given_tiles_of_an_honest_picture_when_counted_then_it_is_within_the_limit(self) -> None:
        """64 MP in tiles of 512 x 512, as phones cut theirs."""
        tiles = [coded(size=(512, 512))] * (18 * 14)
        file = heif([grid(18, 14, size=(9216, 6944)), *tiles], [(b"dimg", 1, list(range(2, 2 + len(tiles))))])
        assert files.examine(file).pixels <= MAX_DECODED_PIXELS

    def test_given_one_that_is_larger_than_it_says_when_counted_then_by_its_own_header(self) -> None:
        assert files.examine(heif([coded(size=(16, 16))])).pixels == WIDTH * HEIGHT
        avif = encoded(corners(160, 80), "AVIF")
        for file in (avif, avif.replace(size_box(160, 80), size_box(16, 8))):
            assert files.examine(file).pixels == 160 * 80

    def test_given_more_frames_than_layers_when_read_then_they_are_not_decoded(self) -> None:
        file = encoded(corners(160, 80), "AVIF")
        at = file.index(b"mdat") + 4
        begin = file.index(b"av1C") - 4
        configuration = file[begin : begin + int.from_bytes(file[begin : begin + 4])]
        frames = heif([Item(b"av01", file[at:] * 5, [configuration, size_box(160, 80)])], brand=b"avif")
        with pytest.raises(CostlyImage, match="takes too long"):
            read_image(frames)


@pytest.mark.parametrize("kind", [b"Exi\xb3", b"\xaaxif"])
def test_metadata_of_a_type_that_is_no_text_are_refused_before_the_decoder_sees_them(kind: bytes) -> None:
    """pi_heif 1.4.0 ends the whole process over them."""
    file = heif([coded(), exif_item(TestHowItIsHeld.BLOCK)], [(b"cdsc", 2, [1])])
    assert file.count(b"Exif\0\0\0\0") == 1
    with pytest.raises(UnusableImage, match="damaged"):
        read_image(file.replace(b"Exif\0\0\0\0", kind + b"\0\0\0\0"))


@given(seed=st.integers(0, 2**32), damages=st.integers(1, 20), tiled=st.booleans())
def test_a_damaged_heic_is_read_or_refused_but_never_crashes(seed: int, damages: int, tiled: bool) -> None:
    block = exif_item(TestHowItIsHeld.BLOCK)
    file = bytearray(
        heif([grid(2, 1), coded(), coded(turn_box(1)), block], [(b"dimg", 1, [2, 3]), (b"cdsc", 4, [1])])
        if tiled
        else heif([coded(turn_box(1)), block], [(b"cdsc", 2, [1])])
    )
    chance = random.Random(seed)
    for _ in range(damages):
        file[chance.randrange(len(file))] = chance.randrange(256)
    try:
        picture = read_image(bytes(file))
    except UnusableImage:
        return
    assert picture.image.mode == "RGB"


@given(st.binary(max_size=300))
def test_random_boxes_never_crash(data: bytes) -> None:
    for start in (box(b"ftyp", b"heic", bytes(4), b"mif1"), box(b"ftyp", b"avif", bytes(4), b"mif1")):
        with pytest.raises(UnusableImage):
            read_image(start + data)
        with pytest.raises(UnusableImage):
            read_image(start + box(b"meta", bytes(4), data))
