"""What a file is that is no picture of ours: one sentence for the person who sent it.

By its first bytes, and of a JPEG by the header that says how it is coded. Asked only when a file could not be read, so
that a format that the decoder has learnt is never refused here.
"""

import re
import struct
from contextlib import suppress

from facesearch.errors import CostlyImage
from facesearch.photos.decoding import READABLE, UNREADABLE, jpeg

_HEAD_BYTES = 1_024

_RAW = "a camera's RAW file"
_VIDEO = "a video"
_TEXT_OF_A_PICTURE = "a picture as Base64 text"
_ODD_JPEG = "a kind of JPEG that hardly any program reads. Save it as an ordinary JPEG."
_APPLES_PNG = (
    "The file is a PNG in Apple's own form (CgBI), as Xcode packs it into apps, which other programs cannot read. "
    "Save it as an ordinary PNG."
)
_ZEROS = "The file contains only zeros: it was not copied or uploaded completely."

_MAGIC: tuple[tuple[int, tuple[bytes, ...], str], ...] = (
    (4, (b"moov", b"mdat", b"wide", b"pnot"), _VIDEO),  # QuickTime before it had brands
    (0, (b"GIF8",), "a GIF picture"),
    (0, (b"BM",), "a BMP picture"),
    (0, (b"8BPS",), "a Photoshop file"),
    (0, (b"%PDF",), "a PDF document"),
    (0, (b"%!PS",), "a PostScript file"),
    (0, (b"\xff\x0a", b"\0\0\0\x0cJXL "), "a JPEG XL picture"),
    (0, (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), "a JPEG 2000 picture"),
    (0, (b"II\xbc\x01",), "a JPEG XR picture"),
    (0, (b"\x8aMNG",), "an MNG animation"),
    (0, (b"\0\0\1\0",), "an icon"),
    (0, (b"qoif",), "a QOI picture"),
    (0, (b"gimp xcf",), "a GIMP file"),
    (8, (b"CR\2\0",), _RAW),  # Canon CR2
    (6, (b"HEAPCCDR",), _RAW),  # Canon CRW
    # In this order: Fujifilm, three of Olympus, Panasonic and Leica, Sigma, Minolta
    (0, (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM"), _RAW),
    (0, (b"II*\0", b"MM\0*"), "a TIFF picture or a camera's RAW file"),
    (0, (b"II+\0", b"MM\0+"), "a TIFF picture"),
    (8, (b"AVI ",), _VIDEO),
    # Matroska and WebM, MPEG (two), Windows Media, Flash
    (0, (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"0&\xb2u\x8ef\xcf\x11", b"FLV\1"), _VIDEO),
    (0, (b"RIFF",), "a sound or another file of the RIFF family"),
    (0, (b"PK\3\4",), "a ZIP archive or an office document"),
    (0, (b"\x1f\x8b",), "compressed by gzip"),
    (0, (b"7z\xbc\xaf",), "a 7-Zip archive"),
    (0, (b"Rar!",), "a RAR archive"),
    (0, (b"bplist",), "a property list of macOS"),
    (0, (b"\0\5\x16\7",), "what macOS keeps beside a file, not the file itself"),  # AppleDouble
)
HEIF_BRANDS = (b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"avif", b"avis")
_ISO_BRANDS = {b"crx ": _RAW, b"M4A ": "a sound", b"M4B ": "a sound"}  # the first: Canon CR3
_TEXTS = (
    (rb"<!doctype html|<html|<head|<body", "a web page (HTML)"),
    (rb"<svg|<\?xml[^>]*>\s*(?:<!--.*?-->\s*|<!doctype svg[^>]*>\s*)*<svg", "an SVG drawing"),
    (rb"<\?xml", "an XML text"),
    (rb"[{\[]\s*[\"\]}{]", "a JSON text"),
    (rb"data:image/|/9j/4|iVBORw0KGgo|UklGR", _TEXT_OF_A_PICTURE),
    (rb"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)
_ODD_FRAMES = {0xF7: "a JPEG-LS picture"} | dict.fromkeys((0xC3, 0xCB), "a lossless JPEG")
_ODD_FRAMES |= dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "a hierarchical JPEG")
_ARITHMETIC = (0xC9, 0xCA)


def is_heif(data: bytes) -> bool:
    """Whether it is a file of ISO's family that has pictures' brands; videos are of that family, too."""
    return not _iso_brands(data[:256]).isdisjoint(HEIF_BRANDS)


def why_unreadable(data: bytes) -> str | None:
    """A sentence about a file that could not be read; None if it seems to be what it should be, and is damaged."""
    if data.startswith(jpeg.SIGNATURE):
        kind = _odd_jpeg(data)
        return f"The file is {kind}, {_ODD_JPEG}" if kind else None
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _APPLES_PNG if data[12:16] == b"CgBI" else None
    if (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or is_heif(data):
        return None
    if data and not data.strip(b"\0"):
        return _ZEROS
    what = _what_it_is(data[:_HEAD_BYTES])
    if what is None:
        return UNREADABLE
    hint = " Send the picture's own bytes." if what == _TEXT_OF_A_PICTURE else ""
    return f"The file is {what}, not a {READABLE} picture.{hint}"


def _what_it_is(head: bytes) -> str | None:
    if brands := _iso_brands(head):
        return next((what for brand, what in _ISO_BRANDS.items() if brand in brands), _VIDEO)
    found = next((what for place, magics, what in _MAGIC if head.startswith(magics, place)), None)
    if found is not None:
        return found
    if head[:1] == b"G" and head[188:189] == b"G" and head[376:377] == b"G":  # packets of an MPEG transport stream
        return _VIDEO
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((what for pattern, what in _TEXTS if re.match(pattern, text, re.IGNORECASE | re.DOTALL)), None)


def _iso_brands(head: bytes) -> set[bytes]:
    """Of a file of the ISO base media family, its own brand and those that it is compatible with."""
    if head[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(head[:4]), len(head))
    return {head[at : at + 4] for at in (8, *range(16, size, 4))}


def _odd_jpeg(data: bytes) -> str | None:
    """What is unusual about how a JPEG is coded."""
    with suppress(CostlyImage, IndexError, struct.error):
        for marker, _, segment in jpeg.segments(data):
            if marker in jpeg.FRAMES or marker in _ODD_FRAMES:
                usual = "an arithmetic-coded JPEG" if marker in _ARITHMETIC else None
                return _ODD_FRAMES.get(marker) or (f"a JPEG of {n} bits a colour" if (n := segment[0]) != 8 else usual)
    return None
