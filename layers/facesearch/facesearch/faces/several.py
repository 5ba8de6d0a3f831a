"""Several selfies of one person in one search: how many, and which of them a refusal is about."""

from collections.abc import Iterator
from contextlib import contextmanager

from facesearch.errors import EngineBusy, FaceSearchError, Throttled

MAX_SELFIES = 3
"""Two already find what one misses because of its light or pose (ADR 15); each costs another embedding."""


@contextmanager
def naming(number: int, of: int) -> Iterator[None]:
    """Let whatever is wrong with a selfie say which of so many it is, counted from 1; nothing where there is only one.
    A busy service is no selfie's fault.
    """
    try:
        yield
    except FaceSearchError as error:
        if of > 1 and not isinstance(error, EngineBusy | Throttled):
            error.message = f"Selfie {number}: {error.message}"
            error.args = (error.message,)
        raise
