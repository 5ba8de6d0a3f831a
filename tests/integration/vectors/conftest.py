"""MiniStack alone, without the local stack's functions."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from facesearch_local import stores
from tests.integration.vectors.world import Ground

THREADS = 8


@pytest.fixture(scope="module")
def ministack(no_account: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("vectors")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    place = stores.Place(None, folder, folder / "log")
    store = asyncio.run_coroutine_threadsafe(stores.start("ministack", place), loop).result()
    try:
        yield Ground(store.endpoint_url)
    finally:
        asyncio.run_coroutine_threadsafe(store.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool
