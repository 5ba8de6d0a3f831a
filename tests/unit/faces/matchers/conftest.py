from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from facesearch.models import FaceSetKind
from tests.unit.faces.matchers.bench import MatcherBench


@pytest.fixture(params=FaceSetKind)
def world(request: pytest.FixtureRequest) -> Iterator[MatcherBench]:
    """Of each kind of face set in turn."""
    with ThreadPoolExecutor(2) as pool:
        yield MatcherBench(request.param, pool)
