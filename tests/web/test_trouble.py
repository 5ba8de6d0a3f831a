"""Networks and servers that fail: a guest waits, and is searched for once."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.integration.conftest import Site, until
from tests.web.guests import FOUND, Guest
from tests.web.links import Link

POST = re.compile(r"/faces\?")


class Spoilt:
    """Route handler: spoils the first POST of a selfie, and lets the others through."""

    def __init__(self, spoil: Callable[[Route], None]) -> None:
        self._spoil = spoil
        self.spoilt = 0

    def __call__(self, route: Route) -> None:
        if route.request.method != "POST" or self.spoilt:
            route.fallback()
            return
        self.spoilt += 1
        self._spoil(route)


def killed_before(route: Route) -> None:
    route.abort("connectionreset")


def killed_after(route: Route) -> None:
    """The search has happened; its response is lost."""
    route.fetch()
    route.abort("connectionreset")


def never_heard_of(route: Route) -> None:
    """The search has happened; its response does not come."""
    route.fetch()


def failing(status: int, code: str, **headers: str) -> Callable[[Route], None]:
    """A response of the gateway's, without a search behind it."""

    def fail(route: Route) -> None:
        route.fulfill(
            status=status,
            content_type="application/json",
            headers={"Face-Search-Error": code, "Access-Control-Expose-Headers": "Face-Search-Error, Retry-After"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
            body='{"responseType": "error", "message": "no", "data": null}',
        )

    return fail


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (killed_before, "ERR_CONNECTION_RESET"),
        (killed_after, "ERR_CONNECTION_RESET"),
        (failing(500, "internal"), "status of 500"),
        (failing(504, "internal"), "status of 504"),
        (failing(429, "token_quota", Retry_After="1"), "status of 429"),
        (failing(429, "in_progress", Retry_After="1"), "status of 429"),
    ],
    ids=["killed before", "killed after", "500", "504", "quota", "in progress"],
)
def test_a_spoilt_post_is_sent_again_and_matched_once(
    guest: Guest, link: Link, site: Site, spoil: Callable[[Route], None], message: str
) -> None:
    guest.expects(message)
    executed = site.metric("search", "SearchExecuted")
    guest.context.route(POST, Spoilt(spoil))
    guest.find(link)
    assert [post["request_id"] for post in guest.posts] == [guest.request_id] * 2
    until(lambda: site.metric("search", "SearchExecuted") > executed)
    assert site.metric("search", "SearchExecuted") == executed + 1


def test_a_queue_of_guests_is_told_with_seconds(guest: Guest, link: Link) -> None:
    guest.expects("status of 429")
    spoilt = Spoilt(failing(429, "token_quota", Retry_After="12"))
    guest.context.route(POST, spoilt)
    guest.page.clock.install()
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.page.get_by_text("Many guests are looking right now.")).to_be_visible()
    expect(guest.page.get_by_text(re.compile("in about [0-9]+ s"))).to_be_visible()
    expect(guest.button("Cancel")).to_be_visible()
    guest.page.clock.run_for(30_000)
    expect(guest.heading(FOUND)).to_be_visible()
    assert guest.calls == {"POST faces": 2}


def test_a_guest_can_cancel_while_waiting(guest: Guest, link: Link) -> None:
    guest.expects("status of 429")
    guest.context.route(POST, failing(429, "token_quota", Retry_After="600"))
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    guest.send()
    with guest.page.expect_request(lambda request: request.method == "DELETE"):
        guest.button("Cancel").click()
    expect(guest.button("Take a selfie").or_(guest.button("Find my photos")).first).to_be_visible()
    assert guest.calls["POST faces"] == 1


def test_a_search_that_was_cancelled_on_its_way_is_deleted(guest: Guest, link: Link, site: Site) -> None:
    guest.context.route(POST, Spoilt(never_heard_of))
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.button("Cancel")).to_be_visible()
    request_id = guest.request_id

    def searched() -> bool:
        guest.page.wait_for_timeout(50)  # Playwright's handler of the route runs meanwhile
        return site.get(request_id).status_code == 200

    until(searched)
    with guest.page.expect_response(lambda response: response.request.method == "DELETE") as deletion:
        guest.button("Cancel").click()
    assert deletion.value.status == 200
    assert site.get(request_id).status_code == 404


def test_offline_before_sending_waits_for_the_network(guest: Guest, link: Link) -> None:
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    expect(guest.button("Find my photos")).to_be_visible()
    guest.context.set_offline(True)
    guest.send()
    expect(guest.page.get_by_text("You are offline.")).to_be_visible()
    guest.expects("ERR_INTERNET_DISCONNECTED")
    guest.context.set_offline(False)
    expect(guest.heading(FOUND)).to_be_visible()
    assert {post["request_id"] for post in guest.posts} == {guest.request_id}


def test_offline_while_sending_goes_on_afterwards(guest: Guest, link: Link, site: Site) -> None:
    def lose_network(route: Route) -> None:
        guest.context.set_offline(True)
        route.abort("internetdisconnected")

    guest.expects("ERR_INTERNET_DISCONNECTED")
    executed = site.metric("search", "SearchExecuted")
    guest.context.route(POST, Spoilt(lose_network))
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.page.get_by_text("You are offline.")).to_be_visible()
    guest.context.set_offline(False)
    expect(guest.heading(FOUND)).to_be_visible()
    assert {post["request_id"] for post in guest.posts} == {guest.request_id}
    until(lambda: site.metric("search", "SearchExecuted") == executed + 1)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "token_unknown", "This link is no longer valid."),
        (403, "token_expired", "This link is no longer valid."),
        (403, "search_over", "has ended"),
        (403, "event_off", "Photo search is not open."),
        (403, "search_off", "Photo search is not open."),
        (403, "origin", "This page may not use this link."),
        (400, "unusable_image", "This picture cannot be used"),
        (400, "no_face", "We could not see a face."),
    ],
)
def test_a_refusal_is_told_in_words_for_guests(guest: Guest, link: Link, status: int, code: str, words: str) -> None:
    guest.expects(f"status of {status}", code)  # for `origin` the console says why
    guest.context.route(POST, failing(status, code))
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.page.get_by_text(re.compile(words)).first).to_be_visible()
    assert guest.calls == {"POST faces": 1}  # no refusal is tried again


def test_a_photo_that_fails_is_tried_again_and_then_by_hand(guest: Guest, link: Link) -> None:
    guest.expects("ERR_FAILED")
    failing_thumbs = re.compile("/imgs/[0-9]+/small/")
    guest.context.route(failing_thumbs, lambda route: route.abort())
    guest.find(link)
    again = guest.page.get_by_role("button", name=re.compile("did not load. Try again"))
    expect(again.first).to_be_visible()
    guest.context.unroute(failing_thumbs)
    again.first.click()
    expect(guest.page.locator("img[src*='/small/']").first).to_be_visible()
