"""Swagger UI, served by the gateway over a real connection: complete, and nothing in it leads anywhere else."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from facesearch_local.gateway import Api, Gateway
from facesearch_local.gateway_responses import GatewayResponses
from facesearch_local.server import Serving, listening
from facesearch_local.throttles import Throttles
from tools.openapi import document

pytestmark = pytest.mark.anyio


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    listener = listening("127.0.0.1", 0)
    api = Api(
        [],
        GatewayResponses({"MISSING_AUTHENTICATION_TOKEN": {"StatusCode": 404}}),
        Throttles([]),
        [],
        "live",
        "000000000000",
    )
    serving = Serving(Gateway(api, {}, None, lambda _: None), keep_alive=5, grace=1)
    await serving.start([listener])
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
        yield client
    await serving.stop()


async def test_when_the_page_is_opened_then_everything_that_it_loads_is_there(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(loaded) == 3
    kinds = set()
    for path in loaded:
        response = await http.get(path)
        assert response.status_code == 200
        assert response.content
        kinds.add(response.headers["content-type"].split(";")[0])
    assert kinds == {"text/javascript", "text/css"}
    start = (await http.get("/docs/start.js")).text
    assert "persistAuthorization: true" in start
    assert 'url: "/openapi.json"' in start


async def test_when_the_page_is_opened_then_the_browser_may_talk_to_this_stack_alone(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "://" not in page.text + (await http.get("/docs/start.js")).text


async def test_then_it_is_the_code_s_and_calls_go_where_it_came_from(http: httpx.AsyncClient) -> None:
    response = await http.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.text) == document()
    assert response.json()["servers"][0]["url"] == "/"
