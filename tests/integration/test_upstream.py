"""Two stacks in a chain: the second searches by the first, and answers what the first would."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from facesearch.models import UpstreamEvent
from tests.integration.conftest import Site, site_on, until
from tests.integration.test_exactly_once import patiently, results_of

"""The stores are below what is proven here."""
SECRET, VARIABLE = "upstream/api-key", "UPSTREAM_API_KEY_OF_THE_TESTS"


@pytest.fixture(scope="module")
def front(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack whose engine is the upstream `site`, with an event that stands for the site's."""
    parameters = {"Engine": "upstream", "UpstreamUrl": site.stack.url, "UpstreamKeySecret": SECRET}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, site.api_key)
        state = tmp_path_factory.mktemp("front")
        with site_on(state, workers=2, parameters=parameters, secrets={SECRET: VARIABLE}) as front:
            front.admin.update_event(front.event_id, confidence=50, upstream=UpstreamEvent(site.org_id, site.event_id))
            yield front


def test_the_front_answers_what_the_upstream_answers_and_that_searches_once(
    site: Site, front: Site, samples: Path
) -> None:
    """All pages and replays are the embedded engine's, from one search there."""
    picture, request_id = (samples / "obama2.jpg").read_bytes(), str(uuid.uuid4())
    executed, executed_here = (each.metric("search", "SearchExecuted") for each in (site, front))
    first = front.post(picture, request_id, page_size=2)
    assert first.status_code == 200, first.text
    assert "Idempotent-Replayed" not in first.headers
    there = site.get(request_id, page_size=2).json()
    assert first.json() == there
    assert there["data"]["images"]
    for page in range(1, there["data"]["pagination"]["totalPages"] + 2):
        here, below = (each.get(request_id, page=page, page_size=2).json() for each in (front, site))
        assert here == below
    replay = front.post(picture, request_id, page_size=2)
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert replay.json() == there
    assert until(lambda: front.metric("search", "SearchReplayed"))
    assert site.metric("search", "SearchExecuted") == executed + 1
    assert front.metric("search", "SearchExecuted") == executed_here + 1

    own = site.post(picture, str(uuid.uuid4()), page_size=100).json()["data"]
    via = front.post(picture, str(uuid.uuid4()), page_size=100).json()["data"]
    assert via["images"] == own["images"]
    assert via["confidence_percentage"] == own["confidence_percentage"] == 90, "the upstream's, not this event's"
    assert httpx.get(via["images"][0]["thumbnail_url"]).content.startswith(b"\xff\xd8\xff")


def test_an_upstream_killed_in_mid_search_costs_a_retry_and_no_second_search(
    site: Site, front: Site, obama: bytes
) -> None:
    """Given workers of the upstream that die while they search, then callers who retry get the one search's answer."""
    request_id, executed = str(uuid.uuid4()), site.metric("search", "SearchExecuted")
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(front.post, obama, request_id)
        until(lambda: first.done() or site.claimed(), seconds=30)
        site.kill("search")
        cut_off = first.result()
    assert cut_off.status_code in (200, 429, 500), cut_off.text
    answer = cut_off if cut_off.status_code == 200 else patiently(front, obama, request_id)
    assert answer.status_code == 200, answer.text
    assert answer.json() == site.get(request_id).json()
    assert results_of(site, request_id) == 1
    # A worker killed when its result was stored already has not counted it.
    assert executed <= site.metric("search", "SearchExecuted") <= executed + 1
