"""The guests' page in a real browser, over a real local stack: `make web-test`.

Playwright lies in .venv-web beside Node; everything else is the project's own environment. `.venv-web` comes last on
the path, so that it lends nothing but what is missing.
"""

import importlib.util
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from facesearch.models import QuotaLimits
from facesearch_local import running
from tests.conftest import ROOT

PACKAGES = ROOT / ".venv-web" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
sys.path.append(str(PACKAGES))
if importlib.util.find_spec("playwright") is None:  # `make web-test` sees to it
    collect_ignore_glob = ["test_*.py"]

if TYPE_CHECKING:
    from tests.integration.conftest import Site
    from tests.web.browsers import Browsers
    from tests.web.cameras import Cameras
    from tests.web.guests import Guest
    from tests.web.links import Link

FAILED = ROOT / ".cache" / "web" / "failed"
"""How the page looked when a test failed."""


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker("web")


OUTCOME = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Let fixtures see whether their test failed."""
    report = yield
    if report.when == "call":
        item.stash[OUTCOME] = report.failed
    return report


@pytest.fixture(scope="session")
def dist() -> Path:
    """What `make web` has built."""
    folder = ROOT / "web" / "dist"
    if not (folder / "page" / "template.html").is_file():
        pytest.fail(f"there is no page in {folder}: run `make web` first")
    return folder


@pytest.fixture(scope="session")
def site(dist: Path, no_account: None, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Site]":
    """An organisation whose guests may search without pause, and an event with the sample photos, on a stack."""
    from tests.integration.conftest import new_site

    with running(state=tmp_path_factory.mktemp("web"), throttled=False) as stack, httpx.Client(timeout=60) as http:
        site = new_site(stack, http)
        site.admin.set_quota(site.org_id, QuotaLimits(600_000, 100_000))
        fill(site, assets / "samples")
        yield site


def fill(site: "Site", folder: Path) -> None:
    """Put the sample photos into the site's event, and wait until they are indexed."""
    for image_id in [site.put_photo(path.read_bytes(), path.name) for path in sorted(folder.iterdir())]:
        site.indexed(image_id)


@pytest.fixture(scope="session")
def link(site: "Site") -> "Link":
    """What is printed as a QR: the way to the event with the sample photos."""
    from tests.web.links import new_link

    return new_link(site)


@pytest.fixture(scope="session")
def cameras(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> "Cameras":
    from tests.web.cameras import Cameras

    return Cameras(samples, tmp_path_factory.mktemp("cameras"))


@pytest.fixture(scope="session")
def browsers(cameras: "Cameras") -> "Iterator[Browsers]":
    from playwright.sync_api import sync_playwright

    from tests.web.browsers import Browsers

    with sync_playwright() as playwright:
        browsers = Browsers(playwright, cameras)
        yield browsers
        browsers.close()


@pytest.fixture
def guests(browsers: "Browsers", site: "Site", request: pytest.FixtureRequest) -> "Iterator[Callable[..., Guest]]":
    """Makes guests, each with a browser of their own; in the end nothing may have gone wrong in any of them."""
    from tests.web.guests import Guest

    come: list[Guest] = []

    def guest(**manner: Any) -> Guest:
        come.append(Guest(site, browsers, **manner))
        return come[-1]

    yield guest
    for number, each in enumerate(come):
        if request.node.stash.get(OUTCOME, True):
            FAILED.mkdir(parents=True, exist_ok=True)
            each.show(FAILED / f"{request.node.name.replace('/', '-')}-{number}.png")
        each.leave()
    assert [trouble for each in come for trouble in each.troubles] == []


@pytest.fixture
def guest(guests: "Callable[..., Guest]") -> "Guest":
    """One with a phone, whose camera sees the person of obama.jpg."""
    return guests()
