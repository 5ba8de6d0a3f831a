"""What the headers of answers say: to browsers, to caches, and about the quota."""

from typing import Any

import httpx
import pytest

from tests.integration.calls import NAMES, by_name
from tests.integration.conftest import Site

PAGE = {"Origin": "https://guests.example.com"}
BY_THE_GATEWAY = {
    "cache-control": "no-store",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}
BY_A_HANDLER = BY_THE_GATEWAY | {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def chosen(response: httpx.Response, names: Any) -> dict[str, str]:
    return {name: response.headers[name] for name in names if name in response.headers}


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_of_a_handler_is_for_no_cache_no_frame_and_no_guessing(site: Site, name: str) -> None:
    ask = by_name(name, selfie=b"no picture")
    for key, event in ((site.api_key, None), (None, None), ("guess", None), (site.api_key, "abc")):
        assert chosen(ask.send(site, key=key, event=event), BY_A_HANDLER) == BY_A_HANDLER


def test_so_is_every_answer_of_the_gateway_itself(site: Site) -> None:
    for response in (
        site.http.get(site.stack.url + "/nothing/here"),
        site.http.delete(site.faces_url(), headers=site.headers),
        site.post(b"x" * 5_000_000),
    ):
        assert response.status_code in {404, 413}
        assert chosen(response, BY_THE_GATEWAY) == BY_THE_GATEWAY
        assert response.headers["access-control-allow-origin"] == "*", "a page can read why it was refused"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_any_origin_may_call(site: Site, name: str) -> None:
    ask = by_name(name, selfie=b"no picture")
    wanted = {"Access-Control-Request-Method": ask.method, "Access-Control-Request-Headers": "x-api-key,content-type"}
    url = f"{site.org_url}/{ask.path.format(event=site.event_id)}"
    preflight = site.http.options(url, headers=PAGE | wanted)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert ask.method in preflight.headers["access-control-allow-methods"].split(",")
    assert {"x-api-key", "content-type"} <= set(preflight.headers["access-control-allow-headers"].lower().split(","))
    assert int(preflight.headers["access-control-max-age"]) > 0
    for key in (site.api_key, None):
        answer = site.http.request(ask.method, url, headers=PAGE | ({"X-API-Key": key} if key else {}), **ask.arguments)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        exposed = set(answer.headers["access-control-expose-headers"].lower().split(","))
        assert {"retry-after", "ratelimit-remaining", "idempotent-replayed"} <= exposed


def rate_limit(response: httpx.Response) -> tuple[int, int, int]:
    """Limit, Remaining and Reset; whole numbers, or this fails."""
    names = ("limit", "remaining", "reset")
    limit, remaining, reset = (int(response.headers[f"ratelimit-{name}"]) for name in names)
    assert 0 <= remaining <= limit
    assert (reset > 0) == (remaining < limit)
    return limit, remaining, reset
