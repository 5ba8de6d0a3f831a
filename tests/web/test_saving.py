"""Photos on their way to the guest's own disk."""

import base64
import io
import re
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from facesearch.records import image_id_of_bytes
from tests.integration.conftest import Site
from tests.web import scripts
from tests.web.conftest import fill
from tests.web.guests import DESKTOP, Guest
from tests.web.links import Link, new_link
from tests.web.madeup import REQUEST, MadeUp, picture
from tests.web.test_flow import SAMPLES, press_to
from tests.web.test_many import to_the_end


def original_of(site: Site, image_id: str) -> bytes:
    """What the photographer had uploaded under that id."""
    return next(
        content
        for path in SAMPLES.iterdir()
        if str(image_id_of_bytes(site.event_id, content := path.read_bytes())) == image_id
    )


def contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def select(guest: Guest, *numbers: int) -> list[str]:
    """Select some photos, counted from 0; their image_ids."""
    ids = guest.photos
    guest.button("Select").click()
    for number in numbers:
        guest.tiles.nth(number).click()
    expect(guest.page.get_by_text(f"{len(numbers)} selected").last).to_be_visible()
    return [ids[number] for number in numbers]


def test_a_selection_is_a_zip_of_exactly_these_originals(guests: Callable[..., Guest], link: Link, site: Site) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.find(link)
    chosen = select(guest, 0, 2, 3)
    with guest.page.expect_download() as download:
        guest.page.get_by_role("button", name="Save 3").click()
    assert download.value.suggested_filename.endswith(".zip")
    saved = contents(Path(download.value.path()).read_bytes())
    assert sorted(saved.values()) == sorted(original_of(site, image_id) for image_id in chosen)
    assert all(name.endswith(".jpg") for name in saved)


def test_a_zip_is_streamed_into_the_file_that_the_guest_names(
    guests: Callable[..., Guest], link: Link, site: Site
) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.FILE_PICKER])
    guest.find(link)
    ids = guest.photos
    guest.page.get_by_role("button", name="Save all").click()
    guest.page.wait_for_function("() => Object.keys(window.written).length === 1")
    ((name, content),) = guest.page.evaluate("() => Object.entries(window.written)")
    assert name.endswith(".zip")
    saved = contents(base64.b64decode(content))
    assert sorted(saved.values()) == sorted(original_of(site, image_id) for image_id in ids)


def test_an_original_that_is_gone_is_listed_and_the_rest_saved(
    guests: Callable[..., Guest], site: Site, assets: Path
) -> None:
    own = site.other_event()
    fill(own, assets / "samples")
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.find(new_link(own))
    ids = guest.photos
    gone = own.photo(uuid.UUID(ids[1]))
    assert gone is not None
    for original in gone.originals:
        own.s3.delete_object(Bucket=own.outputs["PhotosBucket"], Key=original.key)
    guest.page.get_by_role("button", name="Save all").click()
    expect(guest.page.get_by_text("1 of 5 could not be fetched.").last).to_be_visible()
    expect(guest.button("Try again")).to_be_visible()
    with guest.page.expect_download() as download:
        guest.page.get_by_role("button", name="Save 4").click()
    assert "4 of 5" in download.value.suggested_filename
    saved = contents(Path(download.value.path()).read_bytes())
    left = [image_id for image_id in ids if image_id != ids[1]]
    assert sorted(saved.values()) == sorted(original_of(own, image_id) for image_id in left)


def test_saving_can_be_cancelled(guests: Callable[..., Guest], link: Link, site: Site) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.find(link)
    guest.expects("ERR_ABORTED|ERR_FAILED|AbortError")
    guest.context.route(re.compile("X-Amz-Signature"), lambda _: None)  # the original never comes
    guest.page.get_by_role("button", name="Save all").click()
    guest.button("Cancel").click()
    expect(guest.button("Cancel")).to_have_count(0)
    expect(guest.page.get_by_role("button", name="Save all")).to_be_enabled()


def test_a_selection_that_crosses_pages_asks_for_the_pages_that_it_lies_on(
    guests: Callable[..., Guest], link: Link
) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    made_up = MadeUp(130)
    made_up.serve(guest)
    made_up.serve_originals(guest)
    guest.open(link, f"?r={REQUEST}")
    expect(guest.tiles.first).to_be_visible()
    guest.button("Select").click()
    to_the_end(guest, 130)
    for number in (1, 59, 60, 61, 130):  # on the 1st, 1st, 1st, 2nd, 3rd page of 60
        guest.page.get_by_role("button", name=f"Photo {number} of 130", exact=True).click()
    with guest.page.expect_download() as download:
        guest.page.get_by_role("button", name="Save 5").click()
    saved = contents(Path(download.value.path()).read_bytes())
    assert sorted(saved.values()) == sorted(picture(number - 1) for number in (1, 59, 60, 61, 130))


def test_61_photos_are_all_of_two_pages(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    made_up = MadeUp(61, gone={60})
    made_up.serve(guest)
    made_up.serve_originals(guest)
    guest.open(link, f"?r={REQUEST}")
    guest.page.get_by_role("button", name="Save all").click()
    expect(guest.page.get_by_text("1 of 61 could not be fetched.").last).to_be_visible()
    assert len(guest.sent("POST original-photos")) == 2


def test_without_originals_the_large_pictures_are_saved(guests: Callable[..., Guest], site: Site) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.find(new_link(site, "--no-originals"))
    chosen = select(guest, 0, 1)
    expect(guest.page.get_by_text("original", exact=False)).to_have_count(0)
    with guest.page.expect_download() as download:
        guest.page.get_by_role("button", name="Save 2").click()
    saved = contents(Path(download.value.path()).read_bytes())
    assert sorted(saved.values()) == sorted(
        site.http.get(f"{site.stack.url}/imgs/{site.event_id}/large/{image_id}.jpg").content for image_id in chosen
    )
    assert guest.calls == {"POST faces": 1}


def test_by_keyboard_alone_photos_are_selected_and_saved(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(width=DESKTOP, scripts=[scripts.NO_FILE_PICKER])
    guest.find(link)
    press_to(guest, "Photo 1 of 5")
    guest.page.keyboard.press("Space")
    guest.page.keyboard.press("ArrowRight")
    guest.page.keyboard.press("Space")
    expect(guest.page.get_by_text("2 selected").last).to_be_visible()
    guest.page.keyboard.press("Control+a")
    expect(guest.page.get_by_text("5 selected").last).to_be_visible()
    press_to(guest, "Save 5")
    with guest.page.expect_download() as download:
        guest.page.keyboard.press("Enter")
    assert len(contents(Path(download.value.path()).read_bytes())) == 5
