from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.webhooks.bench import WebhookBench


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def site(pool: ThreadPoolExecutor) -> WebhookBench:
    return WebhookBench(pool)
