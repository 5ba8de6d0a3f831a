"""HEIF files (HEIC, AVIF) by their boxes: which picture is the file's own, and what decoding it would take.

What ISO/IEC 23008-12 calls an item is a coded picture, or one that is derived of others: a grid of tiles (phones), an
overlay, the same once more. Decoders follow such references as often as a file says.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from facesearch.errors import CostlyImage, UnusableImage
from facesearch.photos.decoding import DAMAGED, UNREADABLE
from facesearch.photos.decoding.bits import Bits, av1_pixels, hevc_pixels

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
_NOTHING = memoryview(b"")


@dataclass(frozen=True)
class HeifFile:
    """What is known of the file's own picture.

    Attributes:
        width, height: pixels as stored; `pixels` are those of everything that is decoded for it.
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
    return _Items(memoryview(data)).primary()


@dataclass
class _Item:
    kind: bytes
    properties: list[int] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    extents: list[memoryview] = field(default_factory=list)
    is_whole: bool = True
    """All its extents lie within the file."""
    pixels: int | None = None

    @property
    def is_picture(self) -> bool:
        return self.kind in _DERIVED or self.kind in _HEVC or self.kind == _AV1

    def content(self) -> memoryview:
        if not self.extents or not self.is_whole:
            raise UnusableImage(DAMAGED)
        return self.extents[0] if len(self.extents) == 1 else memoryview(b"".join(self.extents))


