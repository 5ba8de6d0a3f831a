"""A guest's page on the real stack: the link that a stack begins with, and what its operator's commands do to it."""

import json
import re
from typing import Any

import httpx
import pytest

from facesearch_cli.call import call
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tests.integration.conftest import Site

CONFIG = re.compile('id="face-search-config">(.*?)</script>')
BUILD = {
    "template.html": (
        '<html lang="__LANG__"><title>__TITLE__</title>__HEAD__<h1>__NAME__</h1>'
        '<script type="module" src="/page/0.0.0-0a1b2c3d/face-search.js"></script>'
        '<script type="application/json" id="face-search-config">__CONFIG__</script></html>'
    ),
    "gone.html": "<h1>This link is no longer valid.</h1>",
    "v1/face-search.js": 'import "../0.0.0-0a1b2c3d/face-search.js";',
    "0.0.0-0a1b2c3d/face-search.js": "export {};",
}


@pytest.fixture(scope="module", autouse=True)
def published(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A small build, in the place of one that the stack may have found."""
    dist = tmp_path_factory.mktemp("dist")
    for name, content in BUILD.items():
        file = dist / "page" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    done = facesearch(site, "page", "publish", "--dist", dist)
    assert (done["files"], done["lost"]) == (len(BUILD), [])
    assert done["links"] > 0


def facesearch(site: Site, *arguments: object) -> Any:
    return call(site.stack.state, *arguments)


def config_of(page: httpx.Response) -> Any:
    assert page.status_code == 200
    (config,) = CONFIG.findall(page.text)
    return json.loads(config)


def ask(site: Site, config: Any, path: str) -> httpx.Response:
    """As the page does: by what its configuration says alone, with a header that no preflight is asked for."""
    url = f"{config['api']}/api/v1/ext/{config['org']}/event/{config['event']}/{path}"
    origin = {"Origin": site.stack.url.replace("127.0.0.1", "localhost")}
    return site.http.get(url, params={"token": config["token"]}, headers=origin)


def test_the_first_link_is_a_page_with_the_templates_headers(site: Site) -> None:
    seeded = site.stack.description
    page = site.http.get(seeded["page_url"])
    config = config_of(page)
    assert (config["org"], config["event"]) == (seeded["org_id"], seeded["event_id"])
    assert config["token"] == seeded["link_token"]
    assert ask(site, config, "page").json()["data"] == config["page"]

    template = Template.load(ROOT / "template.yaml", Deployment("stack", "000000000000", "us-east-1"))
    headers = template.resources["PageHeaders"].properties["ResponseHeadersPolicyConfig"]
    own = {item["Header"]: item["Value"] for item in headers["CustomHeadersConfig"]["Items"]}
    assert own.items() <= {name: page.headers.get(name) for name in own}.items()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "public, max-age=60"
    assert site.http.get(site.stack.url).headers["Location"] == seeded["page_url"].removeprefix(site.stack.url)

    element = site.http.get(f"{site.stack.url}/page/0.0.0-0a1b2c3d/face-search.js")
    assert (element.text, element.headers["Access-Control-Allow-Origin"]) == ("export {};", "*")
    assert "immutable" in element.headers["Cache-Control"]


def test_a_links_address_outlives_its_token_and_ends_when_it_is_off(site: Site) -> None:
    event = site.other_event()
    link = facesearch(site, "link", "create", "--event", event.event_id)
    before = config_of(site.http.get(link["url"]))
    assert ask(site, before, "ping").is_success

    facesearch(site, "event", "update", event.event_id, "--name", "Half <marathon>")
    assert "<h1>Half &lt;marathon&gt;</h1>" in site.http.get(link["url"]).text

    rotated = facesearch(site, "link", "rotate", link["link_id"])
    assert ask(site, before, "ping").headers["Face-Search-Error"] == "token_unknown"
    after = config_of(site.http.get(link["url"]))
    assert (rotated["url"], after["token"]) == (link["url"], rotated["token"])
    assert ask(site, after, "ping").is_success

    assert facesearch(site, "link", "off", link["url"])["off"] is True
    assert ask(site, after, "ping").headers["Face-Search-Error"] == "token_unknown"
    assert site.http.get(link["url"]).text == BUILD["gone.html"]


def test_a_deleted_events_links_are_gone(site: Site) -> None:
    event = site.other_event()
    link = facesearch(site, "link", "create", "--event", event.event_id)
    config = config_of(site.http.get(link["url"]))
    receipt = facesearch(site, "event", "delete", event.event_id, "--yes")
    assert (receipt["deleted"]["links"], receipt["left"]["links"]) == (1, 0)
    assert ask(site, config, "ping").headers["Face-Search-Error"] == "token_unknown"
    page = site.http.get(link["url"])
    assert (page.status_code, page.text) == (404, BUILD["gone.html"])
