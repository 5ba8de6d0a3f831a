"""What a guest's way costs: taps, and requests before there is something to read."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.integration.conftest import Site
from tests.web import scripts
from tests.web.guests import Guest
from tests.web.links import Link, facesearch, new_link
from tests.web.test_flow import SAMPLES
from tests.web.test_saving import contents, original_of

TAPS = "window.taps = 0; addEventListener('click', (event) => { window.taps += event.isTrusted; }, true);"
"""Counts what the guest touches."""


def test_from_the_code_to_saved_photos_in_four_taps_and_the_consent(
    guests: Callable[..., Guest], link: Link, site: Site
) -> None:
    guest = guests(scripts=[TAPS, scripts.NO_FILE_PICKER])
    guest.open(link)
    guest.agree()
    assert guest.page.evaluate("() => window.taps") == 1
    guest.look_into_camera()
    guest.send()
    with guest.page.expect_download() as download:
        guest.button("Save all").click()
    saved = contents(Path(download.value.path()).read_bytes())
    assert sorted(saved.values()) == sorted(original_of(site, image_id) for image_id in guest.photos)
    assert guest.page.evaluate("() => window.taps") == 1 + 4


def test_the_first_text_is_three_requests_and_the_cover(guest: Guest, site: Site) -> None:
    own = site.other_event()
    cover = own.put_photo((SAMPLES / "obama.jpg").read_bytes())
    own.indexed(cover)
    facesearch(own, "event", "update", str(own.event_id), "--cover", str(cover))
    guest.open(new_link(own))
    expect(guest.button("Take a selfie")).to_be_visible()
    guest.page.wait_for_load_state("networkidle")
    asked = [url.path for request in guest.requests if (url := urlsplit(request.url)).scheme != "data"]
    assert len(asked) <= 3 + 1
    assert len([path for path in asked if str(cover) in path]) == 1
