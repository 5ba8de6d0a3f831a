"""What may be chosen for an event's bibs and its timeline."""

import re
from collections.abc import Collection
from importlib.resources import files

from facesearch.admin.models import Features
from facesearch.bibs.rules import BIB_PATTERN
from facesearch.errors import InvalidRequest
from facesearch.models import BibRules

MAX_STARTERS = 100_000
"""Bibs on a start list. The largest race of all has 55,000; of so many a request reads 13 KB."""
MAX_PATTERN = 100
"""Characters."""
MAX_REPEATS = 6
"""In a pattern, and none of a group: over 16 letters `(A?){50}B` takes longer than anybody waits, six repeats some
milliseconds."""


def check_features(given: Features) -> None:
    """Refuse what cannot be chosen.

    Raises:
        InvalidRequest: no such time zone, or the pattern is no regular expression, or may take long.
    """
    if "time_zone" in given:
        _check_zone(given["time_zone"])
    if "bibs" in given:
        _check_pattern(given["bibs"])


def checked_bibs(bibs: Collection[str]) -> frozenset[str]:
    """The bibs of a start list as they are stored: in upper case, without blanks around them.

    Raises:
        InvalidRequest: one is no bib, or they are too many.
    """
    some = frozenset(bib.strip() for bib in bibs)
    if any(not re.fullmatch(BIB_PATTERN, bib) for bib in some):
        raise InvalidRequest("A bib has 1 to 16 letters and digits.")
    if len(some) > MAX_STARTERS:
        raise InvalidRequest(f"A start list may have {MAX_STARTERS:,} bibs at most.")
    return frozenset(map(str.upper, some))


def _check_zone(name: str) -> None:
    """By the package's own list: this machine may know names that the functions do not, such as `localtime`."""
    if name not in files("tzdata").joinpath("zones").read_text("utf-8").split():
        raise InvalidRequest("The time zone must be an IANA name such as UTC or Europe/Berlin.")


def _check_pattern(rules: BibRules) -> None:
    try:
        is_fit = len(rules.pattern) <= MAX_PATTERN and bool(re.compile(rules.pattern)) and _is_quick(rules.pattern)
        is_fit = is_fit and rules.pattern.count("{") == rules.pattern.count("}")  # else a brace is a letter
    except (re.error, OverflowError, RecursionError):
        is_fit = False
    if not is_fit:
        raise InvalidRequest(
            f"The bib pattern must be a regular expression of at most {MAX_PATTERN} characters, with at most "
            f"{MAX_REPEATS} of *, +, ? and {{}}, none but ? behind a group."
        )


def _is_quick(pattern: str) -> bool:
    """Whether its repeats are few, and do not multiply. Escapes, classes and the heads of groups are no repeats."""
    bare = re.sub(r"(?<=\()\?|\s", "", re.sub(r"\\.|\[\^?\]?[^]]*\]", "x", pattern))
    return len(re.findall(r"[*+?{]", bare)) <= MAX_REPEATS and not re.search(r"\)[*+{]|\(\||\|\||\|\)", bare)
