"""The headers of HEVC and AV1 pictures, bit by bit: how large their pictures are and how many there are."""

from collections.abc import Iterator

from facesearch.errors import CostlyImage, UnusableImage
from facesearch.photos.decoding import DAMAGED

MAX_UNITS = 2**14
"""NAL units or OBUs of a file. A picture of 64 MP in tiles has a few hundred."""
MAX_LAYERS = 4
"""Frames of one AV1 picture that comes in layers; the format knows no more."""

_HEVC_SPS = 33
_HEVC_SLICES = range(32)
_AV1_SEQUENCE, _AV1_FRAME_HEADER, _AV1_FRAME = 1, 3, 6


class Bits:
    """Reads bits, the most significant first; beyond the end there is no picture."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    @property
    def bytes_left(self) -> int:
        """Whole ones."""
        return len(self._data) - -(-self._at // 8)

    def take(self, count: int) -> int:
        """The number that the next bits are."""
        begin, self._at = self._at, self._at + count
        if self._at > 8 * len(self._data):
            raise UnusableImage(DAMAGED)
        end = -(-self._at // 8)
        return int.from_bytes(self._data[begin // 8 : end]) >> (8 * end - self._at) & ((1 << count) - 1)

    def cut(self, size: int) -> memoryview:
        """The next bytes, or as many as there are."""
        begin = self._at // 8
        self._at = 8 * min(begin + size, len(self._data))
        return self._data[begin : begin + size]

    def golomb(self) -> int:
        """Exponential-Golomb code, HEVC's ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise UnusableImage(DAMAGED)
        return (1 << zeros) - 1 + self.take(zeros)

    def leb128(self) -> int:
        """AV1's numbers of several bytes, the least significant first."""
        number = 0
        for shift in range(0, 56, 7):
            byte = self.take(8)
            number |= (byte & 127) << shift
            if byte < 128:
                break
        return number


def hevc_pixels(configuration: memoryview, item: memoryview) -> int:
    """Pixels that decoding an HEVC item takes.

    Raises:
        UnusableImage: no picture, or one without a size; CostlyImage: several ones.
    """
    pixels = pictures = 0
    for unit in (*_parameter_sets(configuration), *_nal_units(item, (configuration[21] & 3) + 1)):
        kind, layer = (unit[0] >> 1) & 63, (unit[0] & 1) << 5 | unit[1] >> 3
        if kind == _HEVC_SPS:
            pixels = max(pixels, _sps_pixels(bytes(unit[2:514])))
        elif kind in _HEVC_SLICES and layer == 0 and unit[2] & 0x80:  # the first slice of a picture
            pictures += 1
    if not pixels or not pictures:
        raise UnusableImage(DAMAGED)
    if pictures > 1:
        raise CostlyImage
    return pixels


def _parameter_sets(configuration: memoryview) -> Iterator[memoryview]:
    """The NAL units of an HEVC configuration (ISO/IEC 14496-15, 8.3.2)."""
    bits = Bits(configuration[22:])
    for _ in range(bits.take(8)):
        bits.take(8)
        for _ in range(min(bits.take(16), 64)):
            unit = bits.cut(bits.take(16))
            if len(unit) > 2:
                yield unit


def _nal_units(item: memoryview, length_size: int) -> Iterator[memoryview]:
    """The NAL units of a picture, each behind its length."""
    bits = Bits(item)
    for _ in range(MAX_UNITS + 1):
        if bits.bytes_left < length_size:
            return
        unit = bits.cut(bits.take(8 * length_size))
        if len(unit) > 2:
            yield unit
    raise CostlyImage


def _sps_pixels(unit: bytes) -> int:
    """Of a sequence parameter set (H.265, 7.3.2.2) without its NAL header."""
    bits = Bits(unit.replace(b"\0\0\3", b"\0\0"))
    layers = bits.take(4 + 3) & 7
    bits.take(1 + 96)
    for flags in [bits.take(2) for _ in range(8 if layers else 0)][:layers]:
        bits.take(88 * (flags >> 1) + 8 * (flags & 1))
    bits.golomb()
    if bits.golomb() == 3:
        bits.take(1)
    return bits.golomb() * bits.golomb()


def av1_pixels(configuration: memoryview, item: memoryview) -> int:
    """Pixels that decoding an AV1 item takes, all its frames together.

    Raises:
        UnusableImage: no picture, or one without a size; CostlyImage: more frames than layers.
    """
    pixels = frames = 0
    for kind, content in (*_obus(configuration[4:]), *_obus(item)):
        if kind == _AV1_SEQUENCE:
            pixels = max(pixels, _sequence_pixels(content))
        frames += kind in (_AV1_FRAME, _AV1_FRAME_HEADER)
    if not pixels or not frames:
        raise UnusableImage(DAMAGED)
    if frames > MAX_LAYERS:
        raise CostlyImage
    return pixels * frames


def _obus(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Kinds and contents."""
    bits = Bits(data)
    for _ in range(MAX_UNITS + 1):
        if not bits.bytes_left:
            return
        head = bits.take(8)
        bits.take(8 if head & 4 else 0)
        yield head >> 3 & 15, bits.cut(bits.leb128() if head & 2 else bits.bytes_left)
    raise CostlyImage


def _sequence_pixels(content: memoryview) -> int:
    """Of a sequence header (AV1, 5.5.1). Its frames may be as large as its fields can say, but a reduced one's not."""
    bits = Bits(content)
    reduced = bits.take(4 + 1) & 1
    if reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(across) + 1, bits.take(down) + 1
    return width * height if reduced else 1 << (across + down)


def _skip_operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        if bits.take(1):  # a decoder model
            delay_bits = 2 * (bits.take(5) + 1) + 1
            bits.take(32 + 5 + 5)
    delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(delay_bits)
        if delays and bits.take(1):
            bits.take(4)
