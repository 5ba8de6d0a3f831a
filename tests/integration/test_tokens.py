"""A guest's page on the real stack: with a publishable token and no key it searches, reads, saves, deletes, no more."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import Table, delete
from facesearch.adapters.dynamodb.tokens import DynamoTokenStore
from facesearch.models import ApiKey, QuotaLimits, Scope, TokenRights, digest_of
from facesearch.tokens import new_token
from facesearch_client import FaceSearchClient
from tests.integration.conftest import Site
from tests.integration.test_faces import OBAMA, envelope, images
from tests.integration.test_uploads import send

PAGE = "https://run.example"
CONSENT = {"consent": (None, "standard-1")}


@dataclass
class Guest:
    """A page that a guest has open; it sends simple requests alone, for which browsers ask no preflight."""

    site: Site
    token: str

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self._ask("GET", path, params)

    def post(self, path: str, params: dict[str, Any] | None = None, **body: Any) -> httpx.Response:
        return self._ask("POST", path, params or {}, **body)

    def search(self, selfie: bytes, request_id: str, **params: Any) -> httpx.Response:
        parts = {**CONSENT, "request_id": (None, request_id), "file": ("selfie.jpg", selfie, "image/jpeg")}
        return self.post("faces", params, files=parts)

    def delete(self, path: str) -> httpx.Response:
        return self._ask("DELETE", path, {})

    def _ask(self, method: str, path: str, params: dict[str, Any], **body: Any) -> httpx.Response:
        url, params = f"{self.site.event_url}/{path}", params | {"token": self.token}
        response = self.site.http.request(method, url, params=params, headers={"Origin": PAGE}, **body)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        return response


@pytest.fixture(scope="module")
def mint(site: Site) -> Iterator[FaceSearchClient]:
    """The site's server, whose key makes tokens and does nothing else."""
    created = site.admin.create_key(site.org_id, [Scope.MINT])
    with FaceSearchClient(site.stack.url, created.api_key, site.org_id) as client:
        yield client
    site.admin.delete_key(site.org_id, created.key_id)


@pytest.fixture
def store(site: Site) -> DynamoTokenStore:
    return DynamoTokenStore(Table(site.dynamodb, site.outputs["TableName"]))


@pytest.fixture(params=["visitor", "link"])
def guest(request: pytest.FixtureRequest, site: Site, mint: FaceSearchClient, store: DynamoTokenStore) -> Guest:
    if request.param == "visitor":
        return Guest(site, mint.create_token(site.event_id, PAGE).data["token"])
    return linked(site, store)


def linked(site: Site, store: DynamoTokenStore, **changes: Any) -> Guest:
    """One with a link's token."""
    token, now = new_token(), time.time_ns() // 1000
    given: dict[str, Any] = {"quota": QuotaLimits(120, 60), "created_at": now, "origins": (PAGE,)}
    rights = TokenRights(site.event_id, link_id="a1b2c3d4e5", **given | changes)
    scopes = frozenset({Scope.SEARCH, Scope.READ})
    store.put(digest_of(token), ApiKey("a1b2c3d4e5", site.org_id, True, scopes, int(time.time()) + 3600, rights))
    return Guest(site, token)


def test_a_guest_searches_pages_saves_originals_and_deletes_without_a_key(
    guest: Guest, obama: bytes, sample_id: Callable[[str], str]
) -> None:
    assert envelope(guest.get("ping"), 200)["message"] == "pong"
    assert envelope(guest.get("page"), 200)["data"]["allows"]["originals"] is True
    request_id = str(uuid.uuid4())
    first = guest.search(obama, request_id, page_size=2)
    assert envelope(first, 200)["data"]["pagination"]["total"] == 5
    assert int(first.headers["RateLimit-Limit"]) in (3, 60), "the token's"
    pages = [images(guest.get(f"faces/{request_id}", page=page, page_size=2)) for page in (1, 2, 3)]
    assert images(first) == pages[0]
    assert {image for page in pages for image in page} == {sample_id(name) for name in OBAMA}
    assert envelope(guest.get(f"faces/{request_id}/status"), 200)["data"]["status"] == "done"

    body = b'{"method": "selfie", "identifier": "%s"}' % request_id.encode()
    links = envelope(guest.post("original-photos", content=body), 200)["data"]["presigned_urls"]
    assert {link["filename"] for link in links} == OBAMA
    assert all(httpx.get(link["url"]).is_success for link in links)

    assert guest.search(obama, request_id).headers["Idempotent-Replayed"] == "true"
    envelope(guest.delete(f"faces/{request_id}"), 200)
    assert envelope(guest.get(f"faces/{request_id}"), 404)


