"""Which of the texts that are read in an event's photos count as bibs."""

import re
from collections.abc import Mapping

from facesearch.models import BibRules, Event, PhotoMatch
from facesearch.reading import BibPhotos

BIB_PATTERN = "^[0-9A-Za-z]{1,16}$"
"""What may be asked for."""

_USUAL = "[A-Z]{0,2}[0-9]{1,6}[A-Z]?"
"""Of an event that says nothing of its bibs: a number with a letter or two for the wave or the sex, `F1024`, `123B`. It
leaves out most of what else is written on people and around them."""


def counts(rules: BibRules, bib: str, *, is_listed: bool) -> bool:
    """Whether a bib in upper case is one of the event's; `is_listed`: it is on its start list."""
    if rules.listed:
        return is_listed
    return re.fullmatch(rules.pattern or _USUAL, bib, re.IGNORECASE) is not None


def photos_of(event: Event, bib: str, known: Mapping[str, BibPhotos]) -> tuple[PhotoMatch, ...]:
    """The photos that a bib in upper case finds, by capture time, then image_id; `known` is what was read of bibs."""
    found = known.get(bib, BibPhotos())
    return found.photos if counts(event.bibs, bib, is_listed=found.is_listed) else ()
