"""JPEG files by their markers: how large they are, how much work their scans are, and whether their end is there."""

import io
import random
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesearch.errors import CostlyImage, UnusableImage
from facesearch.photos.decoding import DAMAGED

SIGNATURE = b"\xff\xd8\xff"

MAX_BLOCK_VISITS = 2**25
"""34 million visits of 8 x 8 blocks: about a second. The usual ten scans of a progressive 64 MP picture are 15 million
with full chroma, those of 200 MP with a quarter of it are 26 million. A scan visits its blocks even if it is empty."""
MAX_SCANS = 128
"""Ten are usual. Beside the limit on visits, which lets a picture of a megapixel have a thousand: a second and more."""
MAX_COEFFICIENT_BYTES = 640 * 10**6
"""What a picture of several scans keeps in memory until the last one: 604 MB for 200 MP with a quarter of the chroma.
A picture of one scan keeps a few rows."""
MAX_SEGMENTS = 4096
"""A colour profile can take 255, a phone's depth map 200, ten scans 30."""
MAX_EXIF_SEGMENTS = 16
"""The standard knows one. Pillow joins them one by one, which is quadratic."""
MAX_JUNK = 2**16
"""Bytes between segments. Cameras pad with a few; Pillow reads them one by one."""
LOST_AT_MOST = 0.01
"""How much of a picture its missing end may be able to change: 12 rows of 1,200."""

FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_RST, _SOI, _EOI, _SOS, _DRI, _APP1 = 0xD0, 0xD8, 0xD9, 0xDA, 0xDD, 0xE1
_BARE = frozenset((0x01, *range(_RST, _SOI + 1)))
"""Markers without a segment."""
_END = bytes((0xFF, _EOI))
_MARKER = re.compile(rb"\xff([\x01-\xfe])")
_MARKER_IN_SCAN = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")


@dataclass
class JpegFile:
    """What the markers say of a file's first picture.

    Attributes:
        components: blocks of 8 x 8 samples by the component's id.
        visits: blocks that all scans together visit.
        final: by component, which of the 64 coefficients some scan has told to the last bit.
        scan_at: where the last scan's data begin.
        restarts, ended: whether there are restart markers, and the end marker.
    """

    width: int
    height: int
    progressive: bool
    components: dict[int, int]
    visits: int = 0
    scans: int = 0
    final: dict[int, set[int]] = field(default_factory=dict)
    scan_at: int = 0
    restarts: bool = False
    ended: bool = False

    def add_scan(self, header: bytes) -> None:
        """Count one more scan.

        Raises:
            CostlyImage: too many, or too much to keep in memory until the last.
        """
        count = header[0]
        first, last, precision = header[1 + 2 * count : 4 + 2 * count]
        for component in header[1 : 1 + 2 * count : 2]:
            self.visits += self.components.get(component, 0)
            if not self.progressive:
                self.final[component] = set(range(64))
            elif precision & 15 == 0:
                self.final.setdefault(component, set()).update(range(first, min(last, 63) + 1))
        self.scans += 1
        whole = self.scans == 1 and not self.progressive and count == len(self.components)
        kept = 0 if whole else 128 * sum(self.components.values())
        if self.scans > MAX_SCANS or self.visits > MAX_BLOCK_VISITS or kept > MAX_COEFFICIENT_BYTES:
            raise CostlyImage


def examine(data: bytes, most_pixels: int) -> JpegFile:
    """Walk the markers of the first picture as libjpeg does, decoding nothing; of one too large only to its size.

    Raises:
        CostlyImage: it is more work than a photograph.
        IndexError, struct.error, ValueError: the markers make no picture.
    """
    file: JpegFile | None = None
    exifs, restarts, ended = 0, False, False
    for marker, at, body in segments(data):
        if marker == _SOI or (marker in FRAMES and file is not None) or (marker == _SOS and file is None):
            raise ValueError("markers in an order that makes no picture")
        if marker in FRAMES:
            file = _frame(marker, body)
            if file.width * file.height > most_pixels:
                return file
        elif marker == _DRI:
            restarts = any(body[:2])
        elif marker == _APP1 and body.startswith(b"Exif\0"):
            exifs += 1
            if exifs > MAX_EXIF_SEGMENTS:
                raise CostlyImage
        elif marker == _SOS and file is not None:
            file.add_scan(body)
            file.scan_at, file.restarts = at + len(body), restarts
        ended = marker == _EOI
    if file is None or not file.scans:
        raise ValueError("no picture")
    file.ended = ended
    return file