def test_a_guest_uploads_a_large_selfie(guest: Guest, obama: bytes) -> None:
    upload = envelope(guest.post("faces/uploads"), 200)["data"]
    assert send(upload, obama.ljust(6 * 2**20, b"\0")).is_success
    searched = guest.post("faces", files={**CONSENT, "upload_id": (None, upload["upload_id"])})
    assert envelope(searched, 200)["data"]["pagination"]["total"] == 5


def test_it_is_refused_elsewhere(guest: Guest, site: Site, sample_id: Callable[[str], str]) -> None:
    def code(response: httpx.Response) -> str:
        envelope(response, 403)
        return response.headers["Face-Search-Error"]

    assert code(guest.get("images")) == "not_for_tokens"
    assert code(site.http.get(f"{site.org_url}/events", params={"token": guest.token})) == "not_for_tokens"
    one = b'{"method": "image_id", "identifier": "%s"}' % sample_id("obama.jpg").encode()
    assert code(guest.post("original-photos", content=one)) == "not_for_tokens"
    assert code(guest.post("faces/webhook", content=b'{"selfie_url": "https://a.example/a.jpg"}')) == "not_for_tokens"
    assert code(guest.post("tokens")) == "scope"
    assert code(Guest(site.other_event(), guest.token).get("details")) == "wrong_event"
    assert code(Guest(site.other_org(), guest.token).get("details")) == "wrong_organisation"
    stolen = site.http.get(f"{site.event_url}/ping", params={"token": guest.token}, headers={"Origin": f"{PAGE}.evil"})
    assert code(stolen) == "origin"
    keyed = Guest(site, site.api_key).get("ping")
    assert (envelope(keyed, 401)["data"], keyed.headers["Face-Search-Error"]) == (None, "no_key")


def test_an_end_holds_for_the_very_next_request(site: Site, mint: FaceSearchClient, store: DynamoTokenStore) -> None:
    event = site.other_event()
    link, visitor = linked(event, store), Guest(event, mint.create_token(event.event_id, PAGE).data["token"])
    assert [guest.get("ping").status_code for guest in (link, visitor)] == [200, 200]
    store.table.write(delete(schema.api_key_key(digest_of(link.token))))
    assert link.get("ping").headers["Face-Search-Error"] == "token_unknown"
    event.admin.update_event(event.event_id, tokens_since=time.time_ns() // 1000)
    assert visitor.get("ping").headers["Face-Search-Error"] == "token_expired"
    later = mint.create_token(event.event_id, PAGE).data["token"]
    assert envelope(Guest(event, later).get("ping"), 200)


def test_a_token_whose_quota_is_used_up_waits_alone(site: Site, store: DynamoTokenStore, obama: bytes) -> None:
    guest = linked(site, store, quota=QuotaLimits(1, 1))
    envelope(guest.search(obama, str(uuid.uuid4())), 200)
    refused = guest.search(obama, str(uuid.uuid4()))
    envelope(refused, 429)
    assert refused.headers["Face-Search-Error"] == "token_quota"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Remaining"]) == ("1", "0")
    envelope(site.post(obama), 200)
    envelope(linked(site, store).search(obama, str(uuid.uuid4())), 200)


def test_no_log_has_a_token_or_an_api_key(guest: Guest, site: Site, obama: bytes) -> None:
    envelope(guest.search(obama, str(uuid.uuid4())), 200)
    envelope(Guest(site, site.api_key).get("ping"), 401)
    files = sorted((site.stack.state / "logs").iterdir())
    assert {"search.log", "results.log", "gateway.log"} <= {file.name for file in files}
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        assert guest.token not in text, file.name
        assert site.api_key not in text, file.name
