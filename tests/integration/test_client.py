"""Both clients against the running stack: large selfies, pages, waiting, downloads."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import cast

import pytest

from facesearch_client import FaceSearchClient
from facesearch_client.asynchronous import AsyncFaceSearchClient
from tests.integration.conftest import Site, photo_of_nobody
from tests.integration.test_uploads import padded
from tests.unit.client.fakes import AsyncAtOnce


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, site: Site) -> Iterator[FaceSearchClient]:
    """Either client; the asynchronous one as if it were the other."""
    with ExitStack() as exits:
        if request.param == "sync":
            yield exits.enter_context(FaceSearchClient(site.stack.url, site.api_key, site.org_id))
            return
        runner = exits.enter_context(asyncio.Runner())
        client = AsyncFaceSearchClient(site.stack.url, site.api_key, site.org_id)
        at_once = cast("FaceSearchClient", AsyncAtOnce(client, runner))
        exits.callback(at_once.close)
        yield at_once


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
    gallery, noon = site.other_event(), "2026:05:01 12:00:00"
    taken = ["2026:05:01 18:00:00", None, noon, "2026:05:01 09:30:00", None, noon]
    photos = {gallery.put_photo(photo_of_nobody(20 * n, at)): (at is None, at or "") for n, at in enumerate(taken)}
    for image_id in photos:
        gallery.indexed(image_id)
    found = client.search(site.event_id, obama)
    pages = list(client.pages(site.event_id, found.request_id, page_size=2))
    assert [len(page.images) for page in pages] == [2, 2, 1]
    assert [image for page in pages for image in page.images] == found.images
    walked = list(client.images(gallery.event_id, page_size=3))
    by_time = sorted(photos, key=lambda image_id: (*photos[image_id], image_id))
    assert [image["image_id"] for page in walked for image in page.data["images"]] == list(map(str, by_time))
    ids = [row["event_id"] for page in client.events(page_size=7) for row in page.data["events"]]
    assert ids == [row.event_id for row in site.admin.events(site.org_id)]
    assert len(list(client.images(site.other_event().event_id))) == 1, "an empty gallery is one page"
    assert client.ping(site.event_id).data["status"] == "ok"
    assert client.details(site.event_id).data["event_name"] == "Marathon"
