"""Making a selfie smaller before it is sent."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from facesearch.photos.decoding import READABLE, formats
from facesearch_client import SelfieError
from facesearch_client.selfies import BRANDS, UNREADABLE, read_selfie, read_selfies
from tests.support.heifs import coded, heif, turn_box
from tests.unit.client.conftest import ClientOf
from tests.unit.client.fakes import FakeApi, form_of


def picture(size: tuple[int, int], kind: str = "JPEG", mode: str = "RGB", orientation: int = 1) -> bytes:
    image = Image.new(mode, size, "red" if mode == "RGB" else 0)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Maria"
    out = io.BytesIO()
    image.save(out, kind, exif=exif)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(("orientation", "size"), [(1, (400, 100)), (3, (400, 100)), (6, (100, 400)), (8, (100, 400))])
def test_a_large_picture_then_its_long_side_fits_and_it_is_upright(orientation: int, size: tuple[int, int]) -> None:
    small = opened(read_selfie(picture((2000, 500), orientation=orientation), 400))
    assert (small.format, small.size) == ("JPEG", size)


@pytest.mark.parametrize(("quarters", "size"), [(0, (64, 32)), (1, (32, 64))])
def test_given_what_phones_write_when_downscaled_then_an_upright_jpeg(quarters: int, size: tuple[int, int]) -> None:
    small = opened(read_selfie(heif([coded(*([turn_box(quarters)] if quarters else []))]), 64))
    assert (small.format, small.size) == ("JPEG", size)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_given_metadata_when_downscaled_then_it_stays_at_home(kind: str) -> None:
    original = picture((300, 200), kind)
    assert b"Maria" in original
    small = read_selfie(original, 1600)
    assert b"Maria" not in small
    assert opened(small).size == (300, 200), "not enlarged"


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", 255), ("LA", 255), ("I;16", 0), ("L", 0), ("1", 0), ("P", 0)])
def test_any_kind_of_pixels_when_downscaled_then_a_jpeg_with_transparency_on_white(mode: str, colour: int) -> None:
    small = opened(read_selfie(picture((30, 20), "PNG", mode), 10))
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (10, 7))
    assert small.getpixel((5, 3)) == (colour,) * 3


@pytest.mark.parametrize("content", [b"", b"GIF89a", picture((900, 900))[:700]])
def test_given_no_picture_when_downscaled_then_selfie_error(content: bytes) -> None:
    with pytest.raises(SelfieError, match=r"not a (readable )?JPEG"):
        read_selfie(content, 1600)
    with pytest.raises(ValueError, match="pixels"):
        read_selfie(content, 0)


def test_no_pillow_when_downscaled_then_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="pip install pillow"):
        read_selfie(b"", 1600)


def test_a_file_when_searched_with_downscale_then_the_smaller_copy_is_sent(client_of: ClientOf, tmp_path: Path) -> None:
    selfie = tmp_path / "selfie.png"
    selfie.write_bytes(picture((2000, 1000), "PNG"))
    api = FakeApi()
    client_of(api).search(456, selfie, downscale=1600)
    sent = form_of(api.requests[0])["file"]
    content = sent.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert (sent.get_content_type(), opened(content).size) == ("image/jpeg", (1600, 800))


def test_given_no_downscale_when_read_then_the_bytes_as_they_are(tmp_path: Path) -> None:
    selfie = tmp_path / "selfie"
    selfie.write_bytes(b"anything")
    assert read_selfie(selfie) == b"anything"
    assert read_selfies(selfie) == [b"anything"]
    assert read_selfies((selfie, b"more")) == [b"anything", b"more"]
    kinds: Any = (bytes, bytearray, memoryview)
    assert [read_selfies(kind(b"abc")) for kind in kinds] == [[b"abc"]] * 3, "one selfie and not several"


def test_the_client_knows_the_pictures_that_the_api_reads() -> None:
    assert set(BRANDS) == set(formats.HEIF_BRANDS)
    assert READABLE in UNREADABLE
