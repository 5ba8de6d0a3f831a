from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from facesearch.models import FaceSetKind
from tests.unit.matchers.worlds import ONE_ATTEMPT, World


@pytest.fixture(params=FaceSetKind)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Of each kind of face set in turn."""
    with ThreadPoolExecutor(2) as pool:
        yield World(request.param, pool)


@pytest.fixture
def service_world() -> Iterator[World]:
    """Rekognition's, with a client that tries once."""
    with ThreadPoolExecutor(2) as pool:
        yield World(FaceSetKind.REKOGNITION, pool, config=ONE_ATTEMPT)
