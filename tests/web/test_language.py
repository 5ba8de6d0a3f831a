"""A guest who reads Hindi: no word of another language is left, in any state."""

import re
from collections.abc import Callable

import pytest

from tests.web.guests import Guest
from tests.web.links import Link
from tests.web.walks import STATES, walk_to

SAID = """() => {
  const said = [document.title];
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      if (element.matches("script, style, noscript, option[lang]") || !element.checkVisibility()) continue;
      for (const name of ["aria-label", "aria-description", "alt", "title", "placeholder"])
        said.push(element.getAttribute(name) ?? "");
      for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) said.push(node.data);
    }
  };
  look(document);
  return said.map((text) => text.trim()).filter(Boolean);
}"""
"""Also what is said by names and alternatives alone, in every shadow root."""
LATIN = re.compile("[A-Za-z]{2,}")
SAME_IN_HINDI = {"JPEG", "QR", "Instagram", "iPhone", "iPad", "MB", "kB"}
IPHONES = "“Save Images”"
"""A button of the iPhone's, quoted: which name it has there depends on the phone's language, not on the page's."""


@pytest.mark.parametrize("state", STATES)
def test_no_english_is_left(guests: Callable[..., Guest], link: Link, state: str) -> None:
    page = walk_to(state, guests, link, language="hi").page
    event_name = page.evaluate(
        "() => JSON.parse(document.getElementById('face-search-config').textContent).page.event_name"
    )
    said = [text.replace(event_name, "").replace(IPHONES, "") for text in page.evaluate(SAID)]
    assert len(said) > 3
    assert [text for text in said if set(LATIN.findall(text)) - SAME_IN_HINDI] == []