def mended(data: bytes, file: JpegFile) -> bytes:
    """The same picture with an end.

    Raises:
        UnusableImage: what is missing is more than the end.
    """
    if file.ended:
        return data
    # What lost the end has often filled it with zeros, or with ones as flash memory does that nothing was written to.
    # The last byte may be half a marker.
    known = data.rstrip(b"\0\xff")
    is_costly = 3 * file.visits > MAX_BLOCK_VISITS  # it is decoded twice more
    lacks_scans = any(len(file.final.get(component, ())) < 64 for component in file.components)
    if is_costly or lacks_scans or len(known) < file.scan_at or _lost(known, file) > LOST_AT_MOST:
        raise UnusableImage(DAMAGED)
    return known + _END


def segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Markers with the place and content of their segments, up to the end marker or the end of the data."""
    at, count, junk, in_scan = 2, 0, 0, False
    while found := (_MARKER_IN_SCAN if in_scan else _MARKER).search(data, at):
        marker = found[1][0]
        junk += 0 if in_scan else found.start() - at
        at, count = found.end(), count + 1
        if count > MAX_SEGMENTS or junk > MAX_JUNK:
            raise CostlyImage
        if marker in _BARE or marker == _EOI or (in_scan and marker < min(FRAMES)):
            # In a scan libjpeg goes on behind a marker that it does not know, so that a segment hides nothing there.
            yield marker, at, b""
            if marker == _EOI:
                return
            continue
        (length,) = struct.unpack_from(">H", data, at)
        body = data[at + 2 : at + max(2, length)]
        yield marker, at + 2, body
        at, in_scan = at + max(2, length), marker == _SOS


def _frame(marker: int, body: bytes) -> JpegFile:
    _, height, width, count = struct.unpack_from(">BHHB", body)
    parts = [(body[at], body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, 6 + 3 * count, 3)]
    if not parts or not all(0 < across <= 4 and 0 < down <= 4 for _, across, down in parts):
        raise ValueError("no components")
    most_across, most_down = max(part[1] for part in parts), max(part[2] for part in parts)
    components = {
        name: -(-width * across // (8 * most_across)) * -(-height * down // (8 * most_down))
        for name, across, down in parts
    }
    return JpegFile(width, height, marker in _PROGRESSIVE, components)


def _lost(known: bytes, file: JpegFile) -> float:
    """The share of the picture that other bytes behind the known ones would change: they are tried."""
    as_it_is, otherwise = (_pixels(known + more + _END, file) for more in (b"", _filler(known, file)))
    changed = (as_it_is != otherwise).any(axis=2)
    return float(1 - int(changed.argmax()) / changed.size) if changed.any() else 0.0


def _filler(known: bytes, file: JpegFile) -> bytes:
    """Bytes that mean something else than a picture's end does, with the restart markers that are due."""
    noise = random.Random(22).randbytes(2**14).replace(b"\xff", b"\x55")  # noqa: S311 - the same for each file
    if not file.restarts:
        return noise
    last = max(range(8), key=lambda number: known.rfind(bytes((0xFF, _RST + number)), file.scan_at))
    due = last + 1 if known.find(bytes((0xFF, _RST + last)), file.scan_at) >= 0 else 0
    parts = (noise[at : at + 256] for at in range(0, len(noise), 256))
    return b"".join(part + bytes((0xFF, _RST + (due + number) % 8)) for number, part in enumerate(parts))


def _pixels(data: bytes, file: JpegFile) -> NDArray[np.uint8]:
    """Shape (height, width, 3), at a fraction that is little work and shows what a scan of this kind changes: the means
    of the blocks, or half the size where a scan may hold only fine detail."""
    fraction = 2 if file.progressive else 8
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.draft(None, (max(1, file.width // fraction), max(1, file.height // fraction)))
    return np.asarray(image.convert("RGB"))
