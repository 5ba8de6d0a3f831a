from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.unit.webhooks.bench import WebhookBench


@pytest.fixture
def site(pool: ThreadPoolExecutor) -> WebhookBench:
    return WebhookBench(pool)
