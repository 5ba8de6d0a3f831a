"""The gateway over real connections, in front of functions in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch_local.__main__ import _greet
from facesearch_local.functions import Route
from facesearch_local.gateway import REQUEST_BYTES, Api, Gateway
from facesearch_local.gateway_responses import GatewayResponses
from facesearch_local.pool import FunctionCrashed, FunctionError, FunctionTimedOut
from facesearch_local.runtime_api import LAMBDA_PAYLOAD_BYTES
from facesearch_local.server import Serving, listening
from facesearch_local.stack import Options
from facesearch_local.state import State
from facesearch_local.template import Deployment, Template
from facesearch_local.throttles import Throttles
from tests.conftest import ROOT
from tests.support.codes import CODES
from tools.openapi import document

pytestmark = pytest.mark.anyio

PATH = "/event/7/faces"
KEYS = {"responseType", "message", "data"}
Behaviour = Callable[[dict[str, Any]], Awaitable[bytes]]


@pytest.fixture(scope="module")
def own() -> GatewayResponses:
    """As our own template has them."""
    template = Template.load(ROOT / "template.yaml", Deployment("stack", "000000000000", "us-east-1"))
    (api,) = template.of_type("AWS::Serverless::Api")
    return GatewayResponses(template.resolve(api.properties["GatewayResponses"], lambda logical_id, _: logical_id))


@dataclass
class Function:
    """A function in memory; remembers its events."""

    behaviour: Behaviour
    events: list[dict[str, Any]] = field(default_factory=list)

    async def invoke(self, payload: bytes) -> bytes:
        self.events.append(json.loads(payload))
        return await self.behaviour(self.events[-1])


@dataclass
class Served:
    http: httpx.AsyncClient
    function: Function
    log: list[str]
    address: tuple[str, int]


async def say_hello(event: dict[str, Any]) -> bytes:
    return json.dumps({"statusCode": 200, "body": f"hello {event['pathParameters']['event_id']}"}).encode()


def failing(error: Exception) -> Behaviour:
    async def fail(event: dict[str, Any]) -> bytes:
        raise error

    return fail


@contextlib.asynccontextmanager
async def gateway(
    own: GatewayResponses, behaviour: Behaviour = say_hello, seconds: float = 5, throttles: Throttles | None = None
) -> AsyncIterator[Served]:
    function, log = Function(behaviour), list[str]()
    route = Route("POST", "/event/{event_id}/faces", "search")
    api = Api([route], own, throttles or Throttles([]), ["multipart~1form-data"], "live", "000000000000")
    listener = listening("127.0.0.1", 0)
    address: tuple[str, int] = listener.getsockname()
    serving = Serving(Gateway(api, {"search": function}, None, log.append, seconds), keep_alive=5, grace=1)
    await serving.start([listener])
    try:
        base_url = f"http://127.0.0.1:{address[1]}"
        async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=20) as http:
            yield Served(http, function, log, address)
    finally:
        await serving.stop()


def assert_envelope(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-amzn-requestid"]
    assert response.headers["face-search-error"] in CODES
    body = response.json()
    assert body.keys() == KEYS
    assert (body["responseType"], body["data"]) == ("error", None)
    message: str = body["message"]
    return message


async def test_given_more_calls_than_the_stage_admits_then_429_and_when_to_come_back(own: GatewayResponses) -> None:
    one = {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 0.01, "ThrottlingBurstLimit": 1}
    async with gateway(own, throttles=Throttles([one])) as site:
        assert (await site.http.post(PATH)).status_code == 200
        refused = await site.http.post(PATH)
        assert "same request_id" in assert_envelope(refused, 429)
        assert refused.headers["Access-Control-Expose-Headers"] == "Face-Search-Error,Retry-After"
        assert int(refused.headers["retry-after"]) > 0
        assert len(site.function.events) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("POST", "/nowhere"), ("BREW", PATH), ("OPTIONS", PATH)])
async def test_given_no_such_route_then_404_in_the_envelope(own: GatewayResponses, method: str, path: str) -> None:
    async with gateway(own) as site:
        assert assert_envelope(await site.http.request(method, path), 404) == "No such route."
        assert not site.function.events


@pytest.mark.parametrize(
    "error", [FunctionCrashed(), FunctionTimedOut(), FunctionError(), RuntimeError("a mistake of the gateway's own")]
)
async def test_given_a_function_that_fails_then_502_in_the_envelope(own: GatewayResponses, error: Exception) -> None:
    async with gateway(own, failing(error)) as site:
        assert "Retry" in assert_envelope(await site.http.post(PATH), 502)
        assert type(error).__name__ in site.log[0]


async def test_given_a_function_that_is_too_slow_when_called_then_504_in_the_envelope(own: GatewayResponses) -> None:
    async def slow(event: dict[str, Any]) -> bytes:
        await asyncio.sleep(10)
        return b""

    async with gateway(own, slow, seconds=0.1) as site:
        assert "Timed out" in assert_envelope(await site.http.post(PATH), 504)


async def test_given_a_body_over_10_mb_when_posted_then_413_by_its_length_alone(own: GatewayResponses) -> None:
    async with gateway(own) as site:
        # To one that sends first and reads later, too.
        assert_envelope(await site.http.post(PATH, content=b"x" * (REQUEST_BYTES + 1)), 413)
        assert_envelope(await site.http.post(PATH, content=b"x" * (3 * REQUEST_BYTES)), 413)
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {REQUEST_BYTES + 1}\r\nExpect: 100-continue\r\n\r\n"
        reader, writer = await asyncio.open_connection(*site.address)
        writer.write(head.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()
        assert not site.function.events


async def test_given_an_event_over_6_mb_when_posted_then_413_and_just_below_it_passes(own: GatewayResponses) -> None:
    async with gateway(own) as site:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        largest = (LAMBDA_PAYLOAD_BYTES - 4096) // 4 * 3
        assert (await site.http.post(PATH, content=b"x" * largest, headers=headers)).status_code == 200
        message = assert_envelope(await site.http.post(PATH, content=b"x" * (largest + 4096), headers=headers), 413)
        assert "4.4 MiB" in message
        assert len(site.function.events) == 1


async def test_when_a_request_is_logged_then_nothing_tells_who_or_what(own: GatewayResponses) -> None:
    async with gateway(own) as site:
        headers, files = {"x-api-key": "s3cret"}, {"file": ("jane.jpg", b"face")}
        await site.http.post(f"{PATH}?name=jane", headers=headers, files=files)
        (line,) = (json.loads(entry) for entry in site.log)
        assert line.keys() == {"timestamp", "method", "route", "status", "ms", "request_id", "bytes"}
        assert (line["method"], line["route"], line["status"]) == ("POST", "/event/{event_id}/faces", 200)
        assert not any(told in site.log[0] for told in ("jane", "s3cret", "/7/"))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_in_the_envelope(sent: bytes) -> None:
    async with gateway(GatewayResponses({})) as site:
        reader, writer = await asyncio.open_connection(*site.address)
        writer.write(sent)
        response = await reader.read()
        writer.close()
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/json" in head
    assert json.loads(body).keys() == KEYS


SEARCH = Route("POST", "/api/{org_id}/faces", "search")
READ = Route("GET", "/api/{org_id}/faces", "results")
OTHER = Route("GET", "/api/{org_id}/events", "results")


def setting(path: str, method: str, rate: float, burst: int) -> dict[str, Any]:
    return {"ResourcePath": path, "HttpMethod": method, "ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}


EVERYTHING = setting("/*", "*", 10, 3)
SEARCHES = setting("/~1api~1{org_id}~1faces", "POST", 1, 2)


class Clock:
    """Seconds, which only a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def admitted(throttles: Throttles, route: Route, requests: int = 20) -> int:
    return sum(throttles.admit(route) for _ in range(requests))


