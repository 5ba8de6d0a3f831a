"""Swagger UI, served by the gateway over a real connection: complete, and nothing in it leads anywhere else."""

from __future__ import annotations

import json
import re

import pytest

from facesearch_local.gateway_responses import GatewayResponses
from tests.unit.local.test_gateway import gateway
from tools.openapi import document

pytestmark = pytest.mark.anyio


async def test_the_page_and_all_that_it_loads_are_there_and_talk_to_this_stack_alone() -> None:
    async with gateway(GatewayResponses({})) as site:
        page = await site.http.get("/docs")
        loaded = [await site.http.get(path) for path in re.findall(r'(?:src|href)="(/[^"]+)"', page.text)]
        start = (await site.http.get("/docs/start.js")).text
    assert page.headers["content-type"].startswith("text/html")
    assert [response.status_code for response in loaded] == [200] * 3
    assert all(response.content for response in loaded)
    kinds = {response.headers["content-type"].split(";")[0] for response in loaded}
    assert kinds == {"text/javascript", "text/css"}
    assert "persistAuthorization: true" in start
    assert 'url: "/openapi.json"' in start
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "://" not in page.text + start


async def test_the_document_is_the_codes_and_calls_go_where_it_came_from() -> None:
    async with gateway(GatewayResponses({})) as site:
        response = await site.http.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.text) == document()
    assert response.json()["servers"][0]["url"] == "/"
