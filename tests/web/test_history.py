"""Back, Forward, reload, other devices: a search is its address, and nothing of it is asked twice."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.web.guests import FOUND, Guest
from tests.web.links import Link

DIALOG = "dialog"


def test_a_reload_reads_the_result_and_posts_nothing(guest: Guest, link: Link) -> None:
    guest.find(link)
    found = guest.photos
    guest.page.reload()
    expect(guest.tiles).to_have_count(len(found))
    assert guest.photos == found
    assert guest.calls == {"POST faces": 1, "GET faces/{id}": 1}


def test_the_address_opens_the_result_on_another_device(guests: Callable[..., Guest], link: Link) -> None:
    first, second = guests(), guests()
    first.find(link)
    second.page.goto(first.page.url)
    expect(second.tiles).to_have_count(5)
    assert second.calls == {"GET faces/{id}": 1}
    expect(second.button("Find mine")).to_be_visible()  # this may be somebody else's device


def test_back_closes_the_viewer_and_forward_opens_it(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(motion="reduce")  # else keys wait for the opening
    guest.find(link)
    guest.tiles.nth(1).click()
    expect(guest.page.get_by_role(DIALOG)).to_be_visible()
    expect(guest.page).to_have_url(re.compile("#p=2$"))
    guest.page.keyboard.press("ArrowRight")
    expect(guest.page).to_have_url(re.compile("#p=3$"))
    guest.page.go_back()
    expect(guest.page.get_by_role(DIALOG)).to_have_count(0)
    expect(guest.heading(FOUND)).to_be_visible()
    guest.page.go_forward()
    expect(guest.page.get_by_role(DIALOG)).to_be_visible()
    assert guest.calls == {"POST faces": 1}


def test_an_open_photo_is_in_the_address(guests: Callable[..., Guest], link: Link) -> None:
    first, second = guests(), guests()
    first.find(link)
    first.tiles.nth(2).click()
    expect(first.page).to_have_url(re.compile("#p=3$"))
    second.page.goto(first.page.url)
    expect(second.page.get_by_role(DIALOG)).to_be_visible()
    second.page.keyboard.press("Escape")
    expect(second.tiles).to_have_count(5)
    assert second.calls == {"GET faces/{id}": 1}


def test_back_leaves_the_selection_and_then_the_results(guest: Guest, link: Link) -> None:
    guest.find(link)
    guest.button("Select").click()
    guest.tiles.first.click()
    expect(guest.page.get_by_text("1 selected")).to_be_visible()
    guest.page.go_back()
    expect(guest.page.get_by_text("1 selected")).to_have_count(0)
    guest.page.go_back()
    expect(guest.button("Take a selfie")).to_be_visible()
    guest.page.go_forward()
    expect(guest.tiles).to_have_count(5)
    assert guest.calls["POST faces"] == 1


def test_a_guest_who_comes_back_has_the_search_again(guest: Guest, link: Link) -> None:
    guest.find(link)
    guest.open(link)
    expect(guest.page.get_by_text("Your searches")).to_be_visible()
    guest.button(FOUND).click()
    expect(guest.tiles).to_have_count(5)
    assert guest.calls["POST faces"] == 1


def test_a_deleted_search_is_said_to_be_gone(guests: Callable[..., Guest], link: Link) -> None:
    first, second = guests(), guests()
    first.find(link)
    address = first.page.url
    first.button("More").click()
    first.page.get_by_role("menuitem", name="Delete my search").click()
    expect(first.page.get_by_text("The photos stay")).to_be_visible()
    first.page.get_by_role(DIALOG).get_by_role("button", name="Delete").click()
    expect(first.page.get_by_text("Deleted.").first).to_be_visible()
    assert first.calls == {"POST faces": 1, "DELETE faces/{id}": 1}

    second.expects("status of 404")
    second.page.goto(address)
    expect(second.page.get_by_text("This search was deleted or has expired.")).to_be_visible()

    first.open(link)
    expect(first.page.get_by_text("Your searches")).to_have_count(0)
