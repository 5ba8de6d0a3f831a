"""A screen that many guests use, and browsers that keep nothing."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.web import scripts
from tests.web.guests import FOUND, Guest
from tests.web.links import Link

KEPT = "() => [location.href, history.length, localStorage.length, sessionStorage.length]"
FORGET_MS = 60_000


def find(guest: Guest, link: Link) -> list[object]:
    """To the results on a kiosk; what the browser kept before."""
    guest.page.clock.install()
    guest.open(link, "?kiosk")
    before: list[object] = guest.page.evaluate(KEPT)
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()
    return before


def expect_forgotten(guest: Guest, before: list[object]) -> None:
    """The start for the next guest, and no way back to what was there."""
    expect(guest.button("Take a selfie")).to_be_visible()
    expect(guest.page.get_by_role("dialog")).to_have_count(0)
    expect(guest.page.get_by_role("checkbox", name="I agree")).not_to_be_checked()
    assert guest.page.evaluate(KEPT) == before
    assert not FOUND.search(guest.page.title())
    guest.page.go_back()
    guest.page.go_forward()
    expect(guest.button("Take a selfie")).to_be_visible()
    expect(guest.page.get_by_text(FOUND)).to_have_count(0)
    assert guest.calls == {"POST faces": 1}


@pytest.mark.parametrize("open_", ["photo", "sheet"])
def test_a_kiosk_forgets_its_guest_a_minute_after_the_last_touch(guest: Guest, link: Link, open_: str) -> None:
    before = find(guest, link)
    if open_ == "photo":
        guest.tiles.first.click()
        expect(guest.page.get_by_role("dialog")).to_be_visible()
    else:
        guest.button("More").click()
        guest.page.get_by_role("menuitem", name="Privacy").click()
        expect(guest.page.get_by_role("dialog")).to_be_visible()
    guest.page.clock.run_for(FORGET_MS / 2)
    guest.page.keyboard.press("Shift")
    guest.page.clock.run_for(FORGET_MS / 2)
    expect(guest.page.get_by_text(FOUND).first).to_be_attached()
    guest.page.clock.run_for(FORGET_MS / 2 + 1_000)
    expect_forgotten(guest, before)


def test_a_guest_who_is_done_is_forgotten_at_once(guest: Guest, link: Link) -> None:
    before = find(guest, link)
    guest.button("I am done").click()
    expect_forgotten(guest, before)


@pytest.mark.parametrize("script", [scripts.NO_STORAGE, scripts.FULL_STORAGE], ids=["none", "full"])
def test_without_storage_a_guest_finds_and_comes_back_by_the_address(
    guests: Callable[..., Guest], link: Link, script: str
) -> None:
    guest = guests(scripts=[script])
    guest.find(link)
    guest.page.reload()
    expect(guest.tiles).to_have_count(5)
    expect(guest.page).to_have_url(re.compile(r"\?r="))
    guest.page.get_by_role("button", name="Find mine").click()  # a browser that keeps nothing does not know whose it is
    expect(guest.button("Take a selfie")).to_be_visible()
    assert guest.calls == {"POST faces": 1, "GET faces/{id}": 1}
