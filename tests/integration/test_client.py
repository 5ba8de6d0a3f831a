"""Both clients against the running stack: large selfies, pages, waiting, downloads."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from facesearch.admin.models import Features
from facesearch.models import Scope
from facesearch_client import BadRequestError, FaceSearchClient
from facesearch_client.asynchronous import AsyncFaceSearchClient
from tests.integration.conftest import Site, photo_of_nobody, until
from tests.integration.test_uploads import padded
from tests.unit.client.fakes import AsyncAtOnce

ClientOf = Callable[[Site, str], FaceSearchClient]


@pytest.fixture(params=["sync", "async"])
def client_of(request: pytest.FixtureRequest) -> Iterator[ClientOf]:
    """Makes clients of a site, with a key or token: either kind; the asynchronous one as if it were the other."""
    with ExitStack() as exits:
        runner = exits.enter_context(asyncio.Runner())

        def make(site: Site, key: str) -> FaceSearchClient:
            if request.param == "sync":
                return exits.enter_context(FaceSearchClient(site.stack.url, key, site.org_id))
            client = AsyncFaceSearchClient(site.stack.url, key, site.org_id)
            at_once = cast("FaceSearchClient", AsyncAtOnce(client, runner))
            exits.callback(at_once.close)
            return at_once

        yield make


@pytest.fixture
def client(client_of: ClientOf, site: Site) -> FaceSearchClient:
    return client_of(site, site.api_key)


def test_a_selfie_of_12_mib_is_searched_and_replayed(client: FaceSearchClient, site: Site, obama: bytes) -> None:
    twelve_mebibytes = padded(obama, 12 * 2**20)
    first = client.search(site.event_id, twelve_mebibytes)
    assert (first.pagination["total"], first.replayed) == (5, False)
    again = client.search(site.event_id, twelve_mebibytes, request_id=first.request_id)
    assert (again.body, again.replayed) == (first.body, True)
    assert client.results(site.event_id, first.request_id).body == first.body


def test_the_pages_of_a_search_of_a_gallery_and_of_the_events_are_walked_to_their_end(
    client: FaceSearchClient, site: Site, obama: bytes
) -> None:
    features: Features = {"bib_search": True, "timeline_search": True, "time_zone": "Europe/Berlin"}
    gallery = site.other_event(features=features)
    noon, berlin = "2026:05:01 12:00:00", ZoneInfo("Europe/Berlin")
    taken = ["2026:05:01 18:00:00", None, noon, "2026:05:01 09:30:00", None, noon]
    photos = {gallery.put_photo(photo_of_nobody(20 * n, at)): (at is None, at or "") for n, at in enumerate(taken)}
    for image_id in photos:
        gallery.wear(image_id, "F7")
    found = client.search(site.event_id, obama)
    pages = list(client.pages(site.event_id, found.request_id, page_size=2))
    assert [len(page.images) for page in pages] == [2, 2, 1]
    assert [image for page in pages for image in page.images] == found.images
    walked = list(client.images(gallery.event_id, page_size=3))
    by_time = sorted(photos, key=lambda image_id: (*photos[image_id], image_id))
    assert [image["image_id"] for page in walked for image in page.data["images"]] == list(map(str, by_time))
    worn = list(client.bib_images(gallery.event_id, "f7", page_size=4))
    assert [image["image_id"] for page in worn for image in page.data["images"]] == list(map(str, by_time))
    assert client.original_photos(gallery.event_id, bib="F7").data["successful_count"] == len(photos)
    (day,) = client.timeline_days(gallery.event_id).data["days"]
    hours = [(each["hour"], each["count"]) for each in day["hours"]]
    assert (day["date"], day["total"], hours) == ("2026-05-01", 4, [(7, 1), (10, 2), (16, 1)])
    start, end = (dt.datetime(2026, 5, 1, *clock, tzinfo=berlin) for clock in ((9, 30), (18, 0)))
    period = list(client.timeline_images(gallery.event_id, start, end, page_size=2))
    assert [image["image_id"] for page in period for image in page.data["images"]] == list(map(str, by_time[:3]))
    ids = [row["event_id"] for page in client.events(page_size=7) for row in page.data["events"]]
    assert ids == [row.event_id for row in site.admin.events(site.org_id)]
    assert len(list(client.images(site.other_event().event_id))) == 1, "an empty gallery is one page"
    assert client.ping(site.event_id).data["status"] == "ok"
    assert client.details(site.event_id).data["event_name"] == "Marathon"


def test_a_guests_app_agrees_searches_and_keeps_looking_by_a_token(
    client_of: ClientOf, site: Site, obama: bytes, samples: Path
) -> None:
    event = site.other_org("Runners with an app")
    first = event.indexed(event.put_photo(obama)).image_id
    mint = event.admin.create_key(event.org_id, [Scope.MINT]).api_key
    token = client_of(event, mint).create_token(event.event_id, watch=True).data["token"]
    guest, selfie = client_of(event, token), samples / "obama2.jpg"
    # When the guest does not agree, then nothing is searched or watched
    page = guest.event_page(event.event_id).data
    assert page["consent"] is not None
    assert (page["event_name"], page["allows"]["watch"]) == ("Event of Runners with an app", True)
    with pytest.raises(BadRequestError) as refused:
        guest.search(event.event_id, selfie)
    assert refused.value.code == "consent_needed"
    found = guest.search(event.event_id, selfie, consent=page["consent"]["version"])
    assert [image["image_id"] for image in found.images] == [str(first)]
    with pytest.raises(BadRequestError) as refused:
        guest.watch(event.event_id, found.request_id, selfie, watch_consent=False)
    assert refused.value.code == "consent_needed"
    # When the guest does, then later photos are in a newer search
    watched = guest.watch(event.event_id, found.request_id, selfie, days=7, watch_consent=True).data
    until(lambda: guest.updates(event.event_id, found.request_id).data["watching_until"])
    assert guest.updates(event.event_id, found.request_id).data == {**watched, "latest": None, "total": 1}
    second = event.indexed(event.put_photo((samples / "obama3.jpg").read_bytes())).image_id
    latest = until(lambda: guest.updates(event.event_id, found.request_id).data["latest"])
    assert guest.updates(event.event_id, found.request_id).data == {**watched, "latest": latest, "total": 2}
    images = [image["image_id"] for page in guest.pages(event.event_id, latest) for image in page.images]
    assert sorted(images) == sorted(map(str, [first, second]))
