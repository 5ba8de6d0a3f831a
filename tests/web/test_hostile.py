"""Texts that want to be more than text: the page shows them as they are, nothing of them runs, nothing is torn."""

import contextlib
import io
from pathlib import Path

import pytest
from playwright.sync_api import expect

from facesearch_cli.app import run
from tests.integration.conftest import Site
from tests.web.embedding import Guests
from tests.web.guests import PHONE, Guest
from tests.web.links import Link, facesearch, new_link
from tests.web.test_screens import OUTSIDE, settle

RUNS = "<img src=x onerror=fetch('/x')>"
TEXTS = {
    "markup": f"\" onload=\"fetch('/x') '></script><script>document.title='torn'</script><!--{RUNS}",
    "templates": "__CONFIG__ {organiser} ${1} \\u003c &lt;b&gt; &amp; سباق المدينة",
    "long": "Donaudampfschifffahrtsgesellschaft" * 5,
}
STRANGE = """() => {
  const made = [];
  const look = (root) => root.querySelectorAll("*").forEach((each) => {
    if (each.shadowRoot) look(each.shadowRoot);
    if (each.matches("script:not([src], [type='application/json']), style, [onerror], [onload], [onclick], [src=x], b"))
      made.push(each.outerHTML);
  });
  look(document);
  return made;
}"""
"""Elements that nobody but a text would make."""


def fits(guest: Guest) -> None:
    guest.page.set_viewport_size({"width": 320, "height": 568})
    settle(guest.page)
    assert guest.page.evaluate(OUTSIDE, 320) == []
    guest.page.set_viewport_size({"width": PHONE, "height": 844})


@pytest.mark.parametrize("kind", TEXTS)
def test_hostile_texts_are_texts(guests: Guests, site: Site, tmp_path: Path, kind: str) -> None:
    text, own = TEXTS[kind], site.other_event()
    (tmp_path / "consent.txt").write_text(f"I agree. {text}\n{text}", encoding="utf-8")
    url = "https://run.example/?'onclick=alert(1);${1}__NAME__&lt;/script&gt;#" + "x" * 200
    given = {"--name": text, "--organiser": text, "--consent-text": str(tmp_path / "consent.txt"), "--privacy-url": url}
    facesearch(own, "event", "update", str(own.event_id), *(word for option in given.items() for word in option))
    guest = guests()
    guest.open(new_link(own))
    expect(guest.heading(text)).to_be_visible()
    assert guest.page.title() == text
    expect(guest.page.get_by_role("checkbox")).to_have_accessible_name(f"I agree. {text} {text}")
    fits(guest)
    guest.button("Details").click()
    notice = guest.page.get_by_role("link", name="Privacy notice of")
    expect(notice).to_contain_text(text)
    assert notice.get_attribute("href") == url
    fits(guest)
    guest.page.keyboard.press("Escape")
    guest.agree()
    guest.look_into_camera()
    guest.send()
    expect(guest.heading("No photos of you yet.")).to_be_visible()
    guest.button("More").click()
    guest.page.get_by_role("menuitem", name="Delete my search").click()
    expect(guest.page.get_by_role("dialog")).to_contain_text(text)
    fits(guest)
    assert guest.page.evaluate(STRANGE) == []


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("event update", "--accent", "red;background:url(//evil.example)"),
        ("event update", "--accent", "#fff</style><script>"),
        ("event update", "--privacy-url", "javascript:alert(1)"),
        ("event update", "--privacy-url", "data:text/html,<script>alert(1)</script>"),
        ("event update", "--privacy-url", 'https://run.example/"onclick="alert(1)'),
        ("event update", "--name", "10 km \u202egnp.exe"),
        ("event update", "--organiser", "10 km \u202egnp.exe"),
        ("event update", "--locale", 'en"><script>'),
        ("link create", "--origin", "https://run.example/</script>"),
    ],
)
def test_what_could_not_be_shown_safely_is_refused(
    site: Site, link: Link, command: str, option: str, value: str
) -> None:
    before = site.http.get(link.url).text
    event = ["--event", str(site.event_id)] if command == "link create" else [str(site.event_id)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = run(["--state", str(site.stack.state), *command.split(), *event, option, value, "--json"])
    assert code != 0
    assert said.getvalue() == ""
    assert site.http.get(link.url).text == before
