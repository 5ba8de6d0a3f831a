"""Numbers that benchmarks take from the command line."""

import argparse
from collections.abc import Callable
from typing import TypeVar

NumberT = TypeVar("NumberT", int, float)


def between(least: NumberT, most: NumberT) -> Callable[[str], NumberT]:
    """For argparse's `type`: a number of their type, neither below nor above them, and not NaN."""

    def parse(text: str) -> NumberT:
        try:
            value = type(least)(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"from {least:,} to {most:,}, not {text!r}")
        return value

    return parse
