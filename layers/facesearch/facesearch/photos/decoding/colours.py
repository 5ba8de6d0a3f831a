"""Colour profiles of pictures that only name their colours instead of bringing a profile along."""

import struct


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _profile(curve: bytes, *primaries: tuple[float, float, float]) -> bytes:
    """An ICC profile of version 4: red, green and blue as XYZ under D50, and the curve of each."""
    white = _fixed(0.9642, 1.0, 0.8249)
    tags = {b"wtpt": b"XYZ " + bytes(4) + white}
    for letter, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[letter + b"XYZ"] = b"XYZ " + bytes(4) + _fixed(*primary)
        tags[letter + b"TRC"] = curve
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    head = struct.pack(">I4xI12s", at + len(body), 0x04300000, b"mntrRGB XYZ ") + bytes(12) + b"acsp" + bytes(28)
    return (head + white).ljust(128, b"\0") + table + body


_GAMMA = b"para" + bytes(4) + struct.pack(">HH", 0, 0) + _fixed(2.19921875)
_SRGB_CURVE = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

# Adobe RGB (1998), annex B, and SMPTE RP 431-2's primaries with D65 adapted to D50 by Bradford's matrix.
ADOBE_RGB = _profile(_GAMMA, (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""What cameras mean that write the colour space "uncalibrated" and the interoperability index R03."""
DISPLAY_P3 = _profile(
    _SRGB_CURVE, (0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)
)
"""What phones mean by the colour primaries 12 of an HEIC or AVIF."""
