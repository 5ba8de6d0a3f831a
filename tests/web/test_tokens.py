"""Publishable tokens as a page has them: what they open, what they do not, and how a guest is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from facesearch.models import QuotaLimits
from tests.integration.conftest import Site
from tests.web.guests import FOUND, PATIENCE, Guest
from tests.web.links import Link, facesearch, new_link
from tests.web.sites import foreign_site

ASK = """async ({method, path, body, key}) => {
  const config = JSON.parse(document.getElementById("face-search-config").textContent);
  const url = new URL(`${config.api}/api/v1/ext/${config.org}/${path.replace("{event}", config.event)}`);
  url.searchParams.set("token", key ?? config.token);
  const response = await fetch(url, {method, body, headers: body ? {"Content-Type": "text/plain"} : {}});
  return [response.status, response.headers.get("Face-Search-Error")];
}"""
NOBODY = "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31"


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "event/{event}/page", None, [200, None]),
        ("GET", f"event/{{event}}/faces/{NOBODY}", None, [404, "no_search"]),
        ("GET", "event/{event}/bibs/123", None, [403, "search_off"]),
        ("GET", "event/{event}/images", None, [403, "not_for_tokens"]),
        ("GET", "events", None, [403, "not_for_tokens"]),
        ("GET", "event/1/page", None, [403, "wrong_event"]),
        ("POST", "event/{event}/original-photos", {"method": "image_ids", "identifier": [NOBODY]}, None),
        ("POST", "event/{event}/original-photos", {"method": "image_id", "identifier": NOBODY}, None),
        ("POST", "event/{event}/faces/webhook", {}, None),
        ("POST", "event/{event}/tokens", {"expires_in": 3600}, [403, "scope"]),
    ],
)
def test_a_page_may_ask_for_what_a_guest_needs_and_for_nothing_else(
    guest: Guest, link: Link, method: str, path: str, body: object, expected: list[object] | None
) -> None:
    guest.expects("status of 40[34]")
    guest.open(link)
    asked = {"method": method, "path": path, "body": body and json.dumps(body)}
    assert guest.page.evaluate(ASK, asked) == (expected or [403, "not_for_tokens"])


def test_a_secret_key_in_the_address_is_refused(guest: Guest, link: Link, site: Site) -> None:
    guest.expects("status of 401")
    guest.open(link)
    asked = {"method": "GET", "path": "event/{event}/page", "key": site.api_key}
    assert guest.page.evaluate(ASK, asked)[0] == 401
    for name in ("gateway", "results", "search"):
        assert site.api_key not in site.stack.logs(name).read_text()


def test_after_a_rotation_the_open_page_is_refused_and_a_reload_works(guest: Guest, site: Site) -> None:
    link = new_link(site)
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    expect(guest.button("Find my photos")).to_be_visible()
    facesearch(site, "link", "rotate", link.link_id)
    guest.expects("status of 403")
    guest.send()
    expect(guest.page.get_by_text("This link is no longer valid.")).to_be_visible()
    guest.button("Load the page again").click()
    guest.agree()  # the address, and so the printed QR, is what it was
    guest.look_into_camera()
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()


def test_a_link_that_is_off_says_so(guest: Guest, site: Site) -> None:
    link = new_link(site)
    guest.open(link)
    guest.agree()
    guest.look_into_camera()
    facesearch(site, "link", "off", link.link_id)
    guest.expects("status of 40[34]")
    guest.send()
    guest.button("Load the page again").click()
    expect(guest.button("Load the page again")).to_have_count(0)
    expect(guest.page.get_by_text("This link is no longer valid.")).to_be_visible()


def test_a_name_that_no_link_has_says_the_same(guest: Guest, site: Site) -> None:
    guest.expects("status of 404")
    guest.page.goto(f"{site.stack.url}/e/marathon-0123456789")
    expect(guest.page.get_by_text("This link is no longer valid.")).to_be_visible()


def test_all_tokens_of_an_event_end_at_once(guest: Guest, site: Site) -> None:
    own = site.other_event()
    link = new_link(own)
    guest.open(link)
    facesearch(own, "event", "update", str(own.event_id), "--end-tokens")
    guest.expects("status of 403")
    asked = {"method": "GET", "path": "event/{event}/page"}
    status, code = guest.page.evaluate(ASK, asked)
    assert status == 403
    assert code in {"token_expired", "token_unknown"}


def test_a_page_of_another_site_cannot_use_the_token(guest: Guest, link: Link, site: Site) -> None:
    guest.open(link)
    config = guest.page.locator("#face-search-config").text_content() or "{}"
    with foreign_site() as thief:
        guest.hosts.add(thief.url.partition("//")[2])
        guest.expects("status of 403")
        html = (
            f'<!doctype html><title>x</title><script type="application/json" id="face-search-config">{config}</script>'
        )
        guest.page.goto(thief.serve(html, csp="default-src 'none'; connect-src *"))
        assert guest.page.evaluate(ASK, {"method": "GET", "path": "event/{event}/page"}) == [403, "origin"]


def test_a_budget_that_is_used_up_is_a_queue(guests: Callable[..., Guest], site: Site, samples: Path) -> None:
    """The organisation's own quota is not touched by what a token's refuses."""
    own = site.other_org("A small link")
    own.admin.set_quota(own.org_id, QuotaLimits(1, 3))
    link = new_link(own, "--per-minute", "2")  # one at once, the next after half a minute
    first, second = guests(), guests()
    for guest in (first, second):
        guest.open(link)
        guest.agree()
        guest.look_into_camera()
    second.expects("status of 429")
    with first.page.expect_response(lambda response: "/faces?" in response.url):
        first.send()
    second.send()
    expect(second.page.get_by_text("Many guests are looking right now.")).to_be_visible()
    searched = own.post((samples / "biden.jpg").read_bytes())
    assert (searched.status_code, searched.headers["RateLimit-Remaining"]) == (200, "1")
    expect(second.page.get_by_text("No photos of you").first).to_be_visible(timeout=2 * PATIENCE)
    assert 1 < len(second.sent("POST faces")) < 5
