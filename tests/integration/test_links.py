"""A link that the command line makes is a page of the real stack, whose token is good until it is rotated or off."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch_cli.call import call
from tests.integration.conftest import Site

TEMPLATE = (
    '<html lang="__LANG__"><head><title>__TITLE__</title>__HEAD__</head><body><h1>__NAME__</h1>'
    '<script type="application/json" id="face-search-config">__CONFIG__</script></body></html>'
)


def config_of(page: httpx.Response) -> Any:
    (config,) = re.findall('id="face-search-config">(.*?)</script>', page.text)
    return json.loads(config)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    for key, content in {"template": TEMPLATE, "gone": "<h1>Gone</h1>"}.items():
        (tmp_path / "page").mkdir(exist_ok=True)
        (tmp_path / "page" / f"{key}.html").write_text(content)
    return tmp_path


def test_a_link_is_shown_with_its_headers_and_its_token_works_until_it_is_rotated_or_off(
    site: Site, build: Path
) -> None:
    made = call(site.stack.state, "link", "create", "--event", site.event_id)
    call(site.stack.state, "page", "publish", "--dist", build)
    page = site.http.get(made["url"])
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "public, max-age=60"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["permissions-policy"].startswith("camera=(self)")
    config = config_of(page)
    assert (config["api"], config["token"], config["event"]) == (site.stack.url, made["token"], site.event_id)
    assert config["page"] == told(site, made["token"]).json()["data"]

    rotated = call(site.stack.state, "link", "rotate", made["link_id"])
    assert rotated["url"] == made["url"]
    assert told(site, made["token"]).headers["face-search-error"] == "token_unknown"
    token = config_of(site.http.get(made["url"]))["token"]
    assert told(site, token).status_code == 200

    call(site.stack.state, "link", "off", made["link_id"])
    assert told(site, token).headers["face-search-error"] == "token_unknown"
    assert site.http.get(made["url"]).text == "<h1>Gone</h1>"


def told(site: Site, token: str) -> httpx.Response:
    """What the page reads of its event, from a page of the stack's own host."""
    return site.http.get(f"{site.event_url}/page", params={"token": token}, headers={"Origin": site.stack.url})
