"""The guests' page that a stack begins with: the build that is there, and a link to the event of the seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facesearch.admin.links import LinkSettings
from facesearch.admin.page import page_key, token_in
from facesearch_cli.commands.page import build_in
from facesearch_cli.stack import described_stack

DIST = Path(__file__).resolve().parents[1] / "web" / "dist"


def first_page(description: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What `stack.json` says of them. A store that remembers keeps its first link."""
    with described_stack(description, folder).container as container:
        build, links = build_in(DIST), container.links
        if build:
            links.publish(build)
        old = [link for link in links.links(description["org_id"], description["event_id"]) if not link.off]
        link = old[0] if old else links.create(description["event_id"], LinkSettings(watch=True)).link
        return {
            "page_url": links.url(link),
            "page_is_built": bool(build),
            "link_id": link.link_id,
            "link_token": token_in(container.page_files.read(page_key(link.name))),
        }
