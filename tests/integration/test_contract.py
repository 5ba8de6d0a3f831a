"""The contract of the calls around the search: shapes, statuses, the order of the checks, pages.

The two faces calls themselves are proven in test_faces.py, links to originals in test_originals.py.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.integration.calls import NAMES, NOTHING, Ask, by_name, pagination
from tests.integration.conftest import Site, photo_of_nobody, until
from tests.integration.test_faces import envelope, images

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


def test_the_pages_of_the_events_have_their_edges_where_documented(site: Site) -> None:
    org_id = site.admin.create_org("Pages")
    org = Site(site.stack, site.admin, org_id, 0, site.admin.create_key(org_id).api_key, site.http)

    def page(**params: int) -> tuple[list[int], dict[str, Any]]:
        data = envelope(by_name("events").send(org, params=params), 200)["data"]
        assert list(data) == ["events", "pagination"]
        return [row["event_id"] for row in data["events"]], data["pagination"]

    assert page() == ([], NOTHING | {"page_size": 10})
    assert page(page=7, page_size=3) == ([], NOTHING | {"page_size": 3})
    ids = [
        site.admin.create_event(org_id, f"Event {number}", event_date=dt.date(2026, 1, 9 - number))
        for number in range(4)
    ]
    assert page(page=1, page_size=2) == (ids[:2], pagination(4, 1, 2, 2))
    assert page(page=2, page_size=2) == (ids[2:], pagination(4, 2, 2, 2))
    assert page(page=3, page_size=2) == ([], pagination(4, 3, 2, 2))
    assert page(page=2, page_size=3) == (ids[3:], pagination(4, 2, 2, 3))
    assert page(page=1, page_size=4) == (ids, pagination(4, 1, 1, 4))
    assert page(page=2**31 - 1, page_size=100) == ([], pagination(4, 2**31 - 1, 1, 100))


# ------------------------------------------------------------------ gallery


def test_a_gallery_is_ordered_by_capture_time_then_image_id_with_the_rest_last(
    gallery: Site, in_order: list[str]
) -> None:
    body = envelope(gallery.images(), 200)
    assert body["message"] == "Records for all images"
    assert list(body["data"]) == ["images", "pagination"]
    assert [image["image_id"] for image in body["data"]["images"]] == in_order
    names = [record.originals[0].filename for image_id in in_order if (record := gallery.photo(uuid.UUID(image_id)))]
    assert [names[0], names[3]] == ["morning.jpg", "evening.jpg"]
    assert {*names[1:3]} == {"same second a.jpg", "same second b.jpg"}
    assert in_order[1] < in_order[2]
    assert in_order[4] < in_order[5]
    base = f"{gallery.stack.url}/imgs/{gallery.event_id}"
    assert body["data"]["images"][0] == {
        "img_url": f"{base}/large/{in_order[0]}.jpg",
        "height": 64,
        "width": 96,
        "image_id": in_order[0],
        "thumbnail_url": f"{base}/small/{in_order[0]}.jpg",
        "original_url": None,
    }


def test_an_uploaded_photo_is_in_the_gallery_within_seconds_and_a_broken_one_never(site: Site) -> None:
    event = site.other_event()
    assert images(event.images()) == []
    broken = event.put_photo(b"no picture at all", "broken.jpg")
    turned = event.put_photo(photo_of_nobody(10, size=(120, 80), Orientation=6), "turned.jpg")
    (image,) = until(lambda: envelope(event.images(), 200)["data"]["images"], seconds=10)
    assert (image["image_id"], image["width"], image["height"]) == (str(turned), 80, 120), "as displayed"
    assert event.indexed(broken).status == "failed"
    assert images(event.images()) == [str(turned)]


# ------------------------------------------------------------------ every call


@pytest.mark.parametrize(
    ("name", "default", "most"),
    [("events", 10, 100), ("images", 32, 100), ("results", 32, 100), ("search", 32, 100), ("originals", 30, 60)],
)
def test_a_page_has_its_default_size_and_its_largest(
    site: Site, obama: bytes, name: str, default: int, most: int, sample_id: Callable[[str], str]
) -> None:
    request_id = site.post(obama).json()["data"]["request_id"]
    ask = by_name(name, request_id, sample_id("obama.jpg"))
    if name == "search":
        ask = replace(ask, arguments={"data": {"request_id": request_id}})
    assert envelope(ask.send(site), 200)["data"]["pagination"]["page_size"] == default
    assert envelope(ask.send(site, params={"page_size": most}), 200)["data"]["pagination"]["page_size"] == most
    for params in ({"page_size": most + 1}, {"page_size": 0}, {"page": 0}, {"page": "x"}, {"page": ""}):
        (field,) = params
        assert f"query.{field}: " in envelope(ask.send(site, params=params), 422)["message"]
    both = envelope(ask.send(site, params={"page": 0, "page_size": most + 1}), 422)["message"]
    assert all(part.startswith("query.") for part in both.split("; ")), "flattened: field, colon, what is wrong"


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
