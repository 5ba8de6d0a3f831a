"""The contract of the calls around the search: shapes, statuses, the order of the checks, pages.

The two faces calls themselves are proven in test_faces.py, links to originals in test_originals.py.
"""

import datetime as dt
import uuid
from typing import Any

import httpx
import pytest

from tests.integration.calls import NAMES, Ask, by_name, pagination
from tests.integration.conftest import Site
from tests.integration.test_faces import envelope

# ------------------------------------------------------------------ ping, details


def test_ping_says_whose_key_it_is_and_which_event(site: Site) -> None:
    body = envelope(by_name("ping").send(site), 200)
    assert body["message"] == "pong"
    assert body["data"] == {"status": "ok", "org_id": site.org_id, "event_id": site.event_id}


def test_details_have_the_documented_shape_and_no_flag_of_what_is_not_served(site: Site) -> None:
    event_id = site.admin.create_event(site.org_id, "Läufe & Feste 2026", event_date=dt.date(2026, 5, 1))
    body = envelope(by_name("details").send(site, event=event_id), 200)
    assert body["message"] == "Event details"
    assert body["data"] == {
        "event_id": event_id,
        "event_name": "Läufe & Feste 2026",
        "event_slug": "laufe-feste-2026",
        "event_date": "2026-05-01T00:00:00",
        "status": "active",
        "event_enabled": True,
        "bib_search": False,
        "selfie_search": True,
        "name_search": False,
        "video_search": False,
        "video_selfie_search": False,
        "timeline_search": False,
    }


def test_a_switch_shows_in_the_details_and_acts_on_the_very_next_request(gallery: Site) -> None:
    event, image_id = gallery.other_event(), str(uuid.uuid4())
    asks = {name: by_name(name, image_id=image_id, selfie=b"no picture") for name in NAMES}

    def statuses() -> dict[str, int]:
        return {name: ask.send(event).status_code for name, ask in asks.items()}

    on = dict.fromkeys(NAMES, 200) | {"results": 404, "search": 400, "originals": 400}
    assert statuses() == on
    event.admin.update_event(event.event_id, selfie_search=False)
    assert statuses() == on | dict.fromkeys(("results", "uploads", "search"), 403)
    assert event.originals({"method": "selfie", "identifier": str(uuid.uuid4())}).status_code == 403
    assert envelope(asks["details"].send(event), 200)["data"]["selfie_search"] is False
    event.admin.update_event(event.event_id, selfie_search=True, event_enabled=False)
    assert statuses() == dict.fromkeys(NAMES, 403) | dict.fromkeys(("ping", "details", "events"), 200)
    details = envelope(asks["details"].send(event), 200)["data"]
    assert (details["event_enabled"], details["status"], details["selfie_search"]) == (False, "inactive", True)
    event.admin.update_event(event.event_id, event_enabled=True)
    assert statuses() == on


# ------------------------------------------------------------------ events


def test_the_events_of_an_organisation_come_newest_first(site: Site) -> None:
    org = site.other_org("Three Events")
    first = org.event_id
    org.admin.update_event(first, date=dt.date(2025, 1, 1), cover=uuid.UUID(int=9))
    on_one_day = [
        org.admin.create_event(org.org_id, f"Day {number}", event_date=dt.date(2026, 3, 1)) for number in (1, 2)
    ]
    org.admin.update_event(on_one_day[1], event_enabled=False)
    body = envelope(by_name("events").send(org), 200)
    assert body["message"] == "Records for events"
    rows = body["data"]["events"]
    assert [row["event_id"] for row in rows] == [*reversed(on_one_day), first]
    assert rows[0] == {
        "event_id": on_one_day[1],
        "event_name": "Day 2",
        "event_slug": "day-2",
        "event_date": "2026-03-01T00:00:00",
        "status": "inactive",
        "cover_image": None,
    }
    assert rows[1]["status"] == "active"
    assert rows[2]["cover_image"] == f"{site.stack.url}/imgs/{first}/large/{uuid.UUID(int=9)}.jpg"
    assert body["data"]["pagination"] == pagination(3, 1, 1, 10)
    org.admin.update_event(first, date=dt.date(2027, 1, 1))
    assert envelope(by_name("events").send(org), 200)["data"]["events"][0]["event_id"] == first


# ------------------------------------------------------------------ gallery


# ------------------------------------------------------------------ every call


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
def test_another_method_on_a_route_and_a_route_that_is_none_are_404(site: Site, name: str) -> None:
    ask = by_name(name)
    for other in ("PUT", "DELETE", "PATCH", "GET" if ask.method == "POST" else "POST"):
        if (name, other) == ("results", "DELETE"):
            continue  # which deletes the search
        envelope(Ask(name, other, ask.path).send(site), 404)
    envelope(Ask(name, ask.method, ask.path + "/more").send(site), 404)
