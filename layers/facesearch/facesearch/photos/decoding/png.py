"""PNG files by their chunks: what is kept of texts and profiles, which are compressed and can be of any size."""

import struct
import zlib

from facesearch.errors import CostlyImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 2**16
"""A file of 50 MB in the 8 KiB parts that libpng writes has 6,100. Pillow takes some microseconds for each."""
MAX_TEXT = 2**20
"""Bytes of an unpacked text that is looked at, which is Pillow's own limit."""
MAX_PROFILE = 2**23
"""Bytes of an unpacked colour profile: a printer's is 3 MB, a camera's 600 bytes."""

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_WANTED = (b"XML:com.adobe.xmp", b"Raw profile type exif")
"""Texts that can say how the picture is held. Pillow would unpack the others, too, and give up at a long one."""


def without_ballast(data: bytes) -> tuple[bytes, bytes]:
    """The file without its texts and its colour profile, except for short texts that matter; and the profile, unpacked.

    Raises:
        CostlyImage: more chunks than a photograph has.
    """
    kept, view = [], memoryview(data)
    seen, profile = set(), None
    at, since = 8, 0
    for _ in range(MAX_CHUNKS + 1):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind == b"iCCP" or kind in _TEXTS:
            name = bytes(view[at + 8 : min(end, at + 88)]).partition(b"\0")[0]
            content = view[at + 8 + len(name) + 1 : max(at, end - 4)]
            if kind == b"iCCP" and profile is None:  # there may be one; to unpack a broken one again and again is slow
                profile = _unpacked(content[1:], MAX_PROFILE) or b""
            if kind == b"iCCP" or name not in _WANTED or name in seen or not _is_short(kind, content):
                kept.append(view[since:at])
                since = end
            seen.add(name)
        at = end
        if kind == b"IEND":
            break
    else:
        raise CostlyImage
    return b"".join((*kept, view[since:])) if kept else data, profile or b""


def _is_short(kind: bytes, content: memoryview) -> bool:
    if len(content) > MAX_TEXT:
        return False
    if kind == b"zTXt":
        return _unpacked(content[1:], MAX_TEXT) is not None
    is_packed = kind == b"iTXt" and len(content) > 2 and content[0]
    return not is_packed or _unpacked(bytes(content[2:]).split(b"\0", 2)[-1], MAX_TEXT) is not None


def _unpacked(packed: bytes | memoryview, most: int) -> bytes | None:
    """None if it is broken or longer."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, most)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail else text
