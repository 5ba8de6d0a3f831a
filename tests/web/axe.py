"""axe-core in the page: what it finds wrong with the state that the page is in."""

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.conftest import ROOT

SOURCE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN = "() => axe.run(document, {resultTypes: ['violations', 'incomplete']})"


@cache
def _source() -> str:
    return SOURCE.read_text()


def violations(page: Page) -> list[str]:
    """One line for each element that breaks a rule."""
    if not page.evaluate("() => typeof axe === 'object'"):
        page.evaluate(_source())
    found: dict[str, Any] = page.evaluate(RUN)
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {' '.join(str(node.get('failureSummary')).split())}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
