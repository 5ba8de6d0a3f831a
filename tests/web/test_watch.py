"""A guest who wants to know of later photos."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.integration.conftest import Site, photo_of_nobody, until
from tests.web import scripts
from tests.web.guests import DESKTOP, FOUND, Guest
from tests.web.links import Link, new_link
from tests.web.test_flow import SAMPLES
from tests.web.test_saving import contents

KEEP = "Keep looking for me"


@pytest.fixture
def photographed(site: Site) -> Site:
    """An event of its own with one photo, to which others come later."""
    own = site.other_event()
    own.indexed(own.put_photo((SAMPLES / "obama.jpg").read_bytes(), "first.jpg"))
    return own


@pytest.fixture
def watching(photographed: Site) -> Link:
    return new_link(photographed, "--watch")


def updates(site: Site, request_id: str) -> Any:
    return site.http.get(f"{site.faces_url(request_id)}/updates", headers=site.headers).json()["data"]


def ask(guest: Guest, name: str) -> Locator:
    """Open the sheet, and agree; the button that is then pressed."""
    guest.button(KEEP).click()
    dialog = guest.page.get_by_role("dialog")
    button = dialog.get_by_role("button", name=name, exact=True)
    expect(button).to_be_disabled()
    dialog.get_by_role("checkbox").check()
    return button


def test_later_photos_are_new_when_the_guest_comes_back(
    guests: Callable[..., Guest], photographed: Site, watching: Link
) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.find(watching)
    (first,) = guest.photos
    ask(guest, "Keep looking").click()
    expect(guest.page.get_by_role("dialog").get_by_text("We keep looking for you until")).to_be_visible()
    guest.button("Close").click()
    expect(guest.button(KEEP)).to_have_count(0)
    # When a photo of the guest comes, and one of somebody else
    later = (SAMPLES / "obama2.jpg").read_bytes()
    photographed.indexed(photographed.put_photo((SAMPLES / "biden.jpg").read_bytes(), "other.jpg"))
    second = str(photographed.indexed(photographed.put_photo(later, "later.jpg")).image_id)
    latest = until(lambda: updates(photographed, guest.request_id)["latest"])
    guest.page.reload()
    # Then it is shown as new, before the others, and saved with them
    expect(guest.heading("1 new photo")).to_be_visible()
    expect(guest.heading("2 photos of you")).to_be_visible()
    assert guest.photos == [second, first]
    with guest.page.expect_download() as download:
        guest.button("Save all").click()
    saved = contents(Path(download.value.path()).read_bytes())
    assert sorted(saved.values()) == sorted([later, (SAMPLES / "obama.jpg").read_bytes()])
    assert (guest.calls["POST faces"], guest.calls["POST faces/{id}/watch"]) == (1, 1)
    # And a deletion takes the search, its watch and the watch's own searches
    request_id = guest.request_id
    guest.button("More").click()
    guest.page.get_by_role("menuitem", name="Delete my search").click()
    guest.page.get_by_role("dialog").get_by_role("button", name="Delete my search", exact=True).click()
    expect(guest.page.get_by_text("Deleted.")).to_be_visible()
    assert [photographed.get(gone).status_code for gone in (request_id, latest)] == [404, 404]


def test_without_the_selfie_another_is_asked_for_and_one_of_nobody_is_told(
    guest: Guest, photographed: Site, watching: Link
) -> None:
    guest.page.clock.install()
    guest.find(watching)
    guest.page.reload()
    expect(guest.heading(FOUND)).to_be_visible()
    ask(guest, "Choose a photo")
    nobody = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": photo_of_nobody(5)}
    guest.choose(nobody)
    expect(guest.page.get_by_role("dialog").get_by_text("We keep looking for you until")).to_be_visible()
    until(lambda: updates(photographed, guest.request_id)["watching_until"] is None)
    guest.page.clock.fast_forward(15_000)
    expect(guest.page.get_by_text("We could not see a face in that picture.")).to_be_visible()
    guest.choose(SAMPLES / "obama2.jpg")
    expect(guest.page.get_by_role("dialog").get_by_text("We keep looking for you until")).to_be_visible()
    # And another device with the same address shows the same
    other = guest.context.new_page()
    other.goto(guest.page.url)
    expect(other.get_by_role("heading", name=FOUND)).to_be_visible()


def test_a_link_that_lets_nobody_watch_does_not_offer_it(guest: Guest, link: Link) -> None:
    guest.find(link)
    guest.page.reload()
    expect(guest.heading(FOUND)).to_be_visible()
    expect(guest.button("Look again")).to_be_visible()
    expect(guest.button(KEEP)).to_have_count(0)
    assert not guest.sent("GET faces/{id}/updates")


def test_look_again_is_a_new_search_with_the_same_selfie(guest: Guest, photographed: Site) -> None:
    guest.find(new_link(photographed))
    first, before = guest.request_id, guest.photos
    second = str(photographed.indexed(photographed.put_photo((SAMPLES / "obama2.jpg").read_bytes())).image_id)
    guest.button("Look again").click()
    expect(guest.heading("2 photos of you")).to_be_visible()
    assert sorted(guest.photos) == sorted([*before, second])
    assert [post["request_id"] for post in guest.posts] == [first, guest.request_id]
    assert first != guest.request_id
    one, two = (post["file"] for post in guest.posts)
    assert one == two
