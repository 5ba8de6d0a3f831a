"""How a webhook's search ends: once, whatever fails or dies on the way."""

import base64
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import Any, cast

import pytest

from facesearch.errors import CostlyImage, EngineBusy, Throttled
from facesearch.models import JobStatus, QuotaLimits, SearchKey, SearchSummary
from facesearch.webhooks.commands import LONGEST_DELAY, SearchCommand
from facesearch.webhooks.job_runner import MOST_ASIDES, MOST_WAITS, NO_QUOTA
from facesearch.webhooks.jobs import LOST
from facesearch.webhooks.outbound import FetchFailedError, RefusedUrlError
from tests.support.fakes import EVENT, EVENT_ID, ORG, photos
from tests.unit.webhooks.bench import CALLBACK, DELIVERIES, SELFIE, CrashError, WebhookBench, deaths, raising

ALONG = "Z3Vlc3Q="  # "guest"
SIDE = f"{SELFIE}?side"
DONE = (JobStatus.DONE, "")
NO_RESPONSE = FetchFailedError("503.", retryable=True)


def serving(site: WebhookBench, side: Any) -> None:
    """Let the host respond with `guest`, and with something else for the second selfie."""

    def fetch(url: str) -> bytes:
        site.host.asked.append(url)
        response = side if url == SIDE else b"guest"
        if isinstance(response, Exception):
            raise response
        return cast("bytes", response)

    site.host.fetch = fetch  # type: ignore[method-assign]


def test_a_search_is_run_paid_for_stored_and_told_once_however_often_its_command_comes(site: WebhookBench) -> None:
    search = site.send(callback_url=CALLBACK, metadata={"form": 17}).search
    for number in (1, 2, DELIVERIES + 1):
        site.deliver(number)
        assert site.status(search) == DONE
    assert site.reader.results[search] == (SearchSummary(12, 90), photos(12))
    assert site.reader.quotas[str(ORG)].full_at
    (end,) = site.ends.heard
    assert (end.type, end.summary, end.metadata, end.callback_url) == (
        "face_search.completed", SearchSummary(12, 90), {"form": 17}, CALLBACK
    )  # fmt: skip
    assert (site.matcher.matched, site.host.asked) == (1, [SELFIE])


@pytest.mark.parametrize(
    ("response", "changes", "reason", "is_paid"),
    [
        (lambda: b"nobody", {}, "No face was found in the selfie.", False),
        (lambda: b"bomb", {}, CostlyImage().message, True),
        (raising(RefusedUrlError("Private.")), {}, "selfie_url was refused: Private.", False),
        (raising(FetchFailedError("404.", retryable=False)), {}, "selfie_url could not be fetched: 404.", False),
        (None, None, "The event is gone.", False),
        (None, {"closing": True}, "The event is gone.", False),
        (None, {"selfie_search": False}, "Selfie search is disabled for this event.", False),
    ],
)
def test_what_cannot_be_done_fails_at_once_with_the_reason_and_is_paid_for_once_if_it_was_made_to_be_work(
    site: WebhookBench, response: Callable[[], bytes] | None, changes: Any, reason: str, is_paid: bool
) -> None:
    search = site.send(callback_url=CALLBACK).search
    site.host.response = response or site.host.response
    site.reader.events.clear()
    if changes is not None:
        site.reader.events[EVENT_ID] = replace(EVENT, **changes)
    site.deliver()
    paid = dict(site.reader.quotas)
    assert (site.status(search), str(EVENT.org_id) in paid) == ((JobStatus.FAILED, reason), is_paid)
    (end,) = site.ends.heard
    assert (end.type, end.summary, end.reason) == ("face_search.failed", None, reason)
    site.deliver(2)
    assert (len(site.ends.heard), site.queue.postponed, site.claims.running) == (1, [], set())
    assert site.reader.quotas == paid


def test_a_selfie_that_is_gone_or_was_never_there_fails(site: WebhookBench) -> None:
    gone, never = site.send(selfie_base64=ALONG).search, site.send("msg_2").search
    site.waiting.kept.clear()
    site.reader.jobs[never] = replace(site.reader.jobs[never], urls=())
    for search, reason in ((gone, "The selfie is no longer there."), (never, "The search has no selfie.")):
        site.deliver(command=SearchCommand(search))
        assert site.status(search) == (JobStatus.FAILED, reason)