class _Items:
    """The file's items and how they hang together."""

    def __init__(self, data: memoryview) -> None:
        self._items: dict[int, _Item] = {}
        self._auxiliaries: list[int] = []
        self._described_by: list[int] = []
        self._properties: list[tuple[bytes, memoryview]] = [(b"", _NOTHING)]  # they are numbered from 1
        self._links = 0
        meta = _single(data, b"meta").get(b"meta")
        if meta is None:
            raise UnusableImage(UNREADABLE)
        boxes = _single(meta[4:], b"iinf", b"iprp", b"iloc", b"idat", b"iref", b"pitm")
        self._read_items(boxes[b"iinf"])
        self._read_properties(boxes[b"iprp"])
        self._read_places(boxes[b"iloc"], data, boxes.get(b"idat", _NOTHING))
        if b"iref" in boxes:
            self._read_references(boxes[b"iref"])
        pitm = Bits(boxes[b"pitm"])
        self._primary = pitm.take(32 if pitm.take(32) >> 24 else 16)
        self._check_metadata()

    def primary(self) -> HeifFile:
        item = self._items[self._primary]
        shown_with = [each for each in self._auxiliaries if each in self._items and self._items[each].is_picture]
        pixels = sum(self._cost(number, MAX_DEPTH) for number in (self._primary, *shown_with))
        width, height = self._size(item)
        first = item
        while first.kind in _DERIVED:
            first = self._items[first.inputs[0]]
        is_turned = next(self._values(item, b"irot", b"imir"), None) is not None
        primaries = self._primaries(item) or self._primaries(first)
        return HeifFile(width, height, pixels, first.kind == _AV1, is_turned, primaries)

    def _link(self, count: int) -> None:
        self._links += count
        if self._links > MAX_LINKS:
            raise CostlyImage

    def _read_items(self, box: memoryview) -> None:
        for kind, content in _boxes(box[8 if box[0] else 6 :]):
            if kind == b"infe" and content[0] >= 2:
                info = Bits(content[4:])
                number, _, name = info.take(32 if content[0] > 2 else 16), info.take(16), bytes(info.cut(4))
                _check_text(name + b"\0" + (bytes(info.cut(info.bytes_left)) if name == b"mime" else b""))
                if number in self._items:
                    raise UnusableImage(DAMAGED)
                self._items[number] = _Item(name)
        if len(self._items) > MAX_ITEMS:
            raise CostlyImage

    def _read_properties(self, box: memoryview) -> None:
        for kind, content in _boxes(box):
            if kind == b"ipco":
                self._properties += _boxes(content)
            elif kind == b"ipma":
                self._read_associations(Bits(content))

    def _read_associations(self, box: Bits) -> None:
        version, flags, count = box.take(8), box.take(24), box.take(32)
        for _ in range(count):
            item, number = self._items.get(box.take(32 if version else 16)), box.take(8)
            self._link(number + 1)
            bits = 15 if flags & 1 else 7  # behind the one that says whether it is essential
            numbers = [box.take(1 + bits) & ((1 << bits) - 1) for _ in range(number)]
            if item is not None:
                item.properties += numbers

    def _read_places(self, content: memoryview, data: memoryview, idat: memoryview) -> None:
        box = Bits(content)
        version, _ = box.take(8), box.take(24)
        offset_bits, length_bits, base_bits, index_bits = (8 * box.take(4) for _ in range(4))
        wide = 16 if version < 2 else 32
        for _ in range(box.take(wide)):
            item = self._items.get(box.take(wide))
            source = (data, idat, None)[min(box.take(16) & 15, 2)] if version else data
            _, base, extents = box.take(16), box.take(base_bits), box.take(16)
            self._link(extents + 1)
            for _ in range(extents):
                box.take(index_bits if version else 0)
                begin, length = base + box.take(offset_bits), box.take(length_bits)
                if item is not None and source is not None:
                    item.extents.append(source[begin : begin + length] if length else source[begin:])
                    item.is_whole &= begin + length <= len(source)
        if sum(len(extent) for item in self._items.values() for extent in item.extents) > 2 * len(data):
            raise CostlyImage

    def _read_references(self, box: memoryview) -> None:
        wide = 32 if box[0] else 16
        for kind, content in _boxes(box[4:]):
            bits = Bits(content)
            source, count = bits.take(wide), bits.take(16)
            self._link(count + 1)
            targets = [bits.take(wide) for _ in range(count)]
            if kind == b"dimg" and source in self._items:
                self._items[source].inputs += targets
            elif kind == b"auxl":
                self._auxiliaries.append(source)
            elif kind == b"cdsc":
                self._described_by += [source] * count

    def _check_metadata(self) -> None:
        """Decoders copy the metadata and the profile of each picture that is no part of another one."""
        parts = {part for item in self._items.values() for part in item.inputs}
        sources = [self._items[source] for source in self._described_by if source in self._items]
        held = sum(len(extent) for item in sources for extent in item.extents)
        for number, item in self._items.items():
            if number not in parts and item.is_picture:
                held += sum(len(self._properties[each][1]) for each in item.properties if each < len(self._properties))
        if held > MAX_METADATA:
            raise CostlyImage

    def _cost(self, number: int, depth: int) -> int:
        """Pixels that are decoded for an item; each item is looked at once, but counted wherever it is used."""
        if depth < 0:
            raise CostlyImage
        item = self._items[number]
        if item.pixels is None:
            if not item.is_picture:
                raise UnusableImage(UNREADABLE)
            width, height = self._size(item)
            own = max(width * height, self._canvas(item) if item.kind in _DERIVED else self._coded(item))
            item.pixels = own + sum(self._cost(part, depth - 1) for part in item.inputs if item.kind in _DERIVED)
        return item.pixels

    def _canvas(self, item: _Item) -> int:
        """Pixels that a derived picture says it has in its data, if it has any."""
        at = _DERIVED[item.kind]
        if at < 0:
            return 0
        content = item.content()
        side, bits = 32 if content[1] & 1 else 16, Bits(content[at:])
        return bits.take(side) * bits.take(side)

    def _coded(self, item: _Item) -> int:
        name, pixels_of = (b"av1C", av1_pixels) if item.kind == _AV1 else (b"hvcC", hevc_pixels)
        own, every = [*self._values(item, name)], [*self._values(item, b"av1C", b"hvcC")]
        if not len(own) == len(every) == 1:
            raise UnusableImage(DAMAGED)
        return pixels_of(own[0], item.content())

    def _size(self, item: _Item) -> tuple[int, int]:
        box = next(self._values(item, b"ispe"), None)
        if box is None:
            raise UnusableImage(DAMAGED)
        width, height = struct.unpack_from(">II", box, 4)
        return width, height

    def _primaries(self, item: _Item) -> int:
        colours = (int.from_bytes(box[4:6]) for box in self._values(item, b"colr") if bytes(box[:4]) == b"nclx")
        return next(colours, 0)

    def _values(self, item: _Item, *kinds: bytes) -> Iterator[memoryview]:
        """The contents of its properties of these kinds."""
        for number in item.properties:
            kind, content = self._properties[number]
            if kind in kinds:
                yield content


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kinds and contents."""
    at = 0
    for _ in range(2 * MAX_ITEMS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        stop = at + length if length else len(data)
        if not begin <= stop <= len(data):
            if kind == b"mdat":  # the file is cut short; whose data are missing says `_Item.content`
                return
            raise UnusableImage(DAMAGED)
        yield kind, data[begin:stop]
        at = stop
    raise CostlyImage


def _single(data: memoryview, *kinds: bytes) -> dict[bytes, memoryview]:
    """The contents of boxes. Of these kinds there may be one each: a decoder might read the other one."""
    found: dict[bytes, memoryview] = {}
    for kind, content in _boxes(data):
        if kind in kinds and kind in found:
            raise UnusableImage(DAMAGED)
        found[kind] = content
    return found


def _check_text(data: bytes) -> None:
    """Metadata whose type is no text: the decoder ends the process over them."""
    try:
        data.decode()
    except UnicodeDecodeError:
        raise UnusableImage(DAMAGED) from None
