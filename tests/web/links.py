"""Links to the guests' page, made as an operator makes them: by the command line."""

import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from facesearch_cli.app import run
from tests.integration.conftest import Site


@dataclass(frozen=True)
class Link:
    """What `facesearch link create --json` says of one."""

    site: Site
    said: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.said["url"])

    @property
    def link_id(self) -> str:
        return str(self.said["link_id"])

    @property
    def elsewhere(self) -> str:
        """The same page under another origin than the API's, which is how it is on AWS."""
        url = urlsplit(self.url)
        return url._replace(netloc=f"localhost:{url.port}").geturl()


def facesearch(site: Site, *arguments: str) -> Any:
    """Run the command line on the site's stack; its JSON."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = run(["--state", str(site.stack.state), *arguments, "--json"])
    assert code == 0, f"facesearch {' '.join(arguments)}: exit code {code}"
    return json.loads(said.getvalue() or "null")


def new_link(site: Site, *options: str) -> Link:
    return Link(site, facesearch(site, "link", "create", "--event", str(site.event_id), *options))
