"""`<face-search>` in the page of somebody else's site, under a policy as strict as the documentation allows."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from facesearch_client import FaceSearchClient
from tests.integration.conftest import Site
from tests.web.guests import Guest
from tests.web.sites import ForeignSite

EVENTS = ("ready", "consent", "started", "results", "saved", "deleted", "token-expired", "error")
TOLD = f"""
window.told = [];
for (const name of {list(EVENTS)})
  addEventListener(`face-search-${{name}}`, (event) => window.told.push([name, event.detail]));
"""
"""Remembers the element's events, as they arrive at the window."""


@dataclass(frozen=True)
class Embedding:
    """The site: its pages, and its server, which makes tokens.

    The page's host shows scripts and photos; the API goes by this machine's other name, for on AWS they are two.
    """

    site: Site
    foreign: ForeignSite
    server: FaceSearchClient

    @property
    def scripts(self) -> str:
        """Where the stack's pages lie."""
        return f"{self.site.stack.url}/page"

    @property
    def api(self) -> str:
        url = urlsplit(self.site.stack.url)
        return url._replace(netloc=f"localhost:{url.port}").geturl()

    @property
    def policy(self) -> str:
        """What docs/integrating/page.md asks for, and nothing else."""
        page, stored = self.site.stack.url, self.site.stack.endpoint_url
        return (
            f"default-src 'none'; script-src {page}; connect-src {self.api} {page} {stored}; img-src {page} blob:; "
            "base-uri 'none'; form-action 'none'"
        )

    def token(self, site: Site | None = None) -> str:
        """A visitor's token, as the site's server makes it, for the event or that of another site."""
        event = (site or self.site).event_id
        return str(self.server.create_token(event, [self.foreign.url]).data["token"])

    def element(self, inner: str = "", *, of: Site | None = None, **attributes: str) -> str:
        """The element's HTML, with a token unless `token` is empty."""
        site = of or self.site
        given = {"api": self.api, "org": site.org_id, "event": site.event_id} | attributes
        given.setdefault("token", self.token(site))
        written = (f'{name.replace("_", "-")}="{html.escape(str(value))}"' for name, value in given.items() if value)
        return f"<face-search {' '.join(written)}>{inner}</face-search>"

    def show(self, guest: Guest, *elements: str, scripts: tuple[str, ...] = ("v1/face-search.js",)) -> None:
        """Let the guest open a page with these elements."""
        guest.hosts.add(urlsplit(self.foreign.url).netloc)
        head = "".join(f'<script type="module" src="{self.scripts}/{script}"></script>' for script in scripts)
        body = f'<!doctype html><html lang="en"><title>Run</title>{head}<h1>Run</h1>{"".join(elements)}</html>'
        guest.page.goto(self.foreign.serve(body, csp=self.policy))


def told(guest: Guest, *names: str) -> list[Any]:
    """The events so far, `[name, detail]` each; of these names if some are given."""
    heard = guest.page.evaluate("() => window.told")
    return [event for event in heard if not names or event[0] in names]


Guests = Callable[..., Guest]
