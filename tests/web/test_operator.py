"""The operator's view in a real browser: boxes on a photo, failed photos with their reasons, keys, a narrow screen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from facesearch.records import image_id_of_bytes
from facesearch_local.stack import OPERATOR_PREFIX
from tests.conftest import ROOT
from tests.integration.conftest import Site
from tests.web import axe
from tests.web.browsers import ABSENT
from tests.web.guests import DESKTOP, PHONE, Guest
from tests.web.links import facesearch, new_link
from tests.web.test_screens import settle

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
Guests = Callable[..., Guest]
FOLDER = ROOT / ".cache" / "web" / "operator"
SCREENS = {
    "no organisation": ("#/orgs/999", "operator-events .problem"),
    "events": ("#/orgs/{org}", "operator-events td[data-label=Links]:has-text('(1 off)')"),
    "photos": ("#/events/{event}/photos", "operator-photos .tile"),
    "no photos": ("#/events/{event}/photos?name=nothing", "operator-photos .empty"),
    "photo of somebody": ("#/events/{event}/photos?name=obama3", "operator-photo li"),
    "photo of no picture": ("#/events/{event}/photos?filter=failed", "operator-photo .problem"),
    "searches": ("#/events/{event}/searches", "operator-searches tbody tr"),
    "queues": ("#/queues", "operator-queues tbody tr"),
    "errors": ("#/errors", "operator-errors li"),
}
"""Each page's address, and what is there once it is whole."""


def address(site: Site, rest: str = "") -> str:
    return f"{site.stack.url}{OPERATOR_PREFIX}/#/events/{site.event_id}/{rest}"


def fail(site: Site) -> None:
    """Have a photo that cannot be read."""
    content = b"\xff\xd8\xff\xe0 no picture"
    site.put_photo(content, HOSTILE)
    site.indexed(image_id_of_bytes(site.event_id, content))


@pytest.fixture(scope="module")
def used(site: Site, samples: Path) -> Site:
    """With a photo that failed, a search, and a link that is off."""
    fail(site)
    assert site.post((samples / "obama2.jpg").read_bytes()).status_code == 200
    facesearch(site, "link", "off", new_link(site).link_id)
    return site


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_any_page(guests: Guests, used: Site, screen: str, width: int) -> None:
    guest = guests(camera=ABSENT, width=width)
    guest.expects("status of 404 .*orgs/999")
    page, (path, there) = guest.page, SCREENS[screen]
    page.goto(f"{used.stack.url}{OPERATOR_PREFIX}/{path.format(org=used.org_id, event=used.event_id)}")
    if screen.startswith("photo of"):
        page.locator("operator-photos .tile").first.click()
    expect(page.locator(there).first).to_be_visible()
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(page)
        page.screenshot(path=FOLDER / f"operator-{screen.replace(' ', '-')}-{width}-{scheme}.png")
        found += [f"{scheme}: {violation}" for violation in axe.violations(page)]
    assert found == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_photo_shows_the_faces_that_are_found_in_it_now(guests: Guests, site: Site, width: int, scheme: str) -> None:
    page = guests(camera=ABSENT, width=width, scheme=scheme).page
    page.goto(address(site, "photos?name=obama3"))
    page.get_by_role("link", name="obama3.jpg").click()
    photo = page.get_by_role("dialog", name="Photo")
    expect(photo.get_by_role("heading", name="As found now by sface-2021dec-upright")).to_be_visible()
    expect(photo.get_by_role("listitem")).to_have_count(1)
    expect(photo.locator("rect.box")).to_have_count(1)
    expect(photo.locator(".differs")).to_have_count(0)
    picture, box = photo.locator("img").bounding_box(), photo.locator("rect.box").bounding_box()
    assert picture is not None
    assert box is not None
    assert picture["x"] < box["x"] < box["x"] + box["width"] < picture["x"] + picture["width"]
    assert picture["y"] < box["y"] < box["y"] + box["height"] < picture["y"] + picture["height"] / 2, "a head"
    page.keyboard.press("Escape")
    expect(photo).to_have_count(0)
    expect(page.get_by_role("link", name="obama3.jpg")).to_be_focused()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_failed_photos_say_why_and_their_names_are_text(guests: Guests, site: Site) -> None:
    fail(site)
    page = guests(camera=ABSENT, width=DESKTOP).page
    page.goto(address(site, "photos"))
    page.get_by_role("link", name="Failed", exact=True).click()
    tile = page.locator("operator-photos .tile")
    expect(tile).to_have_count(1)
    expect(tile).to_contain_text("The file is not a readable")
    expect(tile).to_contain_text(HOSTILE)


def test_arrow_keys_lead_from_photo_to_photo_and_back_leads_to_the_grid(guests: Guests, site: Site) -> None:
    page = guests(camera=ABSENT, width=DESKTOP).page
    page.goto(address(site, "photos?name=obama"))
    page.locator("operator-photos .tile").first.click()
    heading = page.get_by_role("dialog").get_by_role("heading", level=1)
    expect(heading).to_be_visible()
    first = heading.inner_text()
    page.keyboard.press("ArrowRight")
    expect(heading).not_to_have_text(first)
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text(first)
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_queues_and_errors_are_shown(guests: Guests, site: Site) -> None:
    page = guests(camera=ABSENT, width=DESKTOP).page
    page.goto(address(site))
    page.get_by_role("link", name="Queues").click()
    expect(page.get_by_role("rowheader")).to_have_text(["Uploads", "Snapshots", "Search jobs", "Callbacks"])
    page.get_by_role("link", name="Errors").click()
    expect(page.get_by_role("heading", name="Last errors and warnings")).to_be_focused()
