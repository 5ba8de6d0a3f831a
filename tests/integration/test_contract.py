"""The contract of all calls, which the generated one (tests/contract) cannot know: switches, order, headers.

What the two faces calls find is proven in test_faces.py, links to originals included.
"""

import datetime as dt
import uuid
from typing import Any

import httpx
import pytest

from tests.integration.calls import BIB, NAMES, by_name
from tests.integration.conftest import Site, photo_of_nobody
from tests.integration.test_faces import envelope

PAGE = {"Origin": "https://guests.example.com"}
HEADERS = {
    "cache-control": "no-store",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def test_events_are_told_of_as_documented_and_listed_newest_first(site: Site) -> None:
    org = site.other_org("Three Events")
    ids = [
        org.admin.create_event(org.org_id, f"Läufe & {number}", event_date=dt.date(2036, 3, number // 2))
        for number in (2, 4, 5)
    ]
    org.admin.update_event(ids[1], event_enabled=False, cover=uuid.UUID(int=9))
    details = envelope(by_name("details").send(org, event=ids[0]), 200)["data"]
    switches = ("bib", "name", "video", "video_selfie", "timeline")
    assert details == {f"{name}_search": False for name in switches} | {
        "event_id": ids[0], "event_name": "Läufe & 2", "event_slug": "laufe-2", "event_date": "2036-03-01T00:00:00",
        "status": "active", "event_enabled": True, "selfie_search": True,
    }  # fmt: skip
    rows = envelope(by_name("events").send(org), 200)["data"]["events"]
    assert [row["event_id"] for row in rows] == [ids[2], ids[1], ids[0], org.event_id]
    assert rows[1] == {
        "event_id": ids[1], "event_name": "Läufe & 4", "event_slug": "laufe-4", "event_date": "2036-03-02T00:00:00",
        "status": "inactive", "cover_image": f"{site.stack.url}/imgs/{ids[1]}/large/{uuid.UUID(int=9)}.jpg",
    }  # fmt: skip


def test_a_switch_shows_in_the_details_and_acts_on_the_very_next_request(site: Site) -> None:
    event = site.other_event(features={"timeline_search": True, "bib_search": True})
    image_id = str(uuid.uuid4())
    asks = {name: by_name(name, image_id=image_id, selfie=b"no picture") for name in NAMES}

    def statuses() -> dict[str, int]:
        return {name: ask.send(event).status_code for name, ask in asks.items()}

    on = dict.fromkeys(NAMES, 200) | {"results": 404, "search": 400, "originals": 400}
    assert statuses() == on
    event.admin.update_event(event.event_id, selfie_search=False)
    assert statuses() == on | dict.fromkeys(("results", "uploads", "search"), 403)
    assert event.originals({"method": "selfie", "identifier": str(uuid.uuid4())}).status_code == 403
    assert envelope(asks["details"].send(event), 200)["data"]["selfie_search"] is False
    event.admin.update_event(event.event_id, selfie_search=True, timeline_search=False)
    assert statuses() == on | dict.fromkeys(("timeline days", "timeline images"), 403)
    event.admin.update_event(event.event_id, timeline_search=True, bib_search=False)
    assert statuses() == on | {"bibs": 403}
    assert event.originals({"method": "bib", "identifier": BIB}).status_code == 403
    assert envelope(asks["details"].send(event), 200)["data"]["bib_search"] is False
    event.admin.update_event(event.event_id, bib_search=True, event_enabled=False)
    assert statuses() == dict.fromkeys(NAMES, 403) | dict.fromkeys(("ping", "details", "events"), 200)
    details = envelope(asks["details"].send(event), 200)["data"]
    assert (details["event_enabled"], details["status"], details["selfie_search"]) == (False, "inactive", True)
    event.admin.update_event(event.event_id, event_enabled=True)
    assert statuses() == on


def test_the_timeline_follows_the_events_zone_from_the_very_next_request(site: Site) -> None:
    event = site.other_event(features={"timeline_search": True, "time_zone": "Asia/Kolkata"})
    asks = by_name("timeline days"), by_name("timeline images")
    none = envelope(asks[0].send(event), 200)
    assert (none["message"], none["data"]) == ("No timeline data", {"days": []})
    image_id = event.put_photo(photo_of_nobody(1, "2026:01:19 01:15:30"))
    for each in (image_id, event.put_photo(photo_of_nobody(2))):
        event.indexed(each)

    def shown(**params: int) -> list[str]:
        page = envelope(asks[1].send(event, params=params), 200)
        assert page["message"] == "Records for timeline images"
        assert page["data"]["pagination"]["total"] == len(page["data"]["images"])
        return [image["image_id"] for image in page["data"]["images"]]

    indian, greenwich = ("Asia/Kolkata", "2026-01-18T19:45:30"), ("UTC", "2026-01-19T01:15:30")
    for zone, moment in (indian, greenwich, indian):
        event.admin.update_event(event.event_id, time_zone=zone)
        days = envelope(asks[0].send(event), 200)
        assert days["message"] == "Timeline buckets"
        taken = dt.datetime.fromisoformat(f"{moment}+00:00")
        hours = [{"hour": taken.hour, "count": 1}]
        assert days["data"] == {"days": [{"date": moment[:10], "total": 1, "hours": hours}]}
        second = int(taken.timestamp())
        assert shown(**{"from": second, "to": second + 1}) == [str(image_id)]
        assert shown(**{"from": second - 60, "to": second}) == shown(**{"from": second + 1, "to": second + 60}) == []


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ({}, "query.from: is required; query.to: is required"),
        ({"from": 1}, "query.to: is required"),
        ({"from": 5, "to": 5}, "query.to: must be later than from"),
        ({"from": 5, "to": 4}, "query.to: must be later than from"),
        ({"from": "-1", "to": "1.0"}, "query.from: must be a whole number; query.to: must be a whole number"),
        ({"from": 1, "to": 1_780_000_000_000}, "query.to: must be less than or equal to 253402300800"),
    ],
    ids=str,
)
def test_a_period_has_a_beginning_and_a_later_end(site: Site, period: dict[str, Any], said: str) -> None:
    event = site.other_event(features={"timeline_search": True})
    assert envelope(by_name("timeline images").send(event, params=period), 422)["message"] == said


@pytest.fixture(scope="module")
def stranger(site: Site) -> Site:
    return site.other_org()


@pytest.mark.parametrize("name", NAMES)
def test_the_checks_come_in_the_documented_order(site: Site, stranger: Site, obama: bytes, name: str) -> None:
    """A call with everything wrong; one thing after the other is put right."""
    ask = by_name(name, selfie=obama)
    off = site.other_event()
    site.admin.update_event(off.event_id, event_enabled=False)
    wrong: dict[str, Any] = ask.bad_body | ({"params": {"page": 0}} if ask.paged else {})
    event: Any = "abc" if not ask.paged else stranger.event_id

    def status(**more: Any) -> int:
        response: httpx.Response = ask.send(site, **more)
        envelope(response, response.status_code)
        return response.status_code

    assert status(key=None, org=stranger.org_id, event=event, **wrong) == 401
    assert status(key="", org="abc", event=event, **wrong) == 401
    assert status(key="guess", org="abc", event=event, **wrong) == 403
    assert status(org=stranger.org_id, event=event, **wrong) == 403
    assert status(org="abc", event=event, **wrong) == 422
    if ask.paged or ask.of_event:
        assert status(event=event, **wrong) == 422
    if ask.of_event:
        assert status(event="abc", **ask.bad_body) == 422
        assert status(event=999, **ask.bad_body) == 404
        assert status(event=stranger.event_id, **ask.bad_body) == 403
        if name not in {"ping", "details"}:
            assert status(event=off.event_id, **ask.bad_body) == 403
    if ask.bad_body:
        assert status(**ask.bad_body) == 422


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_of_a_handler_is_for_no_cache_no_frame_and_no_guessing(site: Site, name: str) -> None:
    ask = by_name(name, selfie=b"no picture")
    for key, event in ((site.api_key, None), (None, None), ("guess", None), (site.api_key, "abc")):
        assert HEADERS.items() <= ask.send(site, key=key, event=event).headers.items()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_any_origin_may_call(site: Site, name: str) -> None:
    ask = by_name(name, selfie=b"no picture")
    wanted = {"Access-Control-Request-Method": ask.method, "Access-Control-Request-Headers": "x-api-key,content-type"}
    url = f"{site.org_url}/{ask.path.format(event=site.event_id)}"
    preflight = site.http.options(url, headers=PAGE | wanted)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert ask.method in preflight.headers["access-control-allow-methods"].split(",")
    assert {"x-api-key", "content-type"} <= set(preflight.headers["access-control-allow-headers"].lower().split(","))
    assert int(preflight.headers["access-control-max-age"]) > 0
    for key in (site.api_key, None):
        answer = site.http.request(ask.method, url, headers=PAGE | ({"X-API-Key": key} if key else {}), **ask.arguments)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        exposed = set(answer.headers["access-control-expose-headers"].lower().split(","))
        assert {"retry-after", "ratelimit-remaining", "idempotent-replayed", "selfie-faces"} <= exposed
