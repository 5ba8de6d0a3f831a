"""What a webhook starts, once; and what is left when its receiver dies anywhere."""

import base64
import itertools
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from facesearch.errors import (
    FaceSearchError,
    InvalidRequest,
    NotFound,
    SearchDeleted,
    SearchInProgress,
    StoreUnavailable,
    TooLarge,
    UnreadableBody,
)
from facesearch.models import REKOGNITION, JobStatus, SearchKey, SearchSummary
from facesearch.webhooks.commands import Command, SearchCommand
from facesearch.webhooks.intake import LONGEST_DELAY
from facesearch.webhooks.requests import WebhookRequest, parse_webhook
from tests.support.fakes import EVENT, EVENT_ID, ORG, photos
from tests.unit.webhooks.bench import CALLBACK, SELFIE, CrashError, WebhookBench

ALONG = base64.b64encode(b"guest").decode()
LARGE = base64.b64encode(bytes(3 * 2**20)).decode()
NOT_SELFIES = "must be a string, or a list of 1 to 3 strings"
WATCH: dict[str, Any] = {"watch": True, "watch_consent": True, "callback_url": CALLBACK}


def parsed(**body: Any) -> WebhookRequest:
    return parse_webhook(json.dumps(body).encode())


def test_a_webhook_is_a_job_and_one_command(site: WebhookBench) -> None:
    accepted = site.send(selfie_base64=ALONG, callback_url=CALLBACK, metadata={"form": 17})
    assert (accepted.status, accepted.replayed) == (JobStatus.QUEUED, False)
    job = site.reader.jobs[accepted.search]
    assert (job.callback_url, job.metadata, job.urls, job.enqueued) == (CALLBACK, {"form": 17}, (), True)
    assert site.waiting.kept == {job.selfies[0]: b"guest"}
    assert site.queue.sent == [(SearchCommand(accepted.search), 0)]


def test_the_same_webhook_is_the_same_search_with_or_without_a_request_id(site: WebhookBench) -> None:
    first, other = site.send("msg_1"), site.send("msg_2")
    assert first.search != other.search
    assert site.send("msg_1") == replace(first, replayed=True)
    given = uuid.uuid4()
    assert site.send("msg_1", request_id=str(given)) == replace(first, replayed=True), "the message decides"
    named = site.send("msg_3", request_id=str(given))
    assert named.search.request_id == given
    assert site.send("msg_4", request_id=given.hex.upper()) == replace(named, replayed=True)
    assert len(site.queue.sent) == 3
    assert site.send("", request_id=str(given)).replayed, "without a message id, by key"
    assert site.send("").search != site.send("").search


def test_what_has_ended_is_replayed_as_it_is_now(site: WebhookBench) -> None:
    accepted = site.send()
    site.deliver()
    assert site.send() == replace(accepted, status=JobStatus.DONE, replayed=True)
    assert len(site.queue.sent) == 1


def searched(site: WebhookBench) -> SearchKey:
    """A search that a POST has finished."""
    search = SearchKey(ORG, EVENT_ID, uuid.uuid4())
    site.reader.save(search, SearchSummary(12, 90), photos(12))
    return search


def test_a_finished_search_is_told_once_and_not_queued(site: WebhookBench) -> None:
    search = searched(site)
    for number in range(2):
        accepted = site.send(f"msg_{number}", request_id=str(search.request_id), callback_url=CALLBACK)
        assert (accepted.search, accepted.status, accepted.replayed) == (search, JobStatus.DONE, True)
    (end,) = site.ends.heard
    assert (end.type, end.summary, end.reason) == ("face_search.completed", SearchSummary(12, 90), None)
    assert site.queue.sent == []


def test_a_finished_search_that_shall_be_watched_is_queued(site: WebhookBench) -> None:
    search = searched(site)
    assert site.send(request_id=str(search.request_id), watch_days=3, **WATCH).status is JobStatus.QUEUED
    assert (site.reader.jobs[search].watch_days, len(site.queue.sent)) == (3, 1)


