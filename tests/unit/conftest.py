"""What unit tests stand on: clients that raise our errors, as those of the functions do."""

from collections.abc import Iterator

import botocore.handlers
import pytest

from facesearch.adapters import aws


@pytest.fixture(scope="session", autouse=True)
def our_errors() -> Iterator[None]:
    """Clients that a test makes for an adapter raise what the functions' own clients raise."""
    handlers = [("after-call", aws._refused), ("after-call-error", aws._unreachable)]
    botocore.handlers.BUILTIN_HANDLERS += handlers
    yield
    for handler in handlers:
        botocore.handlers.BUILTIN_HANDLERS.remove(handler)
