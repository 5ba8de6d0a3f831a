"""HEIF files (HEIC, AVIF) by their boxes: which picture is the file's own, and what decoding it would take.

What ISO/IEC 23008-12 calls an item is a coded picture, or one that is derived of others: a grid of tiles (phones), an
overlay, the same once more. Decoders follow such references as often as a file says.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from facesearch.errors import CostlyImage, UnusableImage
from facesearch.photos.decoding.bits import av1_pixels, hevc_pixels
from facesearch.photos.formats import UNREADABLE

MAX_ITEMS = 2048
"""A grid of tiles of 512 x 512 is 256 for 64 MP; some cameras' tiles are half as large."""
MAX_LINKS = 2**14
"""References, properties and places of all items together."""
MAX_DEPTH = 3
"""A picture that is the same as a grid of coded ones."""
MAX_METADATA = 2**26
"""Bytes that a decoder holds of all pictures' metadata and profiles together."""

_HEVC = (b"hvc1", b"hev1")
_AV1 = b"av01"
_DERIVED = {b"grid": 4, b"iovl": 12, b"iden": -1}
"""Where their data tell the size."""

_DAMAGED = "The picture is damaged or cut short."


@dataclass(frozen=True)
class HeifFile:
    """What is known of the file's own picture.

    Attributes:
        width, height: pixels as stored.
        pixels: of everything that is decoded for it.
        is_av1: AVIF; otherwise HEVC.
        is_turned: the file says how the picture is turned or mirrored, so that EXIF has no say.
        primaries: the colours by their number in ISO/IEC 23091-2; 0 = unknown.
    """

    width: int
    height: int
    pixels: int
    is_av1: bool
    is_turned: bool
    primaries: int


def examine(data: bytes) -> HeifFile:
    """Read the boxes, without decoding anything.

    Raises:
        UnusableImage: no picture of a kind that is read, or data are missing.
        CostlyImage: stored in a way that no photograph is.
        IndexError, struct.error, ValueError, KeyError: a box is broken.
    """
    return _Items(data).primary()


@dataclass
class _Item:
    kind: bytes
    properties: list[int] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    extents: list[tuple[int, int]] = field(default_factory=list)
    """Beginnings and ends in the file."""


