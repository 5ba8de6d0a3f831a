"""What a line of text must be to be a bib. Pure functions."""

import re

_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_BETWEEN = re.compile(r"[ -]")
_BIB = re.compile(r"[A-Za-z]{0,4}[0-9]{1,8}[A-Za-z]?")
"""A number, after some letters (a wave, a distance, a country) or before one (a relay's runner). Words, times, dates,
prices, web addresses and most licence plates look otherwise."""


def bib_of(text: str) -> str | None:
    """The bib that a line of text is, in its one spelling; None if it cannot be one."""
    inner = _BETWEEN.sub("", _AROUND.sub("", text))
    return inner.upper() if _BIB.fullmatch(inner) else None
