"""Cameras that are off, absent, blind, dark, or see nobody or too many."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.web import scripts
from tests.web.browsers import ABSENT, DENIED
from tests.web.guests import DESKTOP, FOUND, Guest
from tests.web.links import Link
from tests.web.test_flow import SAMPLES

MIRRORED = """(video) => {
  const style = getComputedStyle(video);
  return new DOMMatrix(style.transform).a === -1 || style.scale.startsWith("-1");
}"""


def test_a_denied_camera_is_explained_and_a_photo_taken_instead(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(camera=DENIED)
    guest.open(link)
    guest.agree()
    guest.button("Take a selfie").click()
    expect(guest.page.get_by_text("The camera is switched off for this page.")).to_be_visible()
    expect(guest.button("Try now")).to_be_visible()
    guest.choose(SAMPLES / "obama.jpg")
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()


def test_a_camera_that_shows_nothing_gives_way_to_a_file(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(scripts=[scripts.NO_FRAMES])
    guest.open(link)
    guest.agree()
    guest.button("Take a selfie").click()
    expect(guest.page.get_by_text("The camera shows no picture.")).to_be_visible()
    guest.choose(SAMPLES / "obama.jpg")
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()


def test_without_a_camera_a_file_is_asked_for_and_a_phone_shown_the_way(
    guests: Callable[..., Guest], link: Link
) -> None:
    guest = guests(camera=ABSENT, width=DESKTOP)
    guest.open(link)
    expect(guest.page.get_by_role("img", name="QR code of this page")).to_be_visible()
    expect(guest.button("Take a selfie")).to_have_count(0)
    guest.agree()
    guest.choose(SAMPLES / "obama.jpg")
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()


def test_it_says_that_it_is_dark(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(camera="dark")
    guest.open(link)
    guest.agree()
    guest.button("Take a selfie").click()
    expect(guest.page.get_by_text("It is dark.")).to_be_visible()


def test_it_does_not_say_so_in_light(guest: Guest, link: Link) -> None:
    guest.open(link)
    guest.agree()
    guest.button("Take a selfie").click()
    expect(guest.button("Take the picture")).to_be_enabled()
    expect(guest.page.get_by_text("It is dark.")).not_to_be_visible()


def test_a_picture_of_nobody_is_refused_and_another_one_may_be_taken(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(camera="nobody")
    guest.expects("status of 400")
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.page.get_by_text("We could not see a face.")).to_be_visible()
    guest.button("Take a selfie").click()
    expect(guest.button("Take the picture")).to_be_visible()
    assert guest.calls == {"POST faces": 1}


def test_several_faces_are_told(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(camera="two")
    guest.page.goto(link.elsewhere)  # where the header must be exposed
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.page.get_by_text("We saw 2 faces")).to_be_visible()
    expect(guest.button("Take another")).to_be_visible()
    guest.button("Keep").click()
    expect(guest.heading(FOUND)).to_be_visible()
    assert guest.calls == {"POST faces": 1}


def test_another_picture_is_taken_by_the_same_stream(guests: Callable[..., Guest], link: Link) -> None:
    guest = guests(scripts=[scripts.STREAMS])
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    guest.button("Take another").click()
    guest.button("Take the picture").click()
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()
    guest.page.wait_for_function(scripts.CAMERA_IS_OFF)


@pytest.mark.parametrize("leave", ["close", "hide"])
def test_the_camera_goes_off_when_it_is_left(guests: Callable[..., Guest], link: Link, leave: str) -> None:
    guest = guests(scripts=[scripts.STREAMS])
    guest.open(link)
    guest.agree()
    guest.button("Take a selfie").click()
    guest.page.wait_for_function(scripts.CAMERA_IS_ON)
    if leave == "close":
        guest.button("Close").click()
    else:
        guest.page.evaluate(
            """() => {
              Object.defineProperty(document, "visibilityState", {value: "hidden"});
              Object.defineProperty(document, "hidden", {value: true});
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
    guest.page.wait_for_function(scripts.CAMERA_IS_OFF)


def test_the_preview_is_a_mirror_and_what_is_sent_is_not(guest: Guest, link: Link) -> None:
    guest.open(link)
    guest.agree()
    guest.button("Take a selfie").click()
    expect(guest.button("Take the picture")).to_be_enabled()
    assert guest.page.locator("video").evaluate(MIRRORED)
