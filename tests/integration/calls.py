"""Every call of the API as data, so that a test can make all of them alike."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from facesearch.models import Scope
from tests.integration.conftest import Site

OWN = "the site's own"
PERIOD = {"from": 0, "to": 253_402_300_800}
"""All time that there is."""
BIB = "7"


@dataclass(frozen=True)
class Ask:
    """One call. `path` is below the organisation's, with {event}; `bad_body`: arguments with a body that is refused."""

    name: str
    method: str
    path: str
    scope: Scope = Scope.READ
    arguments: dict[str, Any] = field(default_factory=dict)
    paged: bool = False
    bad_body: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def of_event(self) -> bool:
        return "{event}" in self.path

    def send(
        self, site: Site, *, org: Any = None, event: Any = None, key: str | None = OWN, **more: Any
    ) -> httpx.Response:
        """Make the call; `org` and `event` stand in for the site's own, `key` for its key, None = none."""
        headers = {} if key is None else {"X-API-Key": site.api_key if key is OWN else key}
        path = self.path.format(event=site.event_id if event is None else event)
        url = f"{site.stack.url}/api/v1/ext/{site.org_id if org is None else org}/{path}"
        response: httpx.Response = site.http.request(self.method, url, headers=headers, **(self.arguments | more))
        return response


def every_call(request_id: str, image_id: str, selfie: bytes) -> list[Ask]:
    """All calls, made to succeed for a site with that search and that photo."""
    file = {"file": ("selfie.jpg", selfie, "image/jpeg")}
    links = {"json": {"method": "image_id", "identifier": image_id}}
    return [
        Ask("ping", "GET", "event/{event}/ping"),
        Ask("details", "GET", "event/{event}/details"),
        Ask("events", "GET", "events", paged=True),
        Ask("images", "GET", "event/{event}/images", paged=True),
        Ask("bibs", "GET", f"event/{{event}}/bibs/{BIB}", paged=True),
        Ask("timeline days", "GET", "event/{event}/timeline/days"),
        Ask("timeline images", "GET", "event/{event}/timeline/images", Scope.READ, {"params": PERIOD}, paged=True),
        Ask("results", "GET", f"event/{{event}}/faces/{request_id}", paged=True),
        Ask("originals", "POST", "event/{event}/original-photos", Scope.READ, links, True, {"content": b"no JSON"}),
        Ask("uploads", "POST", "event/{event}/faces/uploads", Scope.SEARCH, {}, False, {"content": b"no JSON"}),
        Ask("search", "POST", "event/{event}/faces", Scope.SEARCH, {"files": file}, True, {"files": {"no": b"file"}}),
    ]


NAMES = [ask.name for ask in every_call("", "", b"")]


def by_name(name: str, request_id: str = "", image_id: str = "", selfie: bytes = b"") -> Ask:
    """One of them."""
    request_id = request_id or str(uuid.uuid4())
    return next(ask for ask in every_call(request_id, image_id, selfie) if ask.name == name)
