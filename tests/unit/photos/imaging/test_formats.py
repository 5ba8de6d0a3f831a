"""What a refused file is told to be: by real files where Pillow writes them, by their first bytes where it does not."""

import base64
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facesearch.errors import UnusableImage
from facesearch.photos.decoding import READABLE, UNREADABLE
from facesearch.photos.decoding.formats import why_unreadable
from facesearch.photos.imaging import read_image
from tests.support.pictures import corners, encoded


def told(data: bytes) -> str:
    """What the sender of a file hears."""
    with pytest.raises(UnusableImage) as refused:
        read_image(data)
    return refused.value.message


OTHERS = {
    "GIF": "a GIF picture",
    "BMP": "a BMP picture",
    "TIFF": "a TIFF picture",
    "JPEG2000": "a JPEG 2000 picture",
    "ICO": "an icon",
    "PDF": "a PDF document",
    "EPS": "a PostScript file",
}


@pytest.mark.parametrize(("kind", "what"), OTHERS.items())
def test_a_file_of_another_format_is_told_what_it_is(kind: str, what: str) -> None:
    message = told(encoded(corners(64, 64), kind))
    assert message.startswith(f"The file is {what}")
    assert message.endswith(f"not a {READABLE} picture.")


def ftyp(brand: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + brand + bytes(4) + b"".join(others)
    return struct.pack(">I", len(body) + 4) + body + bytes(500)


RAW = (
    ftyp(b"crx ", b"isom"),
    b"II*\0\x10\0\0\0CR\2\0",
    b"II\x1a\0\0\0HEAPCCDR",
    b"FUJIFILMCCD-RAW 0201",
    b"IIRO\x08\0",
)
VIDEOS = (ftyp(b"mp42"), ftyp(b"qt  "), b"\0\0\0\x08wide\0\0\1\0", b"RIFF\x10\0\0\0AVI LIST", b"\x1aE\xdf\xa3\1\0")
FIRST_BYTES: dict[str, tuple[bytes, ...]] = {
    "a camera's RAW file": RAW,
    "a video": (*VIDEOS, (b"G" + bytes(187)) * 3),
    "a TIFF picture or a camera's RAW file": (b"MM\0*\0\0\0\x08",),
    "a Photoshop file": (b"8BPS\0\1",),
    "a JPEG XL picture": (b"\xff\x0a\xfa", b"\0\0\0\x0cJXL \r\n"),
    "a ZIP archive or an office document": (b"PK\3\4",),
    "a web page (HTML)": (b"  <!DOCTYPE html><html>",),
    "an SVG drawing": (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><svg width='1'/>",),
    "an XML text": (b"<?xml version='1.0'?><Error/>",),
    "a JSON text": (b'{"message": "Forbidden"}',),
    "a picture as Base64 text": (base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(20)), b"data:image/jpeg;base64,/9j/"),
    "what macOS keeps beside a file, not the file itself": (b"\0\5\x16\7\0\2\0\0Mac OS X",),
}


@pytest.mark.parametrize(("what", "files"), FIRST_BYTES.items())
def test_a_file_is_known_by_its_first_bytes(what: str, files: tuple[bytes, ...]) -> None:
    for data in files:
        assert told(data).startswith(f"The file is {what}, not a {READABLE} picture.")


def test_a_file_of_zeros_and_one_of_anything_say_so() -> None:
    assert told(bytes(5_000)) == "The file contains only zeros: it was not copied or uploaded completely."
    assert told(b"no picture") == UNREADABLE


def test_apples_png_is_told_apart_and_not_by_a_size_that_it_has_not() -> None:
    plain = encoded(corners(64, 64), "PNG")
    flags = b"\x50\0\x20\2"
    chunk = struct.pack(">I", 4) + b"CgBI" + flags + struct.pack(">I", zlib.crc32(b"CgBI" + flags))
    assert "Apple's own form (CgBI)" in told(plain[:8] + chunk + plain[8:])


JPEG = encoded(corners(64, 64), "JPEG")
FRAME = JPEG.index(b"\xff\xc0")


@pytest.mark.parametrize(
    ("at", "marker", "what"),
    [
        (1, 0xC3, "a lossless JPEG"),
        (1, 0xC5, "a hierarchical JPEG"),
        (1, 0xCB, "a lossless JPEG"),
        (1, 0xF7, "a JPEG-LS picture"),
        (1, 0xCA, "an arithmetic-coded JPEG"),  # progressive, with a scan that is not
        (4, 12, "a JPEG of 12 bits a colour"),
    ],
)
def test_a_jpeg_that_is_coded_in_another_way_is_told_how(at: int, marker: int, what: str) -> None:
    file = bytearray(JPEG)
    file[FRAME + at] = marker
    assert told(bytes(file)).startswith(f"The file is {what}, ")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_picture_of_ours_is_damaged_and_not_another_format(kind: str) -> None:
    file = encoded(Image.effect_noise((200, 200), 90).convert("RGB"), kind)
    assert why_unreadable(file) is None
    assert told(file[: len(file) // 3]) in ("The picture is damaged or cut short.", UNREADABLE)


STARTS = (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x18ftyp", b"RIFF", b"<?xml ", b"\0", b"G")


@given(st.sampled_from(STARTS), st.binary(max_size=2_000))
def test_no_bytes_can_make_it_raise_and_whatever_it_says_is_one_sentence_or_two(start: bytes, rest: bytes) -> None:
    said = why_unreadable(start + rest)
    assert said is None or (said.startswith("The file ") and said.endswith(".") and len(said) < 200)
