"""What makes a search happen once."""

from collections.abc import Callable
from typing import Protocol

from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.models import SearchKey, SearchSummary


class AlreadyRunningError(Exception):
    """Another invocation holds the claim on this search."""


class Idempotency(Protocol):
    """Makes a search happen once; see `idempotency.OnceOnly`."""

    def run(self, search: SearchKey, context: LambdaContext, work: Callable[[], SearchSummary]) -> SearchSummary:
        """Run `work` unless this search is done; either way its summary.

        Raises:
            AlreadyRunningError: another invocation is at it.
        """

    def forget(self, search: SearchKey) -> None:
        """Forget that a search is done, so that it can be done again. One that is running keeps its claim."""
