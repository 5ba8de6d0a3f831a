"""Every state of the page as a guest sees it: what axe-core finds, what does not fit, and a picture of each.

`make web-screens` makes the pictures alone: .cache/web/screens/{state}-{width}-{scheme}.png.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.conftest import ROOT
from tests.web import axe
from tests.web.guests import DESKTOP, PHONE, Guest
from tests.web.links import Link
from tests.web.walks import STATES, walk_to

SCREENS = ROOT / ".cache" / "web" / "screens"

OUTSIDE = """(width) => {
  const outside = [];
  const page = document.scrollingElement;
  if (page.scrollWidth > width) outside.push(`the page is ${page.scrollWidth} wide`);
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      if (!element.matches("button, a, input, select, dialog, h1, h2, p")) continue;
      if (!element.checkVisibility({contentVisibilityAuto: true})) continue; // rows out of sight keep their old places
      const {left, right, width: wide} = element.getBoundingClientRect();
      if (wide <= 1 || element.closest("[aria-hidden=true], .pswp__item")) continue;
      const name = `${element.localName}.${element.className} ${element.textContent.trim().slice(0, 40)}`;
      if (left < -1 || right > width + 1) outside.push(`${name}: ${left} to ${right}`);
    }
  };
  look(document);
  return outside;
}"""
"""What sticks out to the side, so that somebody would have to scroll there. `innerWidth` would grow with it."""


def settle(page: Page) -> None:
    """Until every picture in sight is there, and what follows from a new size is drawn."""
    page.wait_for_function(
        """() => {
          const images = [];
          const look = (root) => root.querySelectorAll("*").forEach((each) => {
            if (each.shadowRoot) look(each.shadowRoot);
            if (each instanceof HTMLImageElement) images.push(each);
          });
          look(document);
          return images.every((image) => image.complete || image.loading === "lazy");
        }"""
    )
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(guests: Callable[..., Guest], link: Link, state: str, width: int) -> None:
    page = walk_to(state, guests, link, width=width).page
    SCREENS.mkdir(parents=True, exist_ok=True)
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(page)
        page.screenshot(path=SCREENS / f"{state}-{width}-{scheme}.png")
        found += [f"{scheme}: {violation}" for violation in axe.violations(page)]
    assert found == []


@pytest.mark.parametrize("state", STATES)
def test_nothing_sticks_out_of_a_small_screen_or_large_text(
    guests: Callable[..., Guest], link: Link, state: str
) -> None:
    page = walk_to(state, guests, link, width=DESKTOP).page
    for width, height in ((320, 568), (DESKTOP // 2, 400)):  # the second: 200 % on a desktop
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        assert page.evaluate(OUTSIDE, width) == [], f"{width} pixels"
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    settle(page)
    assert page.evaluate(OUTSIDE, PHONE) == [], "text of twice the size"