def test_of_many_at_once_one_is_new(site: WebhookBench) -> None:
    with ThreadPoolExecutor(8) as senders:
        accepted = list(senders.map(lambda _: site.send(selfie_base64=ALONG), range(8)))
    assert len({each.search for each in accepted}) == 1
    assert [each.replayed for each in accepted].count(False) == 1
    assert len(site.waiting.kept) == 1, "the others' selfies are not kept"


@pytest.mark.parametrize("kind", ["selfie_base64", "selfie_url"])
def test_an_intake_that_dies_anywhere_leaves_what_the_next_webhook_completes(site: WebhookBench, kind: str) -> None:
    body = {"selfie_base64": ALONG} if kind == "selfie_base64" else {"selfie_url": SELFIE}
    for step in itertools.count(1):
        site.fuse.left = step
        try:
            site.send(f"msg_{step}", **body)
        except CrashError:
            site.fuse.left = None
        else:
            break
        accepted = site.send(f"msg_{step}", **body)
        assert site.queue.sent
        site.deliver_until_over()
        assert site.status(accepted.search) == (JobStatus.DONE, "")
    assert step == (5 if kind == "selfie_base64" else 4)
    assert site.matcher.matched == step - 1, "each was searched once"


@pytest.mark.parametrize("kind", ["selfie_base64", "selfie_url"])
def test_an_intake_that_fails_anywhere_leaves_nothing_and_the_next_webhook_counts(
    site: WebhookBench, kind: str
) -> None:
    """The failed one may have been sent with another selfie, of which nothing may be left."""
    first, second = {
        "selfie_base64": (ALONG, base64.b64encode(b"other").decode()),
        "selfie_url": (SELFIE, f"{SELFIE}?other"),
    }[kind]
    site.fuse.error = StoreUnavailable("PutItem", "ReadTimeoutError")
    # What was written of a selfie under a key that is not known yet, its store deletes.
    for step in range(2 if kind == "selfie_base64" else 1, 9):
        request_id = str(uuid.uuid4())
        site.fuse.left = step
        try:
            site.send(f"msg_{step}", **{kind: first}, request_id=request_id)
        except StoreUnavailable:
            assert (site.reader.jobs, site.reader.webhooks, site.waiting.kept) == ({}, {}, {})
        else:
            break
        accepted = site.send(f"msg_{step}", **{kind: second}, request_id=request_id)
        assert accepted.replayed is False
        site.host.asked.clear()
        site.deliver_until_over()
        assert site.host.asked == ([second] if kind == "selfie_url" else [])
        assert site.kept.kept[accepted.search] == ((b"other",) if kind == "selfie_base64" else (b"guest",))
        site.jobs.delete(accepted.search)
    assert step == (4 if kind == "selfie_base64" else 3), "keep, add, send; a note that fails is no failure"


def test_a_webhook_that_is_deleted_while_it_is_received_starts_nothing(site: WebhookBench) -> None:
    search = SearchKey(ORG, EVENT_ID, uuid.uuid4())

    def delete(command: Command, delay: int = 0) -> None:
        site.jobs.delete(search)
        site.reader.cancel(search)

    site.queue.send = delete  # type: ignore[method-assign]
    with pytest.raises(SearchDeleted):
        site.send(selfie_base64=ALONG, request_id=str(search.request_id))
    assert (site.reader.jobs, site.reader.webhooks, site.waiting.kept) == ({}, {}, {})


def test_an_event_that_is_deleted_at_the_same_moment_keeps_nothing(site: WebhookBench) -> None:
    site.change(closing=True)
    with pytest.raises(NotFound):
        site.send(selfie_base64=[ALONG, ALONG])
    del site.reader.events[EVENT_ID]
    with pytest.raises(NotFound):
        site.send()
    assert site.is_empty


def test_a_job_that_others_add_and_delete_all_the_time_is_given_up(site: WebhookBench) -> None:
    site.jobs.add = lambda job, *, after_end=False: False  # type: ignore[method-assign]
    with pytest.raises(SearchInProgress):
        site.send(selfie_base64=ALONG)
    assert site.is_empty


