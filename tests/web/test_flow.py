"""From the printed link to the guest's photos."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from facesearch.records import image_id_of_bytes
from tests.conftest import ROOT
from tests.integration.conftest import Site
from tests.web import scripts
from tests.web.gateway import reached
from tests.web.guests import DESKTOP, FOUND, PHONE, Guest
from tests.web.links import Link, new_link

SAMPLES = ROOT / ".cache" / "assets" / "samples"


def photos_of(site: Site, person: str) -> set[str]:
    """The image_ids of the sample photos of somebody, who gave them their names."""
    return {str(image_id_of_bytes(site.event_id, path.read_bytes())) for path in SAMPLES.glob(f"{person}*")}


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_selfie_finds_the_guests_photos_and_nobody_elses(
    guests: Callable[..., Guest], link: Link, site: Site, width: int
) -> None:
    guest = guests(width=width)
    guest.find(link)
    expect(guest.heading("5 photos of you")).to_be_visible()
    expect(guest.tiles).to_have_count(5)
    assert set(guest.photos) == photos_of(site, "obama")


def test_somebody_else_finds_their_own(guests: Callable[..., Guest], link: Link, site: Site) -> None:
    guest = guests(camera="other")
    guest.find(link)
    expect(guest.tiles).to_have_count(1)
    assert set(guest.photos) == photos_of(site, "biden")


def test_one_search_is_one_post_with_consent_under_the_address_id(guest: Guest, link: Link) -> None:
    guest.open(link)
    expect(guest.button("Take a selfie")).to_be_visible()
    guest.agree()
    guest.look_into_camera()
    expect(guest.button("Find my photos")).to_be_visible()
    assert not [request for request in guest.requests if "/api/" in request.url]  # the HTML says all of it
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()
    assert guest.calls == {"POST faces": 1}
    (post,) = guest.posts
    assert len(post.pop("file")) < 400_000  # base64 of 300 KB
    assert post == {"request_id": guest.request_id, "consent": "standard-1"}


def test_without_consent_nothing_begins(guest: Guest, link: Link) -> None:
    guest.open(link)
    guest.button("Take a selfie").click()
    expect(guest.page.get_by_role("checkbox", name="I agree")).to_be_focused()
    expect(guest.page.locator("video")).to_have_count(0)
    assert not guest.calls


def test_the_camera_is_on_only_while_it_is_looked_into(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(scripts=[scripts.STREAMS])
    guest.open(link)
    guest.agree()
    guest.button("Take a selfie").click()
    guest.page.wait_for_function(scripts.CAMERA_IS_ON)
    guest.button("Take the picture").click()
    expect(guest.button("Find my photos")).to_be_visible()
    guest.page.wait_for_function(scripts.CAMERA_IS_OFF)
    assert guest.page.evaluate("() => window.streams.length") == 1


def test_a_photo_is_as_good_as_the_camera(guest: Guest, link: Link, site: Site) -> None:
    guest.open(link)
    guest.agree()
    guest.choose(SAMPLES / "obama3.jpg")
    guest.send()
    expect(guest.tiles).to_have_count(5)
    assert set(guest.photos) == photos_of(site, "obama")


def test_who_is_in_no_photo_is_told_so_and_offered_another_try(guests: Callable[..., Guest], site: Site) -> None:
    own, guest = site.other_event(), guests(camera="other")
    own.indexed(own.put_photo((SAMPLES / "obama.jpg").read_bytes(), "obama.jpg"))
    guest.open(new_link(own))
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.page.get_by_text("No photos of you").first).to_be_visible()
    expect(guest.tiles).to_have_count(0)
    expect(guest.button("Take another selfie").first).to_be_visible()


def test_by_keyboard_alone(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(width=DESKTOP)
    guest.open(link)
    press_to(guest, "checkbox")
    guest.page.keyboard.press("Space")
    press_to(guest, "Take a selfie")
    guest.page.keyboard.press("Enter")
    expect(guest.button("Take the picture")).to_be_visible()
    press_to(guest, "Take the picture")
    guest.page.keyboard.press("Enter")
    expect(guest.button("Find my photos")).to_be_visible()
    press_to(guest, "Find my photos")
    guest.page.keyboard.press("Enter")
    expect(guest.heading(FOUND)).to_be_visible()
    press_to(guest, "Photo 1 of 5")
    guest.page.keyboard.press("Enter")
    expect(guest.page.get_by_role("dialog")).to_be_visible()
    guest.page.keyboard.press("Escape")
    expect(guest.page.get_by_role("dialog")).to_have_count(0)
    guest.page.keyboard.press("ArrowRight")
    assert focused(guest).startswith("Photo 2 of 5")


FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element?.type === "checkbox" ? "checkbox" : (element?.ariaLabel ?? element?.textContent ?? "").trim();
}"""


def focused(guest: Guest) -> str:
    """The name of what has the focus, through the shadow roots."""
    return str(guest.page.evaluate(FOCUSED))


def press_to(guest: Guest, name: str, most: int = 40) -> None:
    """Tab until this has the focus."""
    for _ in range(most):
        if focused(guest).startswith(name):
            return
        guest.page.keyboard.press("Tab")
    pytest.fail(f"{name} cannot be reached by the Tab key")


def test_a_page_on_another_host_than_the_api_asks_no_preflight(guest: Guest, link: Link, site: Site) -> None:
    with reached(site) as routes:
        guest.page.goto(link.elsewhere)
        guest.agree()
        guest.look_into_camera()
        guest.send()
        expect(guest.tiles).to_have_count(5)
    assert routes["POST /faces 200"] == 1
    assert not [route for route in routes if route.startswith("OPTIONS")]
