"""Several selfies of one person in one search: how many, and which of them a refusal is about."""

from collections.abc import Iterator
from contextlib import contextmanager

from facesearch.errors import EngineBusy, FaceSearchError

MAX_SELFIES = 3
"""Two already find what one misses because of its light or pose (ADR 15); each costs another embedding."""


def label(number: int, of: int) -> str:
    """What a message about one of so many selfies begins with: nothing where there is only one. Counted from 1."""
    return f"Selfie {number}: " if of > 1 else ""


@contextmanager
def naming(number: int, of: int) -> Iterator[None]:
    """Let whatever is wrong with a selfie say which of them it is. A busy service is no selfie's fault."""
    try:
        yield
    except FaceSearchError as error:
        if not isinstance(error, EngineBusy):
            error.message = f"{label(number, of)}{error.message}"
            error.args = (error.message,)
        raise