@pytest.mark.parametrize(
    ("error", "shortest", "reason"),
    [
        (NO_RESPONSE, 0, "selfie_url could not be fetched: 503."),
        (FetchFailedError("503.", retryable=True, retry_after=1000), 1000, "selfie_url could not be fetched: 503."),
        (EngineBusy("busy", 7), 7, "busy"),
        (OSError("quotes the request"), 0, ""),
    ],
)
def test_what_may_come_is_tried_again_later_and_later_and_then_given_up(
    site: WebhookBench, error: Exception, shortest: int, reason: str
) -> None:
    search = site.send(callback_url=CALLBACK).search
    site.host.response = raising(error)
    for number in range(1, DELIVERIES):
        site.deliver_again(number)
        assert site.status(search) == (JobStatus.RUNNING, reason)
    for (_, seconds), planned in zip(site.queue.postponed, (5, 20, 80), strict=True):
        assert max(shortest, planned * 0.79) <= seconds <= max(shortest, planned * 1.21)
    site.deliver_again(DELIVERIES)
    assert site.queue.postponed[-1] == (f"receipt {DELIVERIES}", 0)
    said = f"{LOST} {reason}".strip()
    assert site.status(search) == (JobStatus.FAILED, said)
    assert [(end.type, end.reason) for end in site.ends.heard] == [("face_search.failed", said)]
    # When an operator has the dead letter delivered again
    site.host.response = lambda: b"guest"
    site.deliver(1)
    assert site.status(search) == DONE


def test_the_last_delivery_only_closes_what_killed_every_worker(site: WebhookBench) -> None:
    search = site.send(selfie_base64=ALONG).search
    site.matcher.during_match = raising(CrashError())
    for number in range(1, DELIVERIES):
        with pytest.raises(CrashError):
            site.deliver(number)
    site.deliver_again(DELIVERIES)
    assert site.matcher.matched == DELIVERIES - 1
    assert site.status(search) == (JobStatus.FAILED, LOST)
    assert site.waiting.kept, "an operator may have the dead letter delivered"


def test_a_search_that_runs_elsewhere_comes_again(site: WebhookBench) -> None:
    search = site.send().search
    site.claims.running.add(search)
    site.deliver_again(1)
    assert site.host.asked == []
    assert [seconds for _, seconds in site.queue.postponed] == [31], "by then it has ended, or its claim has"
    assert site.status(search) == (JobStatus.RUNNING, "")
    site.claims.running.clear()
    site.deliver(2)
    assert site.status(search) == DONE


def without_quota(site: WebhookBench) -> tuple[SearchKey, SearchCommand]:
    """A search that waits, and its command; another one has used up the quota."""
    site.limits = QuotaLimits(per_minute=1, burst=1)
    site.send("first", callback_url=CALLBACK)
    site.deliver()
    search = site.send("second", callback_url=CALLBACK).search
    return search, SearchCommand(search)


def test_without_quota_a_command_waits_and_its_deliveries_are_not_used_up(site: WebhookBench) -> None:
    search, command = without_quota(site)
    fetched = len(site.host.asked)
    for waits in range(20):
        site.deliver(command=replace(command, waits=waits))
        sent, delay = site.queue.sent[-1]
        assert sent == replace(command, waits=waits + 1)
        assert 1 <= delay <= LONGEST_DELAY
    assert (site.queue.postponed, len(site.host.asked)) == ([], fetched), "nothing is fetched in vain"
    assert site.status(search) == (JobStatus.RUNNING, "Waiting for the organisation's face-search quota.")
    site.reader.quotas.clear()
    site.deliver()
    assert site.status(search) == DONE


def test_a_command_waits_for_quota_for_a_day_and_then_its_search_has_failed(site: WebhookBench) -> None:
    """Nothing else ends this chain of messages: Lambda must not, and the queue counts each as a new one."""
    search, command = without_quota(site)
    site.queue.sent, now = [(command, 0)], time.time()
    site.runner = replace(site.runner, clock=lambda: now)
    for _ in range(200_000):
        if not site.queue.sent:
            break
        command, delay = site.queue.sent.pop()
        now += delay
        site.deliver(command=command)
    assert (site.queue.sent, site.status(search)) == ([], (JobStatus.FAILED, NO_QUOTA))
    assert [end.type for end in site.ends.heard] == ["face_search.completed", "face_search.failed"]


def test_a_command_of_a_job_that_is_gone_is_over(site: WebhookBench) -> None:
    site.jobs.delete(site.send(callback_url=CALLBACK).search)
    site.deliver()
    assert (site.reader.jobs, site.reader.results, site.ends.heard, site.host.asked) == ({}, {}, [], [])


