"""`<face-search>` in the page of another site: under its policy, beside others, taken away and put back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from facesearch.models import Scope
from facesearch_client import FaceSearchClient
from tests.integration.conftest import Site
from tests.web import scripts
from tests.web.embedding import TOLD, Embedding, Guests, told
from tests.web.gateway import reached
from tests.web.guests import FOUND
from tests.web.links import facesearch
from tests.web.madeup import BIB, REQUEST, MadeUp
from tests.web.sites import foreign_site
from tests.web.test_flow import photos_of
from tests.web.test_many import to_the_end

PLACE = "() => [location.href, history.length, history.state, document.title, document.documentElement.lang]"
TAKE_AWAY = "() => { window.taken = document.querySelector('face-search'); window.taken.remove(); }"
PUT_BACK = "() => document.body.append(window.taken)"
BACKGROUND = "(element) => getComputedStyle(element).backgroundColor"
POST = re.compile(r"/faces\?")


@pytest.fixture(scope="module")
def embedding(site: Site) -> Iterator[Embedding]:
    key = site.admin.create_key(site.org_id, [Scope.MINT]).api_key
    with foreign_site() as foreign, FaceSearchClient(site.stack.url, key, site.org_id) as server:
        yield Embedding(site, foreign, server)


def test_the_whole_flow_under_a_strict_policy(guests: Guests, embedding: Embedding, site: Site) -> None:
    guest = guests(scripts=[TOLD, scripts.NO_FILE_PICKER])
    with reached(site) as routes:
        embedding.show(guest, embedding.element())
        place = guest.page.evaluate(PLACE)
        guest.agree()
        guest.look_into_camera()
        guest.send()
        expect(guest.tiles).to_have_count(5)
        assert set(guest.photos) == photos_of(site, "obama")
        guest.tiles.nth(1).click()
        expect(guest.page.get_by_role("dialog").get_by_role("img", name="Photo 2 of 5, with you")).to_be_visible()
        guest.page.keyboard.press("Escape")
        expect(guest.page.get_by_role("dialog")).to_have_count(0)
        with guest.page.expect_download():
            guest.button("Save all").click()
    assert not [route for route in routes if route.startswith("OPTIONS")]
    assert guest.calls == {"POST faces": 1, "POST original-photos": 1}
    (post,) = guest.posts
    guest.page.keyboard.press("Escape")
    guest.button("More").click()
    guest.page.get_by_role("menuitem", name="Delete my search").click()
    guest.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(guest.page.get_by_text("Deleted.").first).to_be_visible()
    assert guest.page.evaluate(PLACE) == place
    assert told(guest) == [
        ["ready", None],
        ["consent", None],
        ["started", None],
        ["results", {"requestId": post["request_id"], "total": 5}],
        ["saved", {"count": 5}],
        ["deleted", None],
    ]


def test_several_on_one_page(guests: Guests, embedding: Embedding, site: Site) -> None:
    """Two of one event, and one of another, which has no photos."""
    guest = guests()
    events = {"first": site, "second": site, "third": site.other_event()}
    embedding.show(guest, *(embedding.element(id=name, of=of) for name, of in events.items()))
    for name in reversed(events):
        element = guest.page.locator(f"#{name}")
        element.get_by_role("checkbox").check()
        element.get_by_role("button", name="Take a selfie").click()
        element.get_by_role("button", name="Take the picture").click()
        element.get_by_role("button", name="Find my photos").click()
        found = "No photos of you yet." if name == "third" else "5 photos of you"
        expect(element.get_by_role("heading", name=found)).to_be_visible()
    expect(guest.tiles).to_have_count(2 * 5)
    expect(guest.heading("No photos of you yet.")).to_be_visible()
    assert guest.calls == {"POST faces": 3}


def test_another_version_warns_and_the_first_stays(guests: Guests, embedding: Embedding, dist: Path) -> None:
    guest = guests()
    guest.expects("another version is already on this page; it stays")
    (version,) = (path.parent.name for path in (dist / "page").glob("*-*/face-search.js"))
    with guest.page.expect_console_message(lambda message: "another version" in message.text):
        embedding.show(guest, embedding.element(), scripts=("v1/face-search.js", f"{version}/face-search.js?other"))
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()


def test_taken_out_of_the_page_the_camera_goes_off_and_on_again_when_put_back(
    guests: Guests, embedding: Embedding
) -> None:
    guest = guests(scripts=[scripts.STREAMS])
    embedding.show(guest, embedding.element())
    guest.agree()
    guest.button("Take a selfie").click()
    guest.page.wait_for_function(scripts.CAMERA_IS_ON)
    guest.page.evaluate(TAKE_AWAY)
    guest.page.wait_for_function(scripts.CAMERA_IS_OFF)
    guest.page.evaluate(PUT_BACK)
    guest.button("Take the picture").click()
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()


def test_moved_while_it_sends_it_sends_again_and_is_matched_once(
    guests: Guests, embedding: Embedding, site: Site
) -> None:
    guest = guests()
    guest.expects("ERR_FAILED|ERR_ABORTED")
    held: list[Route] = []
    guest.context.route(POST, lambda route: route.fallback() if held else held.append(route))
    executed = site.metric("search", "SearchExecuted")
    embedding.show(guest, embedding.element())
    guest.agree()
    guest.look_into_camera()
    with guest.page.expect_request(POST):
        guest.send()
    guest.page.evaluate(TAKE_AWAY)
    guest.page.evaluate(PUT_BACK)
    expect(guest.heading(FOUND)).to_be_visible()
    first, second = guest.posts
    assert first["request_id"] == second["request_id"]
    assert site.metric("search", "SearchExecuted") <= executed + 1


def test_put_back_further_photos_still_come(guests: Guests, embedding: Embedding) -> None:
    guest = guests()
    MadeUp(150).serve(guest)
    embedding.show(guest, embedding.element(request_id=REQUEST))
    expect(guest.button("Photo 1 of 150")).to_be_visible()
    guest.page.evaluate(TAKE_AWAY)
    guest.page.evaluate(PUT_BACK)
    to_the_end(guest, 150)
    assert guest.calls == {"GET faces/{id}": 2}


# ---------------------------------------------------------------- tokens
def test_a_token_provider_is_asked_first_and_when_a_token_has_ended(
    guests: Guests, embedding: Embedding, site: Site
) -> None:
    own = site.other_event()
    guest = guests(scripts=[TOLD])
    asked: list[str] = []

    def give() -> str:
        asked.append(embedding.token(own))
        return asked[-1]

    guest.context.expose_function("give", give)
    embedding.show(guest, embedding.element(of=own, token=""))
    guest.page.evaluate("() => { document.querySelector('face-search').tokenProvider = window.give; }")
    guest.agree()
    guest.look_into_camera()
    expect(guest.button("Find my photos")).to_be_visible()
    assert len(asked) == 1
    facesearch(own, "event", "update", str(own.event_id), "--end-tokens")
    guest.expects("status of 403")
    guest.send()
    expect(guest.heading("No photos of you yet.")).to_be_visible()
    assert len(asked) == 2
    assert len({post["request_id"] for post in guest.posts}) == 1
    assert told(guest, "error", "token-expired") == []


def test_a_new_token_goes_on_where_an_old_one_has_ended(guests: Guests, embedding: Embedding, site: Site) -> None:
    own = site.other_event()
    guest = guests(scripts=[TOLD])
    guest.expects("status of 403")
    ended = [["token-expired", None], ["error", {"code": "token_expired"}]]

    def renew() -> None:
        expect(guest.heading("This link is no longer valid.")).to_be_visible()
        token = embedding.token(own)
        guest.page.locator("face-search").evaluate("(element, token) => { element.token = token; }", token)

    element = embedding.element(of=own)
    facesearch(own, "event", "update", str(own.event_id), "--end-tokens")
    embedding.show(guest, element)
    renew()
    guest.agree()
    guest.look_into_camera()
    expect(guest.button("Find my photos")).to_be_visible()
    assert told(guest, "error", "token-expired") == ended
    facesearch(own, "event", "update", str(own.event_id), "--end-tokens")
    guest.send()
    renew()
    expect(guest.heading("No photos of you yet.")).to_be_visible()
    assert told(guest, "error", "token-expired") == ended * 2


# ---------------------------------------------------------------- what a site's script asks for
def test_reset_forgets_and_open_shows_a_result(guests: Guests, embedding: Embedding) -> None:
    guest = guests()
    embedding.show(guest, embedding.element())
    element = guest.page.locator("face-search")
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()
    element.evaluate("(element) => element.reset()")
    expect(guest.button("Take a selfie")).to_be_visible()
    expect(guest.page.get_by_role("checkbox")).not_to_be_checked()
    element.evaluate("(element, id) => element.open(id)", guest.posts[0]["request_id"])
    expect(guest.tiles).to_have_count(5)
    assert guest.calls["POST faces"] == 1


def test_open_waits_for_the_token(guests: Guests, embedding: Embedding) -> None:
    guest = guests()
    MadeUp(3).serve(guest)
    embedding.show(guest, embedding.element(token=""))
    expect(guest.page.get_by_text("One moment …")).to_be_visible()
    element = guest.page.locator("face-search")
    element.evaluate("(element, id) => element.open(id)", REQUEST)
    element.evaluate("(element, token) => { element.token = token; }", embedding.token())
    expect(guest.tiles).to_have_count(3)
    assert all("token=fsp_" in request.url for request in guest.sent("GET faces/{id}"))


def test_a_site_that_knows_the_number_fills_it_in_and_opens_its_photos(
    guests: Guests, embedding: Embedding, site: Site
) -> None:
    own = site.other_event()
    facesearch(own, "event", "update", str(own.event_id), "--bib-search", "on")
    guest = guests(scripts=[TOLD])
    MadeUp(3).serve(guest)
    embedding.show(guest, embedding.element(of=own, bib=BIB))
    place = guest.page.evaluate(PLACE)
    expect(guest.page.get_by_role("textbox")).to_have_value(BIB)
    element = guest.page.locator("face-search")
    element.evaluate("(element, bib) => element.open(bib)", BIB)
    expect(guest.tiles).to_have_count(3)
    assert guest.page.evaluate(PLACE) == place
    assert told(guest) == [["ready", None], ["results", {"bib": BIB, "total": 3}]]
    element.evaluate("(element) => element.reset()")
    expect(guest.page.get_by_role("textbox")).to_have_value("")


# ---------------------------------------------------------------- attributes, slots
def test_slots_are_filled(guests: Guests, embedding: Embedding) -> None:
    guest = guests()
    slots = '<h2 slot="heading">Our run</h2><p slot="consent">Our words</p><p slot="footer">Our foot</p><p>Link</p>'
    embedding.show(guest, embedding.element(slots))
    for text in ("Our run", "Our words", "Our foot"):
        expect(guest.page.get_by_text(text)).to_be_visible()
    expect(guest.heading("Marathon")).to_be_hidden()
    expect(guest.page.get_by_text("Link", exact=True)).to_be_hidden()


def test_without_javascript_its_content_shows(guests: Guests, embedding: Embedding) -> None:
    guest = guests(scripted=False)
    embedding.show(guest, embedding.element('<a href="https://photos.example/e/run">Find your photos</a>'))
    expect(guest.page.get_by_role("link", name="Find your photos")).to_be_visible()


@pytest.mark.parametrize(
    ("camera", "shown", "hidden"),
    [("only", "Take a selfie", "Choose a photo"), ("off", "Choose a photo", "Take a selfie")],
)
def test_the_attribute_camera_holds_on_every_screen(
    guests: Guests, embedding: Embedding, camera: str, shown: str, hidden: str
) -> None:
    guest = guests(camera="nobody")
    guest.expects("status of 400")
    embedding.show(guest, embedding.element(camera=camera))
    expect(guest.button(shown)).to_be_visible()
    expect(guest.button(hidden)).to_have_count(0)
    guest.agree()
    if camera == "only":
        guest.button(shown).click()
        guest.button("Take the picture").click()
    else:
        guest.choose({"name": "grey.png", "mimeType": "image/png", "buffer": guest.page.screenshot()})
    guest.send()
    expect(guest.page.get_by_text("We could not see a face.")).to_be_visible()
    expect(guest.button(shown)).to_be_visible()
    expect(guest.button(hidden)).to_have_count(0)


def test_without_originals_what_is_shown_is_saved(guests: Guests, embedding: Embedding, site: Site) -> None:
    guest = guests(scripts=[TOLD, scripts.NO_FILE_PICKER])
    embedding.show(guest, embedding.element(originals="off"))
    guest.agree()
    guest.look_into_camera()
    guest.send()
    with guest.page.expect_download():
        guest.button("Save all").click()
    assert guest.calls == {"POST faces": 1}
    guest.page.wait_for_function("() => window.told.some(([name]) => name === 'saved')")


def test_language_and_theme_are_the_sites(guests: Guests, embedding: Embedding) -> None:
    guest = guests(scheme="light")
    embedding.show(guest, embedding.element(lang="de", theme="dark"), embedding.element(lang="hi", theme="light"))
    german, hindi = guest.page.locator("face-search").all()
    expect(german.get_by_role("button", name="Selfie machen")).to_be_visible()
    expect(hindi.get_by_role("button", name="सेल्फ़ी लें")).to_be_visible()
    assert german.evaluate(BACKGROUND) == "rgb(18, 19, 22)"
    assert hindi.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    guest.page.emulate_media(color_scheme="dark")
    assert hindi.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    hindi.evaluate("(element) => { element.lang = 'en'; }")
    expect(hindi.get_by_role("button", name="Take a selfie")).to_be_visible()
