"""A deployment keeps the documented promises to an integrator. Safe against production: see tools/smoke.py.

The key may be one that only reads, and the event one without selfie search: what they cannot do is then skipped.
"""

import os
import uuid
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import pytest
from pydantic import TypeAdapter

from facesearch_cli.call import call
from facesearch_client.models import (
    Envelope,
    EventDetails,
    EventPage,
    FaceSearchResult,
    ImagePage,
    OriginalPhotos,
    Ping,
    Upload,
)
from tests.e2e.conftest import Client

NOTHING_YET = uuid.UUID("00000000-0000-4000-8000-000000000000")
"""A request_id that nobody has searched under."""
SITE = "https://site.invalid"
"""Nobody's: no link admits it."""
TOO_LARGE = 6 * 1024 * 1024 + 200_000
"""Above Lambda's 6 MB, below the gateway's 10 MB: refused by the gateway without a function having seen it."""

T = TypeVar("T")


def data(answer: httpx.Response, kind: type[T]) -> T:
    """`data` of a success, field for field of the documented types."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body: Any = TypeAdapter(Envelope[kind]).validate_json(answer.content, strict=True)  # type: ignore[valid-type]
    assert body["responseType"] == "success"
    return cast("T", body["data"])


def refused(answer: httpx.Response, *statuses: int) -> str:
    """The message of a refusal in the three keys."""
    assert answer.status_code in statuses, answer.text
    body = answer.json()
    assert body.keys() == {"responseType", "message", "data"}
    assert (body["responseType"], body["data"]) == ("error", None)
    return str(body["message"])


@pytest.fixture(scope="module")
def details(client: Client) -> EventDetails:
    return data(client.ask("GET", "details"), EventDetails)


@pytest.fixture(scope="module")
def may_search(client: Client, details: EventDetails) -> None:
    """The event can be searched by selfie with this key."""
    if not (details["event_enabled"] and details["selfie_search"]):
        pytest.skip("the event's selfie search is off")
    probe = client.ask("POST", "faces", files={"file": ("selfie.jpg", b"no picture", "image/jpeg")})
    if probe.status_code == 403:
        pytest.skip("the key may not search")


@pytest.fixture(scope="module")
def search(client: Client, may_search: None) -> tuple[uuid.UUID, httpx.Response]:
    """The one search of this run, and the request_id that it was given."""
    if client.target.selfie is None:
        pytest.skip("no selfie was given: SELFIE=file makes one search")
    request_id = uuid.uuid4()
    return request_id, post(client, request_id)


def post(client: Client, request_id: uuid.UUID, **query: Any) -> httpx.Response:
    assert client.target.selfie is not None
    parts = {"request_id": (None, str(request_id)), "file": ("selfie", client.target.selfie.read_bytes())}
    return client.ask("POST", "faces", files=parts, params=query)


def test_ping_details_and_events_are_the_callers_own(client: Client, details: EventDetails) -> None:
    target = client.target
    pong = data(client.ask("GET", "ping"), Ping)
    assert (pong["status"], pong["org_id"], pong["event_id"]) == ("ok", target.org_id, target.event_id)
    assert details["event_id"] == target.event_id
    page = data(client.ask("GET", f"/api/v1/ext/{target.org_id}/events", params={"page_size": 1}), EventPage)
    assert len(page["events"]) == 1
    assert page["pagination"]["total"] >= 1


def test_the_gallery_is_listed_page_by_page(client: Client, details: EventDetails) -> None:
    if not details["event_enabled"]:
        pytest.skip("the event is off")
    first = data(client.ask("GET", "images", params={"page": 1, "page_size": 1}), ImagePage)
    assert len(first["images"]) == min(1, first["pagination"]["total"])
    beyond = data(client.ask("GET", "images", params={"page": 10_000_000, "page_size": 1}), ImagePage)
    assert beyond["images"] == []
    assert beyond["pagination"]["total"] >= first["pagination"]["total"]


@pytest.mark.parametrize(
    ("method", "path", "arguments", "status"),
    [
        ("GET", "ping", {"key": None}, 401),
        ("GET", "ping", {"key": "nobody's"}, 403),
        ("GET", "/api/v1/ext/{another}/events", {}, 403),
        ("GET", "nothing-here", {}, 404),
        ("GET", "images", {"params": {"page_size": 101}}, 422),
        ("POST", "faces", {"files": {"file": ("selfie.jpg", bytes(TOO_LARGE), "image/jpeg")}}, 413),
    ],
    ids=["no key", "unknown key", "another organisation", "unknown route", "page", "too large"],
)
def test_what_makes_no_sense_is_refused_in_the_envelope(
    client: Client, method: str, path: str, arguments: dict[str, Any], status: int
) -> None:
    refused(client.ask(method, path.format(another=client.target.org_id + 1), **arguments), status)


def test_an_unknown_search_is_not_found(client: Client, details: EventDetails) -> None:
    if not details["selfie_search"]:
        pytest.skip("the event's selfie search is off")
    refused(client.ask("GET", f"faces/{NOTHING_YET}"), 404)


@pytest.mark.usefixtures("may_search")
def test_what_is_no_picture_is_refused_and_leaves_nothing(client: Client) -> None:
    request_id = str(uuid.uuid4())
    parts = {"request_id": (None, request_id), "file": ("selfie.jpg", b"no picture", "image/jpeg")}
    refused(client.ask("POST", "faces", files=parts), 400)
    refused(client.ask("GET", f"faces/{request_id}"), 404)


def test_a_browsers_preflight_is_answered(client: Client) -> None:
    asked = {"Origin": "https://site.example", "Access-Control-Request-Method": "POST"}
    answer = client.http.options(f"{client.target.url}{client.event_path}/faces", headers=asked)
    assert answer.status_code in (200, 204)


@pytest.mark.usefixtures("may_search")
def test_a_large_selfie_gets_a_form_to_upload_it_with(client: Client) -> None:
    form = data(client.ask("POST", "faces/uploads", json={"content_type": "image/jpeg"}), Upload)
    assert form["max_bytes"] == 15 * 1024 * 1024
    assert form["url"].startswith("http")
    assert form["fields"]


def test_a_search_is_answered_replayed_byte_for_byte_and_read_page_by_page(
    client: Client, search: tuple[uuid.UUID, httpx.Response]
) -> None:
    request_id, first = search
    found = data(first, FaceSearchResult)
    assert found["request_id"] == str(request_id)
    again = post(client, request_id)
    assert (again.headers["Idempotent-Replayed"], again.content) == ("true", first.content)
    for page in (1, 2):
        query = {"page": page, "page_size": 1}
        part = data(client.ask("GET", f"faces/{request_id}", params=query), FaceSearchResult)
        assert part["images"] == found["images"][page - 1 : page]
        assert part["pagination"]["total"] == found["pagination"]["total"] >= len(found["images"])


def test_the_found_photos_can_be_seen_and_their_originals_fetched(
    client: Client, search: tuple[uuid.UUID, httpx.Response]
) -> None:
    request_id, answer = search
    found = data(answer, FaceSearchResult)
    if not found["images"]:
        pytest.skip("the selfie is of nobody on the event's photos")
    thumbnail = client.http.get(found["images"][0]["thumbnail_url"])
    assert thumbnail.status_code == 200
    assert thumbnail.content.startswith(b"\xff\xd8\xff")
    asked = {"method": "selfie", "identifier": str(request_id)}
    links = data(client.ask("POST", "original-photos", json=asked, params={"page_size": 1}), OriginalPhotos)
    assert links["total_images"] == found["pagination"]["total"]
    assert links["successful_count"] + links["failed_count"] == 1
    for link in links["presigned_urls"]:
        with client.http.stream("GET", link["url"], headers={"Origin": SITE}) as original:  # its first bytes will do
            assert original.status_code == 200
            exposed = original.headers["access-control-expose-headers"].lower().replace(" ", "").split(",")
            assert original.headers["access-control-allow-origin"] in ("*", SITE)
            assert "*" in exposed or {"content-length", "content-disposition", "etag"} <= set(exposed)


def test_a_guests_page_reads_with_its_token_in_the_address_and_asks_no_preflight(client: Client) -> None:
    """A GET without a header of its own is sent at once by every browser; one with X-API-Key is asked for first."""
    if not client.target.token:
        pytest.skip("no token was given: TOKEN=… of a link to the event")
    path = f"{client.target.url}{client.event_path}"
    page = client.http.get(f"{path}/page", params={"token": client.target.token})
    assert (page.status_code, page.json()["data"]["event_id"]) == (200, client.target.event_id)
    foreign = client.http.get(f"{path}/page", params={"token": client.target.token}, headers={"Origin": SITE})
    assert foreign.headers["face-search-error"] == "origin"
    gallery = client.http.get(f"{path}/images", params={"token": client.target.token})
    assert gallery.headers["face-search-error"] == "not_for_tokens"
    refused(gallery, 403)


def test_a_guest_reads_the_search_by_its_request_id_and_the_token_alone(
    client: Client, search: tuple[uuid.UUID, httpx.Response]
) -> None:
    if not client.target.token:
        pytest.skip("no token was given: TOKEN=… of a link to the event")
    request_id, answer = search
    url = f"{client.target.url}{client.event_path}/faces/{request_id}"
    read = data(client.http.get(url, params={"token": client.target.token}), FaceSearchResult)
    found = data(answer, FaceSearchResult)
    assert read["pagination"]["total"] == found["pagination"]["total"]
    assert [image["image_id"] for image in read["images"]] == [image["image_id"] for image in found["images"]]


def test_a_deleted_search_is_gone(client: Client, search: tuple[uuid.UUID, httpx.Response], state: Path) -> None:
    if os.environ.get("SMOKE_URL"):
        pytest.skip("nothing is deleted from a deployment that was there before")
    request_id, _ = search
    call(state, "search", "delete", request_id, "--event", client.target.event_id)
    refused(client.ask("GET", f"faces/{request_id}"), 404)
