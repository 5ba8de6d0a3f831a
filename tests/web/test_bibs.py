"""Guests who know their bib: photos of a number, and a number beside the selfie."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.records import SHARDS, Bib, image_id_of_bytes
from tests.integration.conftest import Site
from tests.web import scripts
from tests.web.gateway import reached
from tests.web.guests import DESKTOP, Guest
from tests.web.links import Link, facesearch, new_link
from tests.web.madeup import BIB, REQUEST, MadeUp, picture
from tests.web.test_flow import SAMPLES
from tests.web.test_many import to_the_end
from tests.web.test_saving import contents

FIELD = "Or by your bib number"
BESIDE_SELFIE = "Your bib number (optional)"
WRONG = "A bib number has 1 to 16 letters and digits."
NUMBERED = [*sorted(SAMPLES.glob("obama*"))[:2], SAMPLES / "biden.jpg"]
GET = f"GET bibs/{BIB}"


@pytest.fixture(scope="module")
def race(site: Site) -> Site:
    """An event whose photos are found by bib: F7 is on one of them and 123 on three.

    The person wears 123 on two. On the third nobody knows who wears it, and somebody else's face shows.
    """
    own = site.other_event()
    store = DynamoPhotoStore(Table(own.dynamodb, own.outputs["TableName"]))
    worn = {path: (Bib("123", 0),) for path in NUMBERED} | {
        NUMBERED[0]: (Bib("123", 0), Bib("F7")),
        NUMBERED[2]: (Bib("123"),),
    }
    for path in sorted({*SAMPLES.glob("obama*"), *NUMBERED}):
        photo = own.indexed(own.put_photo(path.read_bytes(), path.name))
        if path in worn:
            assert store.set_bibs(own.event_id, SHARDS, photo, worn[path], "test")
    facesearch(own, "event", "update", str(own.event_id), "--bib-search", "on")
    return own


@pytest.fixture(scope="module")
def numbers(race: Site) -> Link:
    return new_link(race)


def search(guest: Guest, typed: str) -> None:
    guest.page.get_by_role("textbox", name="bib number").fill(typed)
    guest.button("Search by number").click()


def kept(page: Page) -> str:
    """All that the browser keeps."""
    return str(page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])"))


def test_a_number_finds_its_photos_without_consent_and_leaves_no_trace(guest: Guest, numbers: Link, race: Site) -> None:
    guest.open(numbers)
    with reached(race) as routes:
        search(guest, " #123 ")
        expect(guest.heading("3 photos of number 123")).to_be_visible()
        expect(guest.heading("3 photos of number 123")).to_be_focused()
        expect(guest.page.get_by_role("status").first).to_have_text("3 photos of number 123")
        expect(guest.tiles).to_have_count(3)
    assert guest.calls == {GET: 1}
    assert not [route for route in routes if route.startswith("OPTIONS")]
    assert guest.page.url == f"{numbers.url}?bib=123"
    assert guest.page.title().startswith("3 photos of number 123 · ")
    assert "123" not in kept(guest.page)
    for log in ("gateway", "results"):
        assert "bibs/123" not in race.stack.logs(log).read_text()


def test_the_address_is_the_search(guests: Callable[..., Guest], numbers: Link) -> None:
    first, second = guests(motion="reduce"), guests()
    first.open(numbers)
    search(first, "f7")
    expect(first.heading("1 photo of number F7")).to_be_visible()
    first.page.reload()
    expect(first.heading("1 photo of number F7")).to_be_visible()
    first.tiles.first.click()
    expect(first.page).to_have_url(re.compile(r"\?bib=F7#p=1$"))
    dialog = first.page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="Photo 1 of 1", exact=True)).to_be_visible()  # nobody says who is on it
    first.page.go_back()
    expect(dialog).to_have_count(0)
    first.page.go_back()
    expect(first.button("Take a selfie")).to_be_visible()
    first.page.go_forward()
    expect(first.tiles).to_have_count(1)
    second.open(numbers, "?bib=f7")
    expect(second.tiles).to_have_count(1)
    expect(second.page.get_by_text("Somebody shared these")).to_have_count(0)
    assert second.calls == {"GET bibs/F7": 1}


def test_an_unknown_number_says_so_and_another_can_be_tried(guest: Guest, numbers: Link) -> None:
    guest.open(numbers)
    search(guest, "99")
    expect(guest.heading("No photos of number 99 yet.")).to_be_focused()
    guest.button("Look again").click()
    expect(guest.heading("No photos of number 99 yet.")).to_be_focused()
    search(guest, "123")
    expect(guest.tiles).to_have_count(3)
    guest.page.go_back()
    expect(guest.heading("No photos of number 99 yet.")).to_be_visible()
    guest.button("Take a selfie").click()
    expect(guest.page.get_by_role("checkbox", name="I agree")).to_be_visible()
    assert guest.page.url == numbers.url
    guest.button("Take a selfie").click()
    expect(guest.page.get_by_text("Please tick this box first.")).to_be_visible()


@pytest.mark.parametrize("typed", ["", "#", "12-34", "1" * 17, "ß"])
def test_what_is_no_number_is_not_asked_for(guest: Guest, numbers: Link, typed: str) -> None:
    guest.open(numbers)
    search(guest, typed)
    field = guest.page.get_by_role("textbox", name=FIELD)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile(WRONG))
    guest.page.keyboard.type("1")
    expect(guest.page.get_by_text(WRONG)).to_have_count(0)
    assert guest.calls == {}


def test_by_keyboard_alone(guest: Guest, numbers: Link) -> None:
    guest.open(numbers)
    guest.page.get_by_role("textbox", name=FIELD).focus()
    guest.page.keyboard.type("123")
    guest.page.keyboard.press("Enter")
    expect(guest.heading("3 photos of number 123")).to_be_focused()


def test_a_bibs_photos_cannot_be_deleted_or_watched_for(guest: Guest, race: Site) -> None:
    guest.open(new_link(race, "--watch"), "?bib=123")
    expect(guest.tiles).to_have_count(3)
    expect(guest.button("Keep looking for me")).to_have_count(0)
    guest.button("More").click()
    items = guest.page.get_by_role("menuitem")
    expect(items).to_have_text(["Copy my link", "Search again", "Privacy"])
    items.first.click()
    expect(guest.page.get_by_role("dialog")).to_contain_text("Anyone with it sees all photos of number 123.")


# ---------------------------------------------------------------- saving
def test_what_is_saved_are_the_originals(guests: Callable[..., Guest], numbers: Link, race: Site) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.open(numbers, "?bib=123")
    with reached(race) as routes, guest.page.expect_download() as download:
        guest.button("Save all").click()
    saved = contents(Path(download.value.path()).read_bytes())
    assert sorted(saved.values()) == sorted(path.read_bytes() for path in NUMBERED)
    assert not [route for route in routes if route.startswith("OPTIONS")]


def test_without_originals_what_is_shown_is_saved(guests: Callable[..., Guest], race: Site) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.open(new_link(race, "--no-originals"), "?bib=F7")
    with guest.page.expect_download() as download:
        guest.button("Save").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\xff\xd8")
    assert guest.calls == {"GET bibs/F7": 1}


def test_a_selection_is_asked_for_by_bib_and_page(guests: Callable[..., Guest], numbers: Link) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    made_up = MadeUp(130)
    made_up.serve(guest)
    made_up.serve_originals(guest)
    guest.open(numbers, f"?bib={BIB}")
    expect(guest.tiles.first).to_be_visible()
    guest.button("Select").click()
    to_the_end(guest, 130)
    for number in (1, 60, 130):
        guest.page.get_by_role("button", name=f"Photo {number} of 130", exact=True).click()
    with guest.page.expect_download() as download:
        guest.button("Save 3").click()
    saved = contents(Path(download.value.path()).read_bytes())
    assert sorted(saved.values()) == sorted(picture(number - 1) for number in (1, 60, 130))
    asked = guest.sent("POST original-photos")
    assert [json.loads(request.post_data or "") for request in asked] == [{"method": "bib", "identifier": BIB}] * 2


# ---------------------------------------------------------------- beside the selfie
def test_the_selfie_brings_the_number_along(guest: Guest, numbers: Link, race: Site) -> None:
    guest.open(numbers)
    guest.page.get_by_role("textbox", name=FIELD).fill("12-3")
    guest.agree()
    guest.look_into_camera()
    field = guest.page.get_by_role("textbox", name=BESIDE_SELFIE)
    expect(field).to_have_value("12-3")
    guest.send()
    expect(guest.page.get_by_text(WRONG)).to_be_visible()
    expect(field).to_be_focused()
    assert guest.calls == {}
    field.fill("# 123")
    guest.page.keyboard.press("Enter")
    expect(guest.heading("6 photos of you")).to_be_visible()
    by_bib = guest.page.get_by_role("region", name="Found by bib number")
    expect(by_bib.get_by_role("button", name="Photo 6 of 6", exact=True)).to_be_visible()
    assert guest.photos[-1] == str(image_id_of_bytes(race.event_id, NUMBERED[-1].read_bytes()))
    (post,) = guest.posts
    assert len(base64.b64decode(post.pop("file"))) > 1000
    assert post == {"request_id": guest.request_id, "consent": "standard-1", "bib": "123"}
    assert "123" not in kept(guest.page).replace(guest.request_id, "")


def test_the_number_is_optional(guest: Guest, numbers: Link) -> None:
    guest.find(numbers)
    (post,) = guest.posts
    assert "bib" not in post


def test_what_the_number_has_found_comes_last_under_a_heading(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.SHIFTS], motion="reduce")
    MadeUp(150, by_bib=70).serve(guest)
    guest.open(link, f"?r={REQUEST}")
    region = guest.page.get_by_role("region", name="Found by bib number")
    expect(region.get_by_role("heading", name="Found by bib number")).to_be_visible()
    to_the_end(guest, 150)
    expect(region.get_by_role("button", name=re.compile("^Photo"))).to_have_count(70)
    expect(guest.tiles).to_have_count(150)
    assert guest.calls == {"GET faces/{id}": 2}
    assert guest.page.evaluate("() => window.shifts") == []
    guest.page.get_by_role("button", name="Photo 81 of 150", exact=True).click()
    expect(guest.page.get_by_role("dialog", name="Photo 81 of 150")).to_be_visible()
    guest.page.keyboard.press("ArrowLeft")
    expect(guest.page.get_by_role("dialog", name="Photo 80 of 150")).to_be_visible()


def test_found_by_the_number_alone(guest: Guest, link: Link) -> None:
    MadeUp(3, by_bib=3).serve(guest)
    guest.open(link, f"?r={REQUEST}")
    region = guest.page.get_by_role("region", name="Found by bib number")
    expect(region.get_by_role("button", name=re.compile("^Photo"))).to_have_count(3)
    expect(guest.tiles).to_have_count(3)


# ---------------------------------------------------------------- where it is off, and elsewhere
def test_an_event_without_bibs_knows_none(guest: Guest, link: Link) -> None:
    guest.open(link, "?bib=123")
    expect(guest.button("Take a selfie")).to_be_visible()
    expect(guest.page.get_by_role("textbox")).to_have_count(0)
    assert guest.page.url == link.url
    guest.agree()
    guest.look_into_camera()
    expect(guest.button("Find my photos")).to_be_visible()
    expect(guest.page.get_by_role("textbox")).to_have_count(0)


def test_an_event_may_have_bibs_alone(guest: Guest, site: Site) -> None:
    own = site.other_event()
    facesearch(own, "event", "update", str(own.event_id), "--bib-search", "on", "--selfie-search", "off")
    guest.open(new_link(own))
    search(guest, "5")
    expect(guest.heading("No photos of number 5 yet.")).to_be_visible()
    expect(guest.button("Look again")).to_be_visible()
    expect(guest.button("Take a selfie")).to_have_count(0)
    guest.page.go_back()
    expect(guest.button("Search by number")).to_be_visible()
    expect(guest.page.get_by_role("checkbox")).to_have_count(0)
    expect(guest.button("Choose a photo")).to_have_count(0)


def test_a_kiosk_keeps_no_number(guest: Guest, numbers: Link) -> None:
    guest.open(numbers, "?kiosk")
    before = guest.page.evaluate("() => [location.href, history.length]")
    search(guest, "123")
    expect(guest.tiles).to_have_count(3)
    guest.button("I am done").click()
    expect(guest.page.get_by_role("textbox", name=FIELD)).to_have_value("")
    assert guest.page.evaluate("() => [location.href, history.length]") == before
    assert "123" not in kept(guest.page)