class _Items:
    """The file's items and how they hang together."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._items: dict[int, _Item] = {}
        self._auxiliaries: list[int] = []
        self._described: list[tuple[int, int]] = []
        self._properties: list[tuple[bytes, memoryview]] = []
        self._pixels: dict[int, int] = {}
        self._links = 0
        top = _single(self._data, 0, len(data), b"meta")
        if b"meta" not in top:
            raise UnusableImage(UNREADABLE)
        start, end = top[b"meta"]
        boxes = _single(self._data, start + 4, end, b"iinf", b"iprp", b"iloc", b"idat", b"iref", b"pitm")
        self._read_items(*boxes[b"iinf"])
        self._read_properties(*boxes[b"iprp"])
        self._read_places(*boxes[b"iloc"], boxes.get(b"idat", (0, 0)))
        if b"iref" in boxes:
            self._read_references(*boxes[b"iref"])
        at, _ = boxes[b"pitm"]
        self._primary = self._number(at + 4, 4 if data[at] else 2)
        self._check_metadata()

    def primary(self) -> HeifFile:
        item = self._items[self._primary]
        pixels = self._cost(self._primary, MAX_DEPTH)
        pixels += sum(self._cost(aux, MAX_DEPTH) for aux in self._auxiliaries if self._is_picture(aux))
        width, height = self._size(item)
        first = item
        while first.kind in _DERIVED:
            first = self._items[first.inputs[0]]
        return HeifFile(
            width,
            height,
            pixels,
            first.kind == _AV1,
            any(self._properties[number][0] in (b"irot", b"imir") for number in item.properties),
            self._primaries(item) or self._primaries(first),
        )

    def _number(self, at: int, size: int) -> int:
        if at + size > len(self._data):
            raise UnusableImage(_DAMAGED)
        return int.from_bytes(self._data[at : at + size])

    def _link(self, count: int = 1) -> None:
        self._links += count
        if self._links > MAX_LINKS:
            raise CostlyImage

    def _read_items(self, start: int, end: int) -> None:
        for kind, at, stop in _boxes(self._data, start + (8 if self._data[start] else 6), end):
            if kind == b"infe" and self._data[at] >= 2:
                wide = 4 if self._data[at] > 2 else 2
                name = bytes(self._data[at + 6 + wide : at + 10 + wide])
                number = self._number(at + 4, wide)
                # The decoder ends the process over metadata whose type is no text: a name, and the MIME type behind it.
                texts = bytes(self._data[at + 10 + wide : stop]) if name == b"mime" else b""
                if number in self._items or not _is_text(name) or not _is_text(texts):
                    raise UnusableImage(_DAMAGED)
                self._items[number] = _Item(name)
        if len(self._items) > MAX_ITEMS:
            raise CostlyImage

    def _read_properties(self, start: int, end: int) -> None:
        self._properties.append((b"", self._data[:0]))  # they are numbered from 1
        for kind, at, stop in _boxes(self._data, start, end):
            if kind == b"ipco":
                self._properties += [(name, self._data[begin:to]) for name, begin, to in _boxes(self._data, at, stop)]
            elif kind == b"ipma":
                self._read_associations(at)

    def _read_associations(self, at: int) -> None:
        wide, long = (4 if self._data[at] else 2), self._data[at + 3] & 1
        count, at = self._number(at + 4, 4), at + 8
        for _ in range(count):
            item, number, at = self._items.get(self._number(at, wide)), self._data[at + wide], at + wide + 1
            self._link(number + 1)
            size, mask = (2, 0x7FFF) if long else (1, 0x7F)
            if item is not None:
                item.properties += [self._number(at + size * each, size) & mask for each in range(number)]
            at += size * number

    def _read_places(self, at: int, end: int, idat: tuple[int, int]) -> None:
        version, sizes = self._data[at], self._number(at + 4, 2)
        offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        index_size = sizes & 15 if version else 0
        wide = 2 if version < 2 else 4
        count, at = self._number(at + 6, wide), at + 6 + wide
        for _ in range(count):
            item, at = self._items.get(self._number(at, wide)), at + wide
            method = 0
            if version:
                method, at = self._number(at, 2) & 15, at + 2
            base, at = self._number(at + 2, base_size), at + 2 + base_size
            extents, at = self._number(at, 2), at + 2
            self._link(extents + 1)
            for _ in range(extents):
                at += index_size
                begin, length = base + self._number(at, offset_size), self._number(at + offset_size, length_size)
                at += offset_size + length_size
                begin += idat[0] if method == 1 else 0
                if item is not None and method < 2:
                    item.extents.append((begin, begin + length if length else len(self._data)))
        stored = [place for item in self._items.values() for place in item.extents if place[1] <= len(self._data)]
        if sum(stop - begin for begin, stop in stored) > 2 * len(self._data):
            raise CostlyImage

    def _read_references(self, start: int, end: int) -> None:
        wide = 4 if self._data[start] else 2
        for kind, at, _ in _boxes(self._data, start + 4, end):
            source, count = self._number(at, wide), self._number(at + wide, 2)
            self._link(count + 1)
            targets = [self._number(at + wide + 2 + wide * each, wide) for each in range(count)]
            if kind == b"dimg" and source in self._items:
                self._items[source].inputs += targets
            elif kind == b"auxl":
                self._auxiliaries.append(source)
            elif kind == b"cdsc":
                self._described += [(source, target) for target in targets]

    def _check_metadata(self) -> None:
        """Decoders copy the metadata and the profile of each picture that is no part of another one."""
        parts = {part for item in self._items.values() for part in item.inputs}
        held = 0
        for source, _ in self._described:
            held += self._length(source)
        for number, item in self._items.items():
            if number not in parts and self._is_picture(number):
                held += sum(len(self._properties[each][1]) for each in item.properties if each < len(self._properties))
        if held > MAX_METADATA:
            raise CostlyImage

    def _length(self, number: int) -> int:
        item = self._items.get(number)
        return sum(end - start for start, end in item.extents) if item is not None else 0

    def _is_picture(self, number: int) -> bool:
        kind = self._items[number].kind if number in self._items else b""
        return kind in _DERIVED or kind in _HEVC or kind == _AV1

    def _cost(self, number: int, depth: int) -> int:
        """Pixels that are decoded for an item; each item is looked at once, but counted wherever it is used."""
        if depth < 0:
            raise CostlyImage
        if number not in self._pixels:
            item = self._items[number]
            if not self._is_picture(number):
                raise UnusableImage(UNREADABLE)
            if item.kind in _DERIVED:
                own = self._canvas(item)
                self._pixels[number] = own + sum(self._cost(part, depth - 1) for part in item.inputs)
            else:
                width, height = self._size(item)
                self._pixels[number] = max(width * height, self._coded(item))
        return self._pixels[number]

    def _canvas(self, item: _Item) -> int:
        width, height = self._size(item)
        at = _DERIVED[item.kind]
        if at < 0:
            return width * height
        content = self._content(item)
        wide = 4 if content[1] & 1 else 2
        sides = [int.from_bytes(content[begin : begin + wide]) for begin in (at, at + wide)]
        return max(width * height, sides[0] * sides[1])

    def _coded(self, item: _Item) -> int:
        configuration = dict(self._properties[number] for number in item.properties)
        if sum(self._properties[number][0] in (b"av1C", b"hvcC") for number in item.properties) != 1:
            raise UnusableImage(_DAMAGED)
        if item.kind == _AV1:
            return av1_pixels(configuration[b"av1C"][4:], self._content(item))
        box = configuration[b"hvcC"]
        return hevc_pixels(_parameter_sets(box), self._content(item), (box[21] & 3) + 1)

    def _content(self, item: _Item) -> memoryview:
        if not item.extents or max(end for _, end in item.extents) > len(self._data):
            raise UnusableImage(_DAMAGED)
        if len(item.extents) == 1:
            start, end = item.extents[0]
            return self._data[start:end]
        return memoryview(b"".join(self._data[start:end] for start, end in item.extents))

    def _size(self, item: _Item) -> tuple[int, int]:
        for number in item.properties:
            kind, content = self._properties[number]
            if kind == b"ispe":
                width, height = struct.unpack_from(">II", content, 4)
                return width, height
        raise UnusableImage(_DAMAGED)

    def _primaries(self, item: _Item) -> int:
        for number in item.properties:
            kind, content = self._properties[number]
            if kind == b"colr" and bytes(content[:4]) == b"nclx":
                return int.from_bytes(content[4:6])
        return 0


def _boxes(data: memoryview, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kinds, and where their contents begin and end."""
    at = start
    for _ in range(2 * MAX_ITEMS):
        if at + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        stop = at + length if length else end
        if stop < begin or stop > end:
            if kind == b"mdat":  # the file is cut short; whose data are missing says `_content`
                return
            raise UnusableImage(_DAMAGED)
        yield kind, begin, stop
        at = stop
    raise CostlyImage


def _single(data: memoryview, start: int, end: int, *kinds: bytes) -> dict[bytes, tuple[int, int]]:
    """Where the contents of boxes are. Of these kinds there may be one each: a decoder might read the other one."""
    found: dict[bytes, tuple[int, int]] = {}
    for kind, begin, stop in _boxes(data, start, end):
        if kind in kinds and kind in found:
            raise UnusableImage(_DAMAGED)
        found[kind] = begin, stop
    return found


def _parameter_sets(box: memoryview) -> list[memoryview]:
    """The NAL units of an HEVC configuration (ISO/IEC 14496-15, 8.3.2)."""
    units: list[memoryview] = []
    at = 23
    for _ in range(box[22]):
        (count,) = struct.unpack_from(">H", box, at + 1)
        at += 3
        for _ in range(min(count, 64)):
            (length,) = struct.unpack_from(">H", box, at)
            if length > 2:
                units.append(box[at + 2 : at + 2 + length])
            at += 2 + length
    return units


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
