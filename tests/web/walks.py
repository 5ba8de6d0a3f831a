"""Every state of the page, and how a guest comes to it: what all states must keep is tested over this list."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from playwright.sync_api import Locator, Route, expect

from facesearch.admin.models import Features
from tests.web import scripts
from tests.web.guests import Guest
from tests.web.links import Link, new_link
from tests.web.madeup import BIB, REQUEST, MadeUp
from tests.web.words import Words

POST = re.compile(r"/faces\?")


@dataclass(frozen=True)
class Walk:
    """A guest on the way, and the words of the language in which they read."""

    guest: Guest
    link: Link
    words: Words

    # ------------------------------------------------------------ what a walk consists of
    def button(self, key: str, **values: object) -> Locator:
        return self.guest.page.get_by_role("button", name=self.words(key, **values), exact=True)

    def item(self, key: str) -> Locator:
        return self.guest.page.get_by_role("menuitem", name=self.words(key), exact=True)

    def sees(self, key: str, **values: object) -> None:
        expect(self.guest.page.get_by_text(self.words(key, **values)).first).to_be_visible()

    def opens(self, query: str = "") -> None:
        self.guest.open(self.link, query)

    def agrees(self) -> None:
        self.opens()
        self.guest.page.get_by_role("checkbox").check()

    def takes(self) -> None:
        self.agrees()
        self.button("start.selfie").click()
        self.button("camera.shutter").click()
        expect(self.button("check.send")).to_be_visible()

    def sends(self) -> None:
        self.takes()
        self.button("check.send").click()

    def finds(self) -> None:
        self.sends()
        expect(self.photo(1)).to_be_visible()
        expect(self.guest.page.get_by_role("heading", level=1)).to_be_focused()

    def photo(self, number: int, total: int = 5) -> Locator:
        return self.button("results.photo", n=number, total=total)

    def is_told(self, status: int, code: str, **headers: str) -> None:
        """Let the API refuse selfies like this."""

        def refuse(route: Route) -> None:
            route.fulfill(
                status=status,
                content_type="application/json",
                headers={"Face-Search-Error": code, "Access-Control-Expose-Headers": "Face-Search-Error, Retry-After"}
                | {name.replace("_", "-"): value for name, value in headers.items()},
                body='{"responseType": "error", "message": "no", "data": null}',
            )

        self.guest.expects(f"status of {status}")
        self.guest.context.route(POST, refuse)

    def saves(self) -> None:
        self.finds()
        self.button("results.save_all").click()


# ---------------------------------------------------------------- before the selfie
def start(walk: Walk) -> None:
    walk.opens()
    expect(walk.button("start.selfie")).to_be_visible()


def consent(walk: Walk) -> None:
    start(walk)
    walk.button("start.selfie").click()
    walk.sees("consent.needed")


def privacy(walk: Walk) -> None:
    start(walk)
    walk.button("start.privacy").click()
    walk.sees("privacy.selfie")


def app(walk: Walk) -> None:
    walk.opens()
    walk.sees("banner.stay")


def again(walk: Walk) -> None:
    walk.finds()
    walk.opens()
    walk.sees("start.yours")


def camera(walk: Walk) -> None:
    walk.agrees()
    walk.button("start.selfie").click()
    expect(walk.button("camera.shutter")).to_be_enabled()


def dark(walk: Walk) -> None:
    camera(walk)
    walk.sees("camera.dark")


def denied(walk: Walk) -> None:
    walk.agrees()
    walk.button("start.selfie").click()
    walk.sees("camera.denied")


def absent(walk: Walk) -> None:
    walk.opens()
    expect(walk.button("start.selfie")).to_have_count(0)
    walk.sees("start.qr")


def check(walk: Walk) -> None:
    walk.takes()


# ---------------------------------------------------------------- by bib
def with_bibs(walk: Walk) -> Walk:
    """The same walk at an event that has bibs, and no photos."""
    own = walk.link.site.other_event(features=Features(bib_search=True))
    return replace(walk, link=new_link(own))


def bib(walk: Walk) -> None:
    start(with_bibs(walk))
    walk.sees("bib.how")


def bib_wrong(walk: Walk) -> None:
    bib(walk)
    walk.button("bib.find").click()
    walk.sees("bib.wrong")


def bib_check(walk: Walk) -> None:
    with_bibs(walk).takes()
    walk.guest.page.get_by_role("textbox").fill("1024")


def bib_found(walk: Walk) -> None:
    MadeUp(8).serve(walk.guest)
    with_bibs(walk).opens(f"?bib={BIB}")
    expect(walk.photo(1, 8)).to_be_visible()


def bib_none(walk: Walk) -> None:
    with_bibs(walk).opens(f"?bib={BIB}")
    walk.sees("bib.yet", bib=BIB)


def bib_copy(walk: Walk) -> None:
    bib_found(walk)
    walk.button("results.menu").click()
    walk.item("results.menu.copy_link").click()
    walk.sees("copy.bib", bib=BIB)


def by_bib(walk: Walk) -> None:
    MadeUp(12, by_bib=3).serve(walk.guest)
    walk.opens(f"?r={REQUEST}")
    heading = walk.guest.page.get_by_role("heading", name=walk.words("bib.also"))
    heading.scroll_into_view_if_needed()
    expect(heading).to_be_in_viewport()


# ---------------------------------------------------------------- on its way
def sending(walk: Walk) -> None:
    walk.guest.context.route(POST, lambda _: None)  # no response ever comes
    walk.sends()
    walk.sees("send.title")


def queued(walk: Walk) -> None:
    walk.is_told(429, "token_quota", Retry_After="600")
    walk.sends()
    walk.sees("send.queued_title")


def offline(walk: Walk) -> None:
    walk.guest.expects("ERR_INTERNET_DISCONNECTED")
    walk.takes()
    walk.guest.context.set_offline(True)
    walk.button("check.send").click()
    walk.sees("send.offline_title")


def refused(code: str, status: int, key: str) -> Callable[[Walk], None]:
    def reach(walk: Walk) -> None:
        walk.is_told(status, code)
        walk.sends()
        walk.sees(key)

    return reach


def gone(walk: Walk) -> None:
    walk.guest.expects("status of 404")
    walk.opens(f"?r={uuid.uuid4()}")
    walk.sees("problem.no_search")


# ---------------------------------------------------------------- what was found
def results(walk: Walk) -> None:
    walk.finds()


def several(walk: Walk) -> None:
    """The selfie shows two people."""
    walk.finds()
    walk.sees("found.keep")


def shared(walk: Walk) -> None:
    MadeUp(40).serve(walk.guest)
    walk.opens(f"?r={REQUEST}")
    expect(walk.photo(1, 40)).to_be_visible()


def nothing(walk: Walk) -> None:
    MadeUp(0).serve(walk.guest)
    walk.opens(f"?r={REQUEST}")
    expect(walk.guest.page.get_by_role("heading", level=1)).to_be_visible()


def selecting(walk: Walk) -> None:
    walk.finds()
    walk.button("results.select").click()
    for number in (1, 3):
        walk.photo(number).click()
    walk.sees("results.selected", n=2)


def viewer(walk: Walk) -> None:
    walk.finds()
    walk.photo(1).click()
    alternative = walk.words("results.photo_alt", n=1, total=5)
    picture = walk.guest.page.get_by_role("dialog").get_by_role("img", name=alternative, exact=True)
    expect(picture).to_be_visible()


def saved(walk: Walk) -> None:
    walk.saves()
    walk.sees("results.saving.done", n=5)


def handing(walk: Walk) -> None:
    walk.saves()
    walk.sees("results.saving.ready", n=5)


def links(walk: Walk) -> None:
    walk.saves()
    walk.sees("results.saving.links")


def missing(walk: Walk) -> None:
    made_up = MadeUp(8, gone={2, 5})
    made_up.serve(walk.guest)
    made_up.serve_originals(walk.guest)
    walk.opens(f"?r={REQUEST}")
    walk.button("results.save_all").click()
    walk.sees("results.saving.missing", n=2, total=8)


def menu(walk: Walk) -> None:
    walk.finds()
    walk.button("results.menu").click()
    expect(walk.item("results.menu.delete")).to_be_visible()


def chosen(key: str, seen: str) -> Callable[[Walk], None]:
    def reach(walk: Walk) -> None:
        menu(walk)
        walk.item(key).click()
        expect(walk.guest.page.get_by_role("dialog")).to_be_visible()
        walk.sees(seen)

    return reach


def watch(walk: Walk) -> None:
    walk = replace(walk, link=new_link(walk.link.site, "--watch"))
    walk.finds()
    walk.button("watch.do").click()
    walk.sees("watch.agree", n=30)


def deleted(walk: Walk) -> None:
    menu(walk)
    walk.item("results.menu.delete").click()
    walk.guest.page.get_by_role("dialog").get_by_role("button", name=walk.words("delete.do"), exact=True).click()
    walk.sees("start.deleted")


def kiosk(walk: Walk) -> None:
    walk.opens("?kiosk")
    walk.guest.page.get_by_role("checkbox").check()
    walk.button("start.selfie").click()
    walk.button("camera.shutter").click()
    walk.button("check.send").click()
    walk.sees("kiosk.soon")


@dataclass(frozen=True)
class State:
    """How it is reached, and by what kind of guest."""

    reach: Callable[[Walk], None]
    manner: Mapping[str, Any] = field(default_factory=dict)


NO_PICKER = {"scripts": [scripts.NO_FILE_PICKER]}
STATES = {
    "start": State(start),
    "consent": State(consent),
    "privacy": State(privacy),
    "app": State(app, {"agent": scripts.INSTAGRAM}),
    "again": State(again),
    "camera": State(camera),
    "dark": State(dark, {"camera": "dark"}),
    "denied": State(denied, {"camera": "denied"}),
    "absent": State(absent, {"camera": "absent"}),
    "check": State(check),
    "bib": State(bib),
    "bib-wrong": State(bib_wrong),
    "bib-check": State(bib_check),
    "bib-found": State(bib_found),
    "bib-none": State(bib_none),
    "bib-copy": State(bib_copy),
    "by-bib": State(by_bib),
    "sending": State(sending),
    "queued": State(queued),
    "offline": State(offline),
    "no-face": State(refused("no_face", 400, "problem.no_face")),
    "unusable": State(refused("unusable_image", 400, "problem.unusable")),
    "link": State(refused("token_expired", 403, "problem.link")),
    "over": State(refused("search_over", 403, "problem.over")),
    "off": State(refused("search_off", 403, "problem.off")),
    "no-search": State(gone),
    "results": State(results),
    "several": State(several, {"camera": "two"}),
    "shared": State(shared),
    "nothing": State(nothing),
    "selecting": State(selecting),
    "viewer": State(viewer),
    "saved": State(saved, NO_PICKER),
    "handing": State(handing, {"agent": scripts.IPHONE, "scripts": [scripts.SHARES]}),
    "links": State(links, {"agent": scripts.INSTAGRAM}),
    "missing": State(missing, NO_PICKER),
    "menu": State(menu),
    "copy": State(chosen("results.menu.copy_link", "copy.do")),
    "not-found": State(chosen("results.menu.missing", "missing.text")),
    "delete": State(chosen("results.menu.delete", "delete.title")),
    "deleted": State(deleted),
    "watch": State(watch),
    "kiosk": State(kiosk),
}


def walk_to(name: str, come: Callable[..., Guest], link: Link, language: str = "en", **manner: Any) -> Guest:
    """A guest in this state. Nothing moves, so that what is looked at stays as it is."""
    state = STATES[name]
    locale = {"en": "en-GB", "hi": "hi-IN"}[language]
    guest = come(**{"motion": "reduce", "language": locale} | dict(state.manner) | manner)
    state.reach(Walk(guest, link, Words(language)))
    return guest