@pytest.mark.parametrize(("letter", "size"), [("a", 1), ("é", 2)])
def test_metadata_has_a_kilobyte_as_json(letter: str, size: int) -> None:
    fits = letter * ((1024 - len(b'{"a":""}')) // size)
    assert parsed(selfie_url=SELFIE, metadata={"a": fits}).metadata == {"a": fits}
    with pytest.raises(InvalidRequest):
        parsed(selfie_url=SELFIE, metadata={"a": fits + letter})


def test_a_refusal_never_quotes_what_was_sent() -> None:
    for body in (b'{"selfie_url": 7, "request_id": ["secret"]}', b'{"secret', b'{"selfie_base64": "secret!"}'):
        with pytest.raises((InvalidRequest, UnreadableBody)) as refused:
            parse_webhook(body).pictures()
        assert "secret" not in str(refused.value)


def test_a_deployment_or_an_event_that_gives_no_probe_cannot_be_watched(site: WebhookBench) -> None:
    with pytest.raises(InvalidRequest, match="gives no probe"):
        site.intake.receive(replace(EVENT, faces=REKOGNITION), parsed(selfie_base64=ALONG, **WATCH), "")
    site.intake = replace(site.intake, watching=False)
    with pytest.raises(InvalidRequest, match="does not watch"):
        site.send(**WATCH)
    assert site.is_empty
    site.send(**WATCH | {"watch": False})


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        *[({"selfie_url": each}, InvalidRequest, f"body.selfie_url: {NOT_SELFIES}")
          for each in ([], [SELFIE] * 4, [SELFIE, 7], {"a": SELFIE})],
        *[({"selfie_url": each}, InvalidRequest, "body.selfie_url: A URL should have 1 to 2048 characters")
          for each in (["", SELFIE], SELFIE.ljust(2049, "a"))],
        *[({"selfie_url": url, "selfie_base64": picture}, InvalidRequest, "body: exactly one of selfie_url and selfie")
          for url, picture in ((None, None), ([SELFIE], [ALONG]))],
        *[({**WATCH, name: value}, InvalidRequest, "body: watch needs watch_consent")
          for name, value in (("watch_consent", False), ("callback_url", None))],
        *[({"watch_days": 7} | more, InvalidRequest, "body: watch_days needs watch to be true")
          for more in ({}, {"watch": False}, {"watch_consent": True})],
        ({"selfie_base64": [ALONG, "A"]}, UnreadableBody, "Selfie 2: body.selfie_base64: must be base64"),
        *[({"selfie_base64": each}, UnreadableBody, "body.selfie_base64: must be base64")
          for each in ("…", "QUJD…", "é", "😀", "٣", "ſ", "\u202e", "!!!")],
        ({"selfie_base64": ["", ALONG]}, UnreadableBody, "Selfie 1: body.selfie_base64: the selfie is empty"),
        ({"selfie_base64": ""}, UnreadableBody, "body.selfie_base64: the selfie is empty"),
        ({"selfie_base64": [LARGE] * 2}, TooLarge, "The selfies have more than 4.5 MiB together"),
        ({"selfie_base64": LARGE * 2}, TooLarge, "The selfie has more than 4.5 MiB."),
        ({"callback_url": "http://partner.example"}, InvalidRequest, "body.callback_url: "),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
def test_what_is_refused_is_named_and_starts_nothing(
    site: WebhookBench, body: Any, error: type[FaceSearchError], said: str
) -> None:
    with pytest.raises(error) as refused:
        site.send(**body)
    assert refused.value.message.startswith(said)
    assert site.is_empty


def test_a_command_comes_a_little_later_while_its_organisations_fetches_hold_all_they_may(site: WebhookBench) -> None:
    site.shares.slots = 0
    site.send("msg_1")
    site.send("msg_2", selfie_base64=ALONG)
    (_, delay), (_, none) = site.queue.sent
    assert 1 <= delay <= LONGEST_DELAY
    assert none == 0, "it fetches nothing"