def test_a_worker_that_dies_anywhere_leaves_a_search_that_ends_once(site: WebhookBench) -> None:
    for steps in deaths(site.fuse):
        search = site.send(f"msg_{steps}", selfie_base64=ALONG, callback_url=CALLBACK).search
        site.fuse.left = steps
        site.deliver_until_over()
        assert (site.status(search), site.matcher.matched) == (DONE, steps)
    assert steps == 6, "begin, fetch, announce, end, delete"
    assert site.waiting.kept == {}
    assert len(site.ends.heard) > len(site.ends.told) == steps, "at least once"


# ------------------------------------------------------------------ watching
WATCHED: dict[str, Any] = {"callback_url": CALLBACK, "watch": True, "watch_consent": True, "watch_days": 3}


def test_a_search_that_goes_on_keeps_its_probe_and_no_other_does(site: WebhookBench) -> None:
    site.send("msg_1", callback_url=CALLBACK)
    site.deliver()
    assert site.watches.watches == {}
    serving(site, b"side")
    search = site.send("msg_2", selfie_url=[SELFIE, SIDE], metadata={"form": 1}, **WATCHED).search
    site.deliver()
    watch = site.watches.watches[search]
    assert (watch.metadata, watch.callback_url, watch.last) == ({"form": 1}, CALLBACK, search.request_id)
    assert site.probes.open(watch).values == b"guest+side"
    assert site.status(search) == DONE
    assert [end.type for end in site.ends.heard] == ["face_search.completed"] * 2
    assert sorted(site.host.asked) == [SELFIE, SELFIE, SIDE], "fetched once, for search and watch"


def test_photos_that_came_before_the_probe_was_kept_are_told_of_after_the_search(site: WebhookBench) -> None:
    keep = site.watches.keep

    def late(watch: Any) -> bool:
        site.matcher.found = photos(13)
        return keep(watch)

    site.watches.keep = late  # type: ignore[method-assign]
    site.send(**WATCHED)
    site.deliver()
    assert [(end.type, end.summary) for end in site.ends.heard] == [
        ("face_search.completed", SearchSummary(12, 90)),
        ("face_search.updated", SearchSummary(13, 90)),
    ]


@pytest.mark.parametrize(("selfie", "watched"), [(ALONG, True), ("bm9ib2R5", False)], ids=["guest", "nobody"])
def test_what_a_post_has_searched_before_is_watched_with_the_webhooks_selfie(
    site: WebhookBench, selfie: str, watched: bool
) -> None:
    search = SearchKey(ORG, EVENT_ID, uuid.uuid4())
    site.reader.save(search, SearchSummary(12, 90), photos(12))
    site.send(request_id=str(search.request_id), selfie_base64=selfie, **WATCHED)
    site.deliver()
    assert (search in site.watches.watches, site.status(search)) == (watched, DONE)


def test_a_probe_that_cannot_be_kept_is_tried_again_and_then_done_without(site: WebhookBench) -> None:
    search = site.send(selfie_base64=ALONG, **WATCHED).search
    site.watches.keep = raising(OSError())  # type: ignore[method-assign]
    site.deliver_again(*range(1, DELIVERIES))
    assert site.ends.heard == []
    site.deliver(DELIVERIES)
    assert (site.status(search), [end.type for end in site.ends.heard]) == (DONE, ["face_search.completed"])


def test_a_worker_that_dies_anywhere_leaves_one_watch(site: WebhookBench) -> None:
    for steps in deaths(site.fuse):
        search = site.send(f"msg_{steps}", selfie_base64=ALONG, **WATCHED).search
        site.fuse.left = steps
        site.deliver_until_over()
        assert (site.status(search), search in site.watches.watches) == (DONE, True)
    assert steps == 9, "begin, fetch, look for the watch, keep it, announce, look at what was told, end, delete"
    assert {kind for _, kind in site.ends.told} == {"face_search.completed"}


def test_a_search_that_is_deleted_while_it_runs_leaves_nothing(site: WebhookBench) -> None:
    search = site.send(selfie_base64=ALONG, **WATCHED).search
    site.matcher.during_match = lambda: (site.jobs.delete(search), None)[1]
    site.deliver()
    assert (site.reader.results, site.reader.listed, site.watches.watches, site.ends.heard) == ({}, {}, {}, [])
    assert (site.claims.done, site.waiting.kept) == ({}, {})


# ------------------------------------------------------------------ several selfies


@pytest.mark.parametrize(
    "body",
    [{"selfie_url": [SELFIE, SIDE, SELFIE]}, {"selfie_base64": [ALONG, base64.b64encode(b"side").decode(), ALONG]}],
    ids=lambda body: next(iter(body)),
)
def test_several_selfies_are_searched_once_in_their_order_and_then_gone(site: WebhookBench, body: Any) -> None:
    serving(site, b"side")
    search = site.send(callback_url=CALLBACK, **body).search
    site.deliver()
    assert site.status(search) == DONE
    assert sorted(site.host.asked) == sorted(body.get("selfie_url", []))
    assert (list(site.kept.kept.values()), site.waiting.kept) == ([(b"guest", b"side", b"guest")], {})
    assert (site.matcher.probed, site.matcher.matched, len(site.ends.heard)) == (1, 1, 1)


