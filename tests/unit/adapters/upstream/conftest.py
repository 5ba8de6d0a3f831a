from collections.abc import Iterator

import httpx
import pytest

from facesearch.adapters.upstream.api import new_http
from tests.unit.adapters.upstream.bench import FakeApi, Front, front_of


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """One for all tests: reading the certificates takes a tenth of a second."""
    with new_http() as http:
        yield http


@pytest.fixture
def front(http: httpx.Client) -> Iterator[Front]:
    """The engine in front of an API that knows twelve photos."""
    with front_of(FakeApi(), http) as front:
        yield front
