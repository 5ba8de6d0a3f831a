"""What a callback says, and that announcing it often, or dying while doing so, leaves one."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from facesearch.models import SearchSummary
from facesearch.webhooks.callbacks.callback import BODY_BYTES, CallbackStatus, body_with_host, callback_of
from tests.support.fakes import EVENT_ID, ORG
from tests.support.site import CrashError, Fuse
from tests.unit.webhooks.callbacks.bench import END, NOW, REQUEST, SEARCH, URL, CallbackBench, content


def test_a_completed_search_is_told_by_ids_counts_and_a_link() -> None:
    assert content(body_with_host(callback_of(END, NOW).body, "https://api.example/live")) == {
        "type": "face_search.completed",
        "timestamp": "2027-01-15T08:00:00Z",
        "data": {
            "org_id": ORG,
            "event_id": EVENT_ID,
            "request_id": str(REQUEST),
            "total": 12,
            "confidence_percentage": 90,
            "status": "done",
            "reason": None,
            "metadata": {"bib": "private-bib"},
            "results_url": f"https://api.example/live/api/v1/ext/{ORG}/event/{EVENT_ID}/faces/{REQUEST}",
        },
    }


def test_a_failed_search_is_told_with_its_reason_and_without_a_link() -> None:
    end = replace(END, type="face_search.failed", summary=None, reason="No face.", metadata=None)
    message = content(body_with_host(callback_of(end, NOW).body, "https://api.example"))
    assert message["type"] == "face_search.failed"
    names = ("status", "reason", "total", "results_url", "metadata")
    assert [message["data"][name] for name in names] == ["failed", "No face.", None, None, None]


def test_an_update_names_the_search_that_asked_for_it_and_without_a_base_url_the_link_is_a_path() -> None:
    end = replace(END, type="face_search.updated", parent_request_id=uuid.UUID(int=8))
    data = content(body_with_host(callback_of(end, NOW).body, ""))["data"]
    assert (data["status"], data["parent_request_id"]) == ("done", str(uuid.UUID(int=8)))
    assert data["results_url"].startswith("/api/v1/ext/")


@pytest.mark.parametrize("metadata", [{"name": "Zoë 🏃" * 50}, {"lone": "\ud800"}, {"deep": [[[]]]}])
def test_metadata_comes_back_as_it_was_sent(metadata: dict[str, object]) -> None:
    body = callback_of(replace(END, metadata=metadata), NOW).body
    assert content(body_with_host(body, "https://api.example"))["data"]["metadata"] == metadata
    assert len(body) < BODY_BYTES


def test_a_body_beyond_20_kb_is_refused() -> None:
    with pytest.raises(ValueError, match="20000"):
        callback_of(replace(END, metadata={"x": "y" * BODY_BYTES}), NOW)


def test_the_same_end_is_one_callback_and_any_other_is_another() -> None:
    searches: list[dict[str, Any]] = [{"org_id": 1}, {"event_id": 1}, {"request_id": uuid.UUID(int=1)}]
    others: list[dict[str, Any]] = [
        {}, {"summary": SearchSummary(13, 90)}, {"callback_url": "https://elsewhere.example"},
        {"type": "face_search.failed"}, *[{"search": replace(SEARCH, **change)} for change in searches],
    ]  # fmt: skip
    assert len({callback_of(replace(END, **change), NOW).key.callback_id for change in others}) == 5


def test_announced_again_before_it_was_sent_it_is_queued_again_and_afterwards_it_is_not() -> None:
    site = CallbackBench()
    site.announce(callback_url="")
    assert site.callbacks.callbacks == {}, "nobody is to be told"
    key = site.announce()
    assert site.announce(callback_url="https://elsewhere.example") == key
    assert (len(site.queue.waiting), site.callback().url) == (2, URL), "the first one stays"
    site.receiver.responses = [500, 204]
    site.run(most=1)
    site.queue.waiting.clear()
    site.announce()
    assert site.queue.waiting == [], "its next attempt is on its way"


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("after", [False, True])
def test_a_process_that_dies_while_announcing_announces_again(at: int, after: bool) -> None:
    site, fuse = CallbackBench(), Fuse()
    site.wrap = fuse.wrap
    fuse.set(at, after=after)
    with pytest.raises(CrashError):
        site.announce()
    fuse.left = None
    site.announce()
    site.run()
    assert (site.callback().status, len(site.receiver.got)) == (CallbackStatus.DELIVERED, 1)
