"""Each test of a client runs twice: by the synchronous client and by the asynchronous one."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest

from facesearch_client import AsyncFaceSearchClient, FaceSearchClient
from tests.unit.client.fakes import API, KEY, AsyncAtOnce, FakeApi, Handler, Waits

ClientOf = Callable[..., FaceSearchClient]


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=["sync", "async"])
def client_of(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[ClientOf]:
    """Makes clients of a fake API, with `waits` in place of time and `changes` to the policy of retries."""
    made: list[FaceSearchClient] = []

    def make(
        api: Handler, waits: Waits | None = None, storage: Handler | None = None, **changes: Any
    ) -> FaceSearchClient:
        options: dict[str, Any] = {
            "transport": httpx.MockTransport(api),
            "storage_transport": None if storage is None else httpx.MockTransport(storage),
            "retry": (waits or Waits()).policy(**changes),
        }
        if request.param == "sync":
            made.append(FaceSearchClient(API, KEY, 903, **options))
        else:
            other = AsyncFaceSearchClient(API, KEY, 903, **options)
            made.append(cast("FaceSearchClient", AsyncAtOnce(other, runner)))
        return made[-1]

    yield make
    for client in made:
        client.close()
