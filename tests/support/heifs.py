"""HEIF files made for tests, of one tiny HEVC picture: `tests.support.pictures.corners(128, 64)`, as x265 codes it."""

import base64
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 128, 64
CONFIGURATION = base64.b64decode(
    "AQNwAAAAAAAAAAAAHvAA/P34+AAADwMgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQCEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoBAgQWW6kkprm4EB"
    "AwIAAAMAAgAAAwACECIAAQAHRAHBcrAiQA=="
)
PICTURE = base64.b64decode(
    "AAAAVygBrxOAeNZTVEf//mCdv/aF6f/BplA/4P/7G4iP6VOX/5NS8J6BM8zL5t92uPo7HCDKvjE1IZWpEOEV2SIuP2RCv8na//vLYVINj3/6b1f/v25h"
    "uOmA4A=="
)

Reference = tuple[bytes, int, Sequence[int]]
"""Kind, from which item, to which ones."""


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, *contents: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def size_box(width: int, height: int) -> bytes:
    return full_box(b"ispe", struct.pack(">II", width, height))


def nclx_box(primaries: int) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, 13, 6, 0x80))


def turn_box(quarters: int) -> bytes:
    """`quarters` turns to the left."""
    return box(b"irot", bytes([quarters]))


@dataclass(frozen=True)
class Item:
    """A picture, or what is known of one; numbered from 1 in a file."""

    kind: bytes
    content: bytes
    properties: Sequence[bytes] = field(default_factory=list)


def coded(
    *more: bytes,
    content: bytes = PICTURE,
    configuration: bytes = CONFIGURATION,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Item:
    """The tiny picture, or what claims to be like it."""
    return Item(b"hvc1", content, [box(b"hvcC", configuration), size_box(*size), *more])


def grid(across: int, down: int, *more: bytes, size: tuple[int, int] | None = None) -> Item:
    width, height = size or (across * WIDTH, down * HEIGHT)
    return Item(
        b"grid", struct.pack(">BBBBII", 0, 1, down - 1, across - 1, width, height), [size_box(width, height), *more]
    )


def exif_item(block: bytes) -> Item:
    """`block`: TIFF, without the prefix that it has in a JPEG."""
    return Item(b"Exif", bytes(4) + block)


def heif(
    items: Sequence[Item],
    references: Iterable[Reference] = (),
    primary: int = 1,
    brand: bytes = b"heic",
    inline: bool = False,
) -> bytes:
    """A file whose items lie one behind the other at its end; `inline`: grids lie among the boxes, as phones do it."""
    infos = [full_box(b"infe", struct.pack(">HH4sx", n, 0, item.kind), version=2) for n, item in enumerate(items, 1)]
    pointers = [
        box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets))
        for kind, source, targets in references
    ]
    inside = b"".join(item.content for item in items if inline and item.kind == b"grid")
    outside = b"".join(item.content for item in items if not (inline and item.kind == b"grid"))
    start = box(b"ftyp", brand, bytes(4), b"mif1", b"heic")

    def meta(begin: int) -> bytes:
        places, begin_inside = b"", 0
        for n, item in enumerate(items, 1):
            if inline and item.kind == b"grid":
                places += struct.pack(">HHHHII", n, 1, 0, 1, begin_inside, len(item.content))
                begin_inside += len(item.content)
            else:
                places += struct.pack(">HHHHII", n, 0, 0, 1, begin, len(item.content))
                begin += len(item.content)
        return full_box(
            b"meta",
            full_box(b"hdlr", struct.pack(">I4s12xx", 0, b"pict")),
            full_box(b"pitm", struct.pack(">H", primary)),
            full_box(b"iloc", struct.pack(">BBH", 0x44, 0, len(items)), places, version=1),
            full_box(b"iinf", struct.pack(">H", len(items)), *infos),
            _properties(items),
            full_box(b"iref", *pointers) if pointers else b"",
            box(b"idat", inside) if inside else b"",
        )

    return start + meta(len(start) + len(meta(0)) + 8) + box(b"mdat", outside)


def _properties(items: Sequence[Item]) -> bytes:
    links, number = b"", 0
    for n, item in enumerate(items, 1):
        ids = range(number + 1, number + 1 + len(item.properties))
        links += struct.pack(f">HB{len(ids)}H", n, len(ids), *ids)
        number += len(ids)
    associations = full_box(b"ipma", struct.pack(">I", len(items)), links, flags=1)
    return box(b"iprp", box(b"ipco", *(each for item in items for each in item.properties)), associations)
