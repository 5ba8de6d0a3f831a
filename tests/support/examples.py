"""How many examples a test tries: all of them in `make test-all`, a part in `make test`."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

CaseT = TypeVar("CaseT")


def is_short() -> bool:
    return settings.get_current_profile_name() != "all"


def examples(most: int) -> int:
    """A quarter, of generated ones."""
    return max(most // 4, 3) if is_short() else most


def examples_of(cases: Sequence[CaseT]) -> Sequence[CaseT]:
    """Every seventh, of enumerated ones."""
    return cases[::7] if is_short() else cases
