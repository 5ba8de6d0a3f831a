from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.faces.matchers.worlds import ONE_ATTEMPT, World


@pytest.fixture(params=["embedded", "rekognition"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each engine's in turn."""
    with ThreadPoolExecutor(2) as pool:
        yield World(request.param, pool)


@pytest.fixture
def service_world() -> Iterator[World]:
    """Rekognition's, with a client that tries once."""
    with ThreadPoolExecutor(2) as pool:
        yield World("rekognition", pool, config=ONE_ATTEMPT)
