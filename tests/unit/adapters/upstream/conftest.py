from collections.abc import Iterator

import httpx
import pytest

from facesearch.adapters.upstream import new_http


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """One for all tests: reading the certificates takes a tenth of a second."""
    with new_http() as http:
        yield http
