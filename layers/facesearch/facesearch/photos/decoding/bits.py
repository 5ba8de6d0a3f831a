"""The headers of HEVC and AV1 pictures, bit by bit: how large their pictures are and how many there are."""

from collections.abc import Iterator

from facesearch.errors import CostlyImage, UnusableImage

MAX_UNITS = 2**14
"""NAL units or OBUs of a file. A picture of 64 MP in tiles has a few hundred."""
MAX_LAYERS = 4
"""Frames of one AV1 picture that comes in layers; the format knows no more."""

_HEVC_SPS = 33
_HEVC_SLICES = range(32)
_AV1_SEQUENCE, _AV1_FRAME_HEADER, _AV1_FRAME = 1, 3, 6

_DAMAGED = "The picture is damaged or cut short."


class _Bits:
    """Reads bits, the most significant first; beyond the end there is no picture."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise UnusableImage(_DAMAGED)
        return (self._number >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        """Exponential-Golomb code, HEVC's ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise UnusableImage(_DAMAGED)
        return (1 << zeros) - 1 + self.take(zeros)


def hevc_pixels(sets: list[memoryview], item: memoryview, length_size: int) -> int:
    """Pixels that decoding an HEVC item takes.

    Args:
        sets: the NAL units of its configuration.
        item: the NAL units of its picture, each behind its length.
        length_size: bytes of such a length.

    Raises:
        UnusableImage: no picture, or one without a size.
        CostlyImage: several ones.
    """
    pixels = pictures = 0
    for unit in (*sets, *_nal_units(item, length_size)):
        kind, layer = (unit[0] >> 1) & 63, (unit[0] & 1) << 5 | unit[1] >> 3
        if kind == _HEVC_SPS:
            pixels = max(pixels, _sps_pixels(bytes(unit[2:514])))
        elif kind in _HEVC_SLICES and layer == 0 and unit[2] & 0x80:  # the first slice of a picture
            pictures += 1
    if not pixels or not pictures:
        raise UnusableImage(_DAMAGED)
    if pictures > 1:
        raise CostlyImage
    return pixels


def _nal_units(item: memoryview, length_size: int) -> Iterator[memoryview]:
    at = count = 0
    while at + length_size <= len(item):
        length = int.from_bytes(item[at : at + length_size])
        unit = item[at + length_size : at + length_size + length]
        at += length_size + length
        count += 1
        if count > MAX_UNITS:
            raise CostlyImage
        if len(unit) > 2:
            yield unit


def _sps_pixels(unit: bytes) -> int:
    """Of a sequence parameter set (H.265, 7.3.2.2) without its NAL header."""
    bits = _Bits(unit.replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 96)
    present = [bits.take(2) for _ in range(8 if layers else 0)][:layers]
    for flags in present:
        bits.take(88 * (flags >> 1) + 8 * (flags & 1))
    bits.golomb()
    if bits.golomb() == 3:
        bits.take(1)
    return bits.golomb() * bits.golomb()


def av1_pixels(configuration: memoryview, item: memoryview) -> int:
    """Pixels that decoding an AV1 item takes, all its frames together.

    Raises:
        UnusableImage: no picture, or one without a size.
        CostlyImage: more frames than layers.
    """
    pixels = frames = 0
    for kind, content in (*_obus(configuration), *_obus(item)):
        if kind == _AV1_SEQUENCE:
            pixels = max(pixels, _sequence_pixels(bytes(content[:256])))
        frames += kind in (_AV1_FRAME, _AV1_FRAME_HEADER)
    if not pixels or not frames:
        raise UnusableImage(_DAMAGED)
    if frames > MAX_LAYERS:
        raise CostlyImage
    return pixels * frames


def _obus(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    at = count = 0
    while at < len(data):
        head = data[at]
        at += 2 if head & 4 else 1
        size = len(data) - at
        if head & 2:
            size = shift = 0
            while True:
                byte = data[at]
                size |= (byte & 127) << shift
                at, shift = at + 1, shift + 7
                if byte < 128 or shift > 49:
                    break
        yield head >> 3 & 15, data[at : at + size]
        at += size
        count += 1
        if count > MAX_UNITS:
            raise CostlyImage


def _sequence_pixels(content: bytes) -> int:
    """Of a sequence header (AV1, 5.5.1). Its frames may be as large as its fields can say, but a reduced one's not."""
    bits = _Bits(content)
    bits.take(4)
    reduced = bits.take(1)
    if reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(across) + 1, bits.take(down) + 1
    return width * height if reduced else 1 << (across + down)


def _skip_operating_points(bits: _Bits) -> None:
    delay_length = 0
    decoder_model = False
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        decoder_model = bool(bits.take(1))
        if decoder_model:
            delay_length = bits.take(5) + 1
            bits.take(32 + 5 + 5)
    delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if decoder_model and bits.take(1):
            bits.take(2 * delay_length + 1)
        if delays and bits.take(1):
            bits.take(4)
