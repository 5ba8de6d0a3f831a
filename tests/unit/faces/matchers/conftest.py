from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from facesearch.models import FaceSetKind
from tests.unit.faces.matchers.bench import ONE_ATTEMPT, MatcherBench


@pytest.fixture(params=FaceSetKind)
def world(request: pytest.FixtureRequest) -> Iterator[MatcherBench]:
    """Of each kind of face set in turn."""
    with ThreadPoolExecutor(2) as pool:
        yield MatcherBench(request.param, pool)


@pytest.fixture
def service_world() -> Iterator[MatcherBench]:
    """Rekognition's, with a client that tries once."""
    with ThreadPoolExecutor(2) as pool:
        yield MatcherBench(FaceSetKind.REKOGNITION, pool, config=ONE_ATTEMPT)