def test_a_rested_route_admits_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    throttles = Throttles([EVERYTHING], clock)
    assert admitted(throttles, READ) == 3
    clock.now += 0.099
    assert admitted(throttles, READ) == 0
    clock.now += 0.002
    assert admitted(throttles, READ) == 1
    clock.now += 3600
    assert admitted(throttles, READ) == 3


@pytest.mark.parametrize("settings", [[EVERYTHING, SEARCHES], [SEARCHES, EVERYTHING]])
def test_a_routes_own_setting_comes_before_that_for_all(settings: list[dict[str, Any]]) -> None:
    clock = Clock()
    throttles = Throttles(settings, clock)
    assert [admitted(throttles, route) for route in (SEARCH, READ)] == [2, 3]
    clock.now += 1.5
    assert admitted(throttles, SEARCH) == 1


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


NUMBERS = dict.fromkeys(("org_id", "event_id", "pid"), 1)
DESCRIPTION = NUMBERS | dict.fromkeys(("url", "store", "endpoint_url", "api_key"), "x")


def test_its_upload_command_finds_the_stack_whose_folder_was_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, options in ((Options().state, ""), (tmp_path, f"--state {tmp_path} ")):
        _greet(DESCRIPTION, State(folder), None)
        assert f"facesearch {options}photos upload DIR --event 1" in capsys.readouterr().out
