"""Phones that save by their share sheet, and browsers inside other apps."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.web import scripts
from tests.web.guests import FOUND, Guest
from tests.web.links import Link
from tests.web.madeup import REQUEST, MadeUp
from tests.web.test_flow import SAMPLES


def test_an_iphone_saves_in_two_taps_by_the_share_sheet(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(agent=scripts.IPHONE, scripts=[scripts.SHARES])
    guest.find(link)
    guest.page.get_by_role("button", name="Save all").click()
    guest.button("Save to Photos").click()
    guest.page.wait_for_function("() => window.shared.length === 1")
    (shared,) = guest.page.evaluate("() => window.shared")
    assert shared["keys"] == ["files"]  # text beside them breaks the sheet
    assert len(shared["files"]) == 5
    assert all(file["type"].startswith("image/") for file in shared["files"])


def test_many_photos_are_shared_in_batches(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(agent=scripts.IPHONE, scripts=[scripts.SHARES])
    made_up = MadeUp(25)
    made_up.serve(guest)
    made_up.serve_originals(guest)
    guest.open(link, f"?r={REQUEST}")
    guest.page.get_by_role("button", name="Save all").click()
    saved = 0
    while saved < 25:
        guest.button("Save to Photos").click()
        guest.page.wait_for_function("(before) => window.shared.flatMap((one) => one.files).length > before", arg=saved)
        saved = guest.page.evaluate("() => window.shared.flatMap((one) => one.files).length")
    assert saved == 25
    assert guest.page.evaluate("() => window.shared.length") > 1
    names = guest.page.evaluate("() => window.shared.flatMap((one) => one.files.map((file) => file.name))")
    assert len(set(names)) == 25


def test_a_share_sheet_that_is_closed_is_no_error(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(agent=scripts.IPHONE, scripts=[scripts.SHARE_IS_CANCELLED])
    guest.find(link)
    guest.page.get_by_role("button", name="Save all").click()
    guest.button("Save to Photos").click()
    guest.page.wait_for_function("() => window.sheets === 1")
    expect(guest.button("Save to Photos")).to_be_enabled()
    expect(guest.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("agent", "app"), [(scripts.INSTAGRAM, "Instagram"), (scripts.FACEBOOK, "Facebook")], ids=["Instagram", "Facebook"]
)
def test_inside_another_app_the_guest_is_told_to_open_a_browser(
    guests: Callable[..., Guest], link: Link, agent: str, app: str
) -> None:
    guest = guests(agent=agent)
    guest.open(link)
    expect(guest.page.get_by_text(app, exact=False).first).to_be_visible()
    expect(guest.button("Copy link")).to_be_visible()


def test_inside_another_app_a_photo_is_a_plain_link(guests: Callable[..., Guest], link: Link) -> None:
    """Downloads of blobs are dropped there; the presigned link itself says that it is an attachment."""
    guest = guests(agent=scripts.INSTAGRAM)
    guest.open(link)
    guest.button("Go on here").click()
    guest.agree()
    guest.choose(SAMPLES / "obama.jpg")
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()
    guest.page.get_by_role("button", name="Save all").click()
    anchors = guest.page.get_by_role("link", name=re.compile("Save photo [0-9]"))
    expect(anchors).to_have_count(5)
    with guest.page.expect_download() as download:
        anchors.first.click()
    assert download.value.url.startswith("http")


def test_photos_are_shared_as_files_and_never_as_the_link(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(agent=scripts.IPHONE, scripts=[scripts.SHARES])
    guest.find(link)
    guest.button("Select").click()
    guest.tiles.first.click()
    guest.button("Share").click()
    guest.page.wait_for_function("() => window.shared.length === 1")
    (shared,) = guest.page.evaluate("() => window.shared")
    assert shared["keys"] == ["files"]
    assert len(shared["files"]) == 1


def test_the_link_is_copied_with_a_word_of_what_it_opens(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests()
    guest.context.grant_permissions(["clipboard-read", "clipboard-write"])
    guest.find(link)
    guest.button("More").click()
    guest.page.get_by_role("menuitem", name="Copy my link").click()
    expect(guest.page.get_by_text("Anyone with it sees all photos of you")).to_be_visible()
    guest.page.get_by_role("dialog").get_by_role("button", name="Copy link").click()
    guest.page.wait_for_function("async () => (await navigator.clipboard.readText()) === location.href.split('#')[0]")