def test_a_host_that_does_not_respond_for_one_of_them_is_asked_again_for_all(site: WebhookBench) -> None:
    serving(site, NO_RESPONSE)
    search = site.send(selfie_url=[SELFIE, SIDE]).search
    site.deliver_again(1)
    assert site.status(search) == (JobStatus.RUNNING, "Selfie 2: selfie_url could not be fetched: 503.")
    serving(site, b"side")
    site.deliver(2)
    assert site.status(search) == DONE


# ------------------------------------------------------------------ shares


def busy(site: WebhookBench) -> ExitStack:
    """Other fetches of the organisation hold all that it may; closed, they have ended."""
    others = ExitStack()
    while (held := site.shares.take(ORG, 1)) is not None:
        others.enter_context(held)
    return others


def test_a_job_steps_aside_while_fetches_of_its_organisation_hold_all_they_may(site: WebhookBench) -> None:
    """Each time for longer, and at once for so long that fifty of them leave the workers to others."""
    search = site.send().search
    site.runner = replace(site.runner, jitter=lambda least, most: most if least == 1 else least)
    with busy(site):
        for number, longest in enumerate((8, 16, 32, 60, 60, 60, 60, 60), 1):
            site.deliver()
            assert site.queue.sent[-1] == (SearchCommand(search, asides=number), longest)
        assert (site.host.asked, site.queue.postponed) == ([], []), "it has used up no delivery"
        assert site.status(search) == (JobStatus.QUEUED, "")
        along = site.send("msg_2", selfie_base64=ALONG).search
        site.deliver()
        assert site.status(along) == DONE, "a selfie that came along waits for nobody"
    site.deliver(command=SearchCommand(search))
    assert (site.status(search), site.shares.taken) == (DONE, [])


def test_a_share_is_given_back_before_the_search_and_however_the_fetch_ends(site: WebhookBench) -> None:
    taken: list[int] = []
    site.matcher.during_match = lambda: taken.append(len(site.shares.taken))
    site.send()
    site.deliver()
    site.host.response = raising(NO_RESPONSE)
    site.send("msg_2")
    site.deliver_again(1)
    assert (taken, site.shares.taken) == ([0], [])


def test_tries_are_counted_across_the_messages_of_a_job(site: WebhookBench) -> None:
    """A message that is sent anew is counted from one by the queue."""
    search = site.send(callback_url=CALLBACK).search
    site.host.response = raising(NO_RESPONSE)
    command = SearchCommand(search)
    for tries in range(1, DELIVERIES - 1):
        site.deliver_again(1, command=command)
        with busy(site):
            site.deliver(2, command)
        command = site.queue.sent[-1][0]
        assert (command.tries, command.asides) == (tries, tries)
    site.deliver_again(1, 2, command=command)
    assert site.status(search)[0] is JobStatus.FAILED
    assert len(site.host.asked) == DELIVERIES - 1
    site.host.response = lambda: b"guest"
    site.deliver(1, command)  # by an operator, out of the dead letters
    assert site.status(search) == DONE


def test_a_job_that_has_stepped_aside_too_often_has_failed(site: WebhookBench) -> None:
    search = site.send(callback_url=CALLBACK).search
    busy(site)
    site.deliver(1, SearchCommand(search, asides=MOST_ASIDES))
    status, reason = site.status(search)
    assert (status, reason.startswith("selfie_url could not be fetched")) == (JobStatus.FAILED, True)
    assert ([end.type for end in site.ends.heard], len(site.queue.sent)) == (["face_search.failed"], 1)


@pytest.mark.parametrize(("waits", "raises"), [(0, False), (MOST_WAITS - 1, False), (MOST_WAITS, True)])
def test_a_job_that_aws_throttles_waits_so_often_and_then_uses_up_deliveries(
    site: WebhookBench, waits: int, raises: bool
) -> None:
    search = site.send().search
    site.reader.read = raising(Throttled("BatchGetItem", "ThrottlingException"))  # type: ignore[method-assign]
    site.queue.sent.clear()
    with pytest.raises(Throttled) if raises else nullcontext():
        site.deliver(2, SearchCommand(search, waits=waits, tries=1))
    assert site.queue.sent == [] if raises else site.queue.sent[0][0] == SearchCommand(search, waits + 1, tries=2)
