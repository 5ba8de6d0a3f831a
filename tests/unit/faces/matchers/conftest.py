from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.faces.matchers.bench import ONE_ATTEMPT, MatcherBench


@pytest.fixture(params=["embedded", "rekognition"])
def world(request: pytest.FixtureRequest) -> Iterator[MatcherBench]:
    """Each engine's in turn."""
    with ThreadPoolExecutor(2) as pool:
        yield MatcherBench(request.param, pool)


@pytest.fixture
def service_world() -> Iterator[MatcherBench]:
    """Rekognition's, with a client that tries once."""
    with ThreadPoolExecutor(2) as pool:
        yield MatcherBench("rekognition", pool, config=ONE_ATTEMPT)
