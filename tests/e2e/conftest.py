"""One deployment and one event in it: whichever `make smoke` names, else a local stack with the sample photos.

Only what an integrator has is used here: a base URL, an API key, the two ids, a selfie.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from facesearch_cli.call import call
from facesearch_local import running
from tools.smoke import Target, target


@dataclass(frozen=True)
class Client:
    """Calls of the deployment with the key, unless it is taken away."""

    target: Target
    http: httpx.Client

    @property
    def event_path(self) -> str:
        return f"/api/v1/ext/{self.target.org_id}/event/{self.target.event_id}"

    def ask(self, method: str, path: str, *, key: str | None = "", **arguments: Any) -> httpx.Response:
        """A call below the event's path, or of a whole path; `key` "" = the target's own, None = without one."""
        whole = path if path.startswith("/api") else f"{self.event_path}/{path}"
        headers = {} if key is None else {"X-API-Key": key or self.target.api_key}
        return self.http.request(method, self.target.url + whole, headers=headers, **arguments)


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the local stack, if that is what is tested."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def deployment(
    request: pytest.FixtureRequest, state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    if os.environ.get("SMOKE_URL"):
        yield target(os.environ)
        return
    samples: Path = request.getfixturevalue("samples")
    photos = tmp_path_factory.mktemp("photos")
    for name in ("biden.jpg", "obama.jpg", "obama3.jpg"):
        shutil.copy(samples / name, photos)
    with running(state=state) as stack:
        org_id = call(state, "org", "create", "Marathon Photos")["org_id"]
        api_key = call(state, "key", "create", "--org", org_id)["api_key"]
        event_id = call(state, "event", "create", "Marathon", "--org", org_id)["event_id"]
        call(state, "photos", "upload", photos, "--event", event_id, "--wait")
        token = call(state, "link", "create", "--event", event_id)["token"]
        yield Target(stack.url, api_key, org_id, event_id, samples / "obama2.jpg", token)


@pytest.fixture(scope="session")
def client(deployment: Target) -> Iterator[Client]:
    # A stack on this machine is never asked through a proxy.
    is_here = urlsplit(deployment.url).hostname in ("127.0.0.1", "localhost")
    with httpx.Client(timeout=35, transport=httpx.HTTPTransport() if is_here else None) as http:
        yield Client(deployment, http)
