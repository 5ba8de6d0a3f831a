"""Colour profiles of pictures that only name their colours instead of bringing a profile along."""

import struct
from typing import NamedTuple


class _Space(NamedTuple):
    """Red, green and blue as XYZ under D50, the light of ICC profiles, and the curve of each."""

    primaries: tuple[tuple[float, float, float], ...]
    curve: bytes


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


_WHITE = (0.9642, 1.0, 0.8249)
_GAMMA = b"para" + bytes(4) + struct.pack(">HH", 0, 0) + _fixed(2.19921875)
_SRGB_CURVE = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

# Adobe RGB (1998), annex B, and SMPTE RP 431-2's primaries with D65 adapted to D50 by Bradford's matrix.
_ADOBE = _Space(((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)), _GAMMA)
_P3 = _Space(((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)), _SRGB_CURVE)


def _profile(space: _Space) -> bytes:
    """An ICC profile of version 4: a matrix and three curves."""
    tags = {b"wtpt": b"XYZ " + bytes(4) + _fixed(*_WHITE)}
    for letter, primary in zip((b"r", b"g", b"b"), space.primaries, strict=True):
        tags[letter + b"XYZ"] = b"XYZ " + bytes(4) + _fixed(*primary)
        tags[letter + b"TRC"] = space.curve
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    head = struct.pack(">I4xI12s", at + len(body), 0x04300000, b"mntrRGB XYZ ") + bytes(12) + b"acsp" + bytes(28)
    return (head + _fixed(*_WHITE)).ljust(128, b"\0") + table + body


ADOBE_RGB = _profile(_ADOBE)
"""What cameras mean that write the colour space "uncalibrated" and the interoperability index R03."""
DISPLAY_P3 = _profile(_P3)
"""What phones mean by the colour primaries 12 of an HEIC or AVIF."""
