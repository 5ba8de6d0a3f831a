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
from facesearch.reading import Known, Wanted
from facesearch.webhooks.commands import LONGEST_DELAY, NotNowError, SearchCommand
from facesearch.webhooks.job_runner import MOST_ASIDES, MOST_WAITS, NO_QUOTA
from facesearch.webhooks.jobs import LOST
from facesearch.webhooks.outbound import FetchFailedError, RefusedUrlError
from tests.support.fakes import EVENT, EVENT_ID, ORG, OpenProbes, photos
from tests.unit.webhooks.bench import CALLBACK, DELIVERIES, SELFIE, CrashError, WebhookBench

ALONG = "Z3Vlc3Q="  # "guest"


def failing(error: Exception) -> Callable[[], bytes]:
    def fail() -> bytes:
        raise error

    return fail


def test_a_search_is_run_paid_for_stored_and_told(site: WebhookBench) -> None:
    request_id = site.send(callback_url=CALLBACK, metadata={"form": 17}).search.request_id
    site.deliver()
    assert site.status(request_id) == (JobStatus.DONE, "")
    assert site.reader.results[SearchKey(ORG, EVENT_ID, request_id)] == (SearchSummary(12, 90), photos(12))
    assert site.reader.quotas[ORG].full_at
    (end,) = site.ends.heard
    assert (end.type, end.summary, end.metadata, end.callback_url) == (
        "face_search.completed", SearchSummary(12, 90), {"form": 17}, CALLBACK
    )  # fmt: skip
    assert site.host.asked == [SELFIE]


def test_a_command_delivered_again_does_nothing_more(site: WebhookBench) -> None:
    request_id = site.send(callback_url=CALLBACK, selfie_base64=ALONG).search.request_id
    for number in (1, 2, DELIVERIES + 1):
        site.deliver(number)
    assert (site.matcher.matched, len(site.ends.heard), site.waiting.kept) == (1, 1, {})
    assert site.status(request_id) == (JobStatus.DONE, "")


def test_nobody_is_told_who_did_not_ask(site: WebhookBench) -> None:
    site.send()
    site.deliver()
    site.host.answer = failing(RefusedUrlError("no"))
    site.send("msg_2")
    site.deliver()
    assert site.ends.heard == []


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda site: setattr(site.host, "answer", lambda: b"nobody"), "No face was found in the selfie."),
        (
            lambda site: setattr(site.host, "answer", failing(RefusedUrlError("Private."))),
            "selfie_url was refused: Private.",
        ),
        (
            lambda site: setattr(site.host, "answer", failing(FetchFailedError("404.", retryable=False))),
            "selfie_url could not be fetched: 404.",
        ),
        (lambda site: site.reader.events.clear(), "The event is gone."),
        (lambda site: site.reader.events.update({EVENT_ID: replace(EVENT, closing=True)}), "The event is gone."),
        (
            lambda site: site.reader.events.update({EVENT_ID: replace(EVENT, selfie_search=False)}),
            "Selfie search is disabled for this event.",
        ),
    ],
)
def test_what_cannot_be_done_fails_at_once_with_the_reason(
    site: WebhookBench, break_it: Callable[[WebhookBench], Any], reason: str
) -> None:
    request_id = site.send(callback_url=CALLBACK).search.request_id
    break_it(site)
    site.deliver()
    assert site.status(request_id) == (JobStatus.FAILED, reason)
    (end,) = site.ends.heard
    assert (end.type, end.summary, end.reason) == ("face_search.failed", None, reason)
    site.deliver(2)
    assert (len(site.ends.heard), site.queue.postponed, site.claims.running) == (1, [], set())
    assert not site.reader.quotas, "nothing was matched, nothing is paid"


def test_a_selfie_that_is_made_to_be_work_fails_at_once_and_is_paid_for_once(site: WebhookBench) -> None:
    request_id = site.send(callback_url=CALLBACK).search.request_id
    site.host.answer = lambda: b"bomb"
    site.deliver()
    assert site.status(request_id) == (JobStatus.FAILED, CostlyImage().message)
    paid = dict(site.reader.quotas)
    assert paid
    site.deliver(2)
    assert (len(site.ends.heard), site.queue.postponed, site.reader.quotas) == (1, [], paid)


def test_a_selfie_that_came_along_and_is_gone_fails(site: WebhookBench) -> None:
    request_id = site.send(selfie_base64=ALONG).search.request_id
    site.waiting.kept.clear()
    site.deliver()
    assert site.status(request_id) == (JobStatus.FAILED, "The selfie is no longer there.")


@pytest.mark.parametrize(
    ("error", "shortest", "reason"),
    [
        (FetchFailedError("503.", retryable=True), 0, "selfie_url could not be fetched: 503."),
        (FetchFailedError("503.", retryable=True, retry_after=1000), 1000, "selfie_url could not be fetched: 503."),
        (OSError("quotes the request"), 0, ""),
    ],
)
def test_what_may_come_is_tried_again_later_and_later_and_then_given_up(
    site: WebhookBench, error: Exception, shortest: int, reason: str
) -> None:
    request_id = site.send(callback_url=CALLBACK).search.request_id
    site.host.answer = failing(error)
    for number in range(1, DELIVERIES):
        with pytest.raises(NotNowError):
            site.deliver(number)
        assert site.status(request_id) == (JobStatus.RUNNING, reason)
    for (_, seconds), planned in zip(site.queue.postponed, (5, 20, 80), strict=True):
        assert max(shortest, planned * 0.79) <= seconds <= max(shortest, planned * 1.21)
    with pytest.raises(NotNowError):
        site.deliver(DELIVERIES)
    assert site.queue.postponed[-1] == (f"receipt {DELIVERIES}", 0)
    said = f"{LOST} {reason}".strip()
    assert site.status(request_id) == (JobStatus.FAILED, said)
    assert [(end.type, end.reason) for end in site.ends.heard] == [("face_search.failed", said)]
    # When an operator has the dead letter delivered again
    site.host.answer = lambda: b"guest"
    site.deliver(1)
    assert site.status(request_id) == (JobStatus.DONE, "")


def test_a_face_service_that_is_busy_is_asked_again_and_the_search_is_not_over(site: WebhookBench) -> None:
    request_id = site.send(selfie_base64=ALONG).search.request_id

    def busy() -> None:
        raise EngineBusy("busy", 7)

    site.matcher.during_match = busy
    with pytest.raises(NotNowError):
        site.deliver(1)
    assert site.status(request_id) == (JobStatus.RUNNING, "busy")
    assert site.queue.postponed[-1][1] >= 7
    site.matcher.during_match = lambda: None
    site.deliver(2)
    assert site.status(request_id) == (JobStatus.DONE, "")


def test_the_last_delivery_only_closes_what_killed_every_worker(site: WebhookBench) -> None:
    request_id = site.send(selfie_base64=ALONG).search.request_id

    def die() -> None:
        raise CrashError

    site.matcher.during_match = die
    for number in range(1, DELIVERIES):
        with pytest.raises(CrashError):
            site.deliver(number)
    with pytest.raises(NotNowError):
        site.deliver(DELIVERIES)
    assert site.matcher.matched == DELIVERIES - 1
    assert site.status(request_id) == (JobStatus.FAILED, LOST)
    assert site.waiting.kept, "for whoever delivers the dead letter"


def test_a_search_that_runs_elsewhere_comes_again(site: WebhookBench) -> None:
    accepted = site.send()
    site.claims.running.add(accepted.search)
    with pytest.raises(NotNowError):
        site.deliver()
    assert site.host.asked == []
    ((_, seconds),) = site.queue.postponed
    assert seconds == 31, "by then it has ended, or its claim has"
    assert site.status(accepted.search.request_id) == (JobStatus.RUNNING, "")
    site.claims.running.clear()
    site.deliver(2)
    assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")


def test_without_quota_a_command_waits_and_its_deliveries_are_not_used_up(site: WebhookBench) -> None:
    site.limits = QuotaLimits(per_minute=1, burst=1)
    first, second = (site.send(f"msg_{number}").search.request_id for number in range(2))
    commands = [command for command, _ in site.queue.sent]
    site.deliver(command=commands[0])
    fetched = len(site.host.asked)
    for waits in range(20):
        site.deliver(command=replace(commands[1], waits=waits))
        command, delay = site.queue.sent[-1]
        assert command == replace(commands[1], waits=waits + 1)
        assert 1 <= delay <= LONGEST_DELAY
    assert (site.queue.postponed, len(site.host.asked)) == ([], fetched), "nothing is fetched in vain"
    assert site.status(second) == (JobStatus.RUNNING, "Waiting for the organisation's face-search quota.")
    site.reader.quotas.clear()
    site.deliver()
    assert [site.status(each)[0] for each in (first, second)] == [JobStatus.DONE] * 2


def test_a_command_waits_for_quota_for_a_day_and_then_its_search_has_failed(site: WebhookBench) -> None:
    """Nothing else ends this chain of messages: Lambda must not, and the queue counts each as a new one."""
    site.limits = QuotaLimits(per_minute=1, burst=1)
    sent = [site.send(f"msg_{number}", callback_url=CALLBACK) for number in range(2)]
    first, second = (accepted.search.request_id for accepted in sent)
    commands = [command for command, _ in site.queue.sent]
    site.deliver(command=commands[0])
    site.queue.sent = [(commands[1], 0)]
    now = time.time()
    site.runner = replace(site.runner, clock=lambda: now)
    for _ in range(200_000):
        if not site.queue.sent:
            break
        command, delay = site.queue.sent.pop()
        now += delay
        site.deliver(command=command)
    assert site.queue.sent == []
    assert site.status(second) == (JobStatus.FAILED, NO_QUOTA)
    assert site.ends.told == {(first, "face_search.completed"), (second, "face_search.failed")}


def test_a_command_of_a_job_that_is_gone_is_over(site: WebhookBench) -> None:
    accepted = site.send(callback_url=CALLBACK)
    site.store.delete(accepted.search)
    site.deliver()
    assert (site.reader.jobs, site.reader.results, site.ends.heard, site.host.asked) == ({}, {}, [], [])


def test_a_worker_that_dies_anywhere_leaves_a_search_that_ends_once(site: WebhookBench) -> None:
    steps = 0
    for steps in range(1, 9):
        accepted = site.send(f"msg_{steps}", selfie_base64=ALONG, callback_url=CALLBACK)
        site.fuse.left = steps
        crashed = site.deliver_until_over() == 2
        site.fuse.left = None
        assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")
        assert site.matcher.matched == steps
        if not crashed:
            break
    assert steps == 6, "begin, fetch, announce, note, forget"
    assert site.waiting.kept == {}
    assert len(site.ends.told) == steps
    assert len(site.ends.heard) > steps, "at least once"


# ------------------------------------------------------------------ watching
WATCHED: dict[str, Any] = {"callback_url": CALLBACK, "watch": True, "watch_consent": True, "watch_days": 3}


def test_a_search_that_goes_on_keeps_its_probe_and_no_other_does(site: WebhookBench) -> None:
    site.send("msg_1", callback_url=CALLBACK)
    site.deliver()
    assert site.watches.watches == {}
    accepted = site.send("msg_2", selfie_base64=ALONG, metadata={"form": 1}, **WATCHED)
    site.deliver()
    watch = site.watches.watches[accepted.search]
    assert (watch.metadata, watch.callback_url, watch.last) == ({"form": 1}, CALLBACK, accepted.search.request_id)
    assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")
    assert [end.type for end in site.ends.heard] == ["face_search.completed"] * 2


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


def test_what_a_post_has_searched_before_is_watched_with_the_webhooks_selfie(site: WebhookBench) -> None:
    search = SearchKey(ORG, EVENT_ID, uuid.uuid4())
    site.reader.save(search, SearchSummary(12, 90), photos(12))
    site.send(request_id=str(search.request_id), selfie_base64=ALONG, **WATCHED)
    site.deliver()
    assert (search in site.watches.watches, site.status(search.request_id)[0]) == (True, JobStatus.DONE)
    other = replace(search, request_id=uuid.uuid4())
    site.reader.save(other, SearchSummary(12, 90), photos(12))
    site.send("msg_2", request_id=str(other.request_id), selfie_base64="bm9ib2R5", **WATCHED)
    site.deliver()
    assert (other in site.watches.watches, site.status(other.request_id)[0]) == (False, JobStatus.DONE)


def test_a_probe_that_cannot_be_kept_is_tried_again_and_then_done_without(site: WebhookBench) -> None:
    accepted = site.send(selfie_base64=ALONG, **WATCHED)

    def failing(watch: Any) -> bool:
        raise OSError

    site.watches.keep = failing  # type: ignore[method-assign]
    for number in range(1, DELIVERIES):
        with pytest.raises(NotNowError):
            site.deliver(number)
    assert site.ends.heard == []
    site.deliver(DELIVERIES)
    assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")
    assert [end.type for end in site.ends.heard] == ["face_search.completed"]


def test_a_worker_that_dies_anywhere_leaves_one_watch(site: WebhookBench) -> None:
    site.limits = QuotaLimits(per_minute=6000, burst=100)
    for steps in range(1, 20):
        accepted = site.send(f"msg_{steps}", selfie_base64=ALONG, **WATCHED)
        site.fuse.left = steps
        crashed = site.deliver_until_over() == 2
        site.fuse.left = None
        assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")
        assert accepted.search in site.watches.watches
        if not crashed:
            break
    assert steps == 8, "begin, fetch, look for the watch, keep it, announce, end, forget"
    assert {kind for _, kind in site.ends.told} == {"face_search.completed"}


def test_a_search_that_is_deleted_while_it_runs_leaves_nothing(site: WebhookBench) -> None:
    accepted = site.send(selfie_base64=ALONG, **WATCHED)
    site.matcher.during_match = lambda: (site.store.delete(accepted.search), None)[1]
    site.deliver()
    assert (site.reader.results, site.reader.listed, site.watches.watches, site.ends.heard) == ({}, {}, {}, [])
    assert (site.claims.done, site.waiting.kept) == ({}, {})


# ------------------------------------------------------------------ several selfies
SIDE = f"{SELFIE}?side"


def serving(site: WebhookBench, **others: Any) -> None:
    """Let the host answer with `guest`, and with something else for the second selfie."""

    def fetch(url: str) -> bytes:
        site.host.asked.append(url)
        answer = others["side"] if url == SIDE else b"guest"
        if isinstance(answer, Exception):
            raise answer
        return cast("bytes", answer)

    site.host.fetch = fetch  # type: ignore[method-assign]


def test_several_selfies_are_fetched_and_searched_once_in_their_command(site: WebhookBench) -> None:
    serving(site, side=b"side")
    request_id = site.send(callback_url=CALLBACK, selfie_url=[SELFIE, SIDE, SELFIE]).search.request_id
    site.deliver()
    assert site.status(request_id) == (JobStatus.DONE, "")
    assert sorted(site.host.asked) == [SELFIE, SELFIE, SIDE]
    assert list(site.kept.kept.values()) == [(b"guest", b"side", b"guest")]
    assert (site.matcher.probed, site.matcher.matched, len(site.ends.heard)) == (1, 1, 1)


def test_a_job_without_any_selfie_fails(site: WebhookBench) -> None:
    search = site.send().search
    site.reader.jobs[search] = replace(site.reader.jobs[search], urls=())
    site.deliver()
    assert site.status(search.request_id) == (JobStatus.FAILED, "The search has no selfie.")


def test_several_selfies_that_came_along_are_all_gone_when_they_were_searched(site: WebhookBench) -> None:
    site.send(selfie_base64=[ALONG, base64.b64encode(b"side").decode()])
    site.deliver()
    assert (list(site.kept.kept.values()), site.waiting.kept) == ([(b"guest", b"side")], {})


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        (b"nobody", "Selfie 2: No face was found in the selfie."),
        (b"stranger", "Selfie 2 shows somebody else."),
        (RefusedUrlError("Private."), "Selfie 2: selfie_url was refused: Private."),
        (FetchFailedError("404.", retryable=False), "Selfie 2: selfie_url could not be fetched: 404."),
    ],
)
def test_the_reason_says_which_of_several_selfies_it_was(site: WebhookBench, side: Any, reason: str) -> None:
    serving(site, side=side)
    request_id = site.send(callback_url=CALLBACK, selfie_url=[SELFIE, SIDE]).search.request_id
    site.deliver()
    assert site.status(request_id) == (JobStatus.FAILED, reason)
    assert [end.reason for end in site.ends.heard] == [reason]
    assert (site.kept.kept, site.matcher.matched, dict(site.reader.quotas)) == ({}, 0, {})


def test_a_host_that_does_not_answer_for_one_of_them_is_asked_again_for_all(site: WebhookBench) -> None:
    serving(site, side=FetchFailedError("503.", retryable=True))
    request_id = site.send(selfie_url=[SELFIE, SIDE]).search.request_id
    with pytest.raises(NotNowError):
        site.deliver()
    assert site.job(request_id).reason == "Selfie 2: selfie_url could not be fetched: 503."
    serving(site, side=b"side")
    site.deliver(2)
    assert site.status(request_id) == (JobStatus.DONE, "")


def test_a_watch_keeps_the_probe_of_all_selfies(site: WebhookBench) -> None:
    serving(site, side=b"side")
    watch: dict[str, Any] = {"watch": True, "watch_consent": True, "callback_url": CALLBACK}
    search = site.send(selfie_url=[SELFIE, SIDE], **watch).search
    site.deliver()
    kept = site.watches.get(search)
    assert kept is not None
    assert OpenProbes().open(kept).values == b"guest+side"
    assert sorted(site.host.asked) == [SELFIE, SIDE], "fetched once, for both"


# ------------------------------------------------------------------ shares


def busy(site: WebhookBench) -> list[ExitStack]:
    """Other fetches of the organisation, which hold all that it may."""
    return [held for _ in range(site.shares.slots) if (held := site.shares.take(ORG, 1)) is not None]


def test_a_job_steps_aside_while_fetches_of_its_organisation_hold_all_they_may(site: WebhookBench) -> None:
    """Each time for longer, and at once for so long that fifty of them leave the workers to others."""
    accepted, others = site.send(), busy(site)
    site.runner = replace(site.runner, jitter=lambda least, most: most if least == 1 else least)
    for number, longest in enumerate((8, 16, 32, 60, 60, 60, 60, 60), 1):
        site.deliver()
        assert site.queue.sent[-1] == (SearchCommand(accepted.search, asides=number), longest)
    assert (site.host.asked, site.queue.postponed) == ([], []), "it has used up no delivery"
    assert site.status(accepted.search.request_id) == (JobStatus.QUEUED, "")
    for other in others:
        other.close()
    site.deliver()
    assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")
    assert site.shares.taken == []


def test_a_selfie_that_came_along_waits_for_nobody(site: WebhookBench) -> None:
    busy(site)
    accepted = site.send(selfie_base64=ALONG)
    site.deliver()
    assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")


def test_a_share_is_given_back_before_the_search_and_however_the_fetch_ends(site: WebhookBench) -> None:
    taken: list[int] = []
    site.matcher.during_match = lambda: taken.append(len(site.shares.taken))
    site.send()
    site.deliver()
    assert taken == [0]
    site.host.answer = failing(FetchFailedError("no answer", retryable=True))
    site.send("msg_2")
    with pytest.raises(NotNowError):
        site.deliver()
    assert site.shares.taken == []


def test_tries_are_counted_across_the_messages_of_a_job(site: WebhookBench) -> None:
    """A message that is sent anew is counted from one by the queue."""
    accepted = site.send(callback_url=CALLBACK)
    site.host.answer = failing(FetchFailedError("no answer", retryable=True))
    command = SearchCommand(accepted.search)
    for tries in range(1, DELIVERIES - 1):
        with pytest.raises(NotNowError):
            site.deliver(1, command)
        others = busy(site)
        site.deliver(2, command)
        command = site.queue.sent[-1][0]
        assert (command.tries, command.asides) == (tries, tries)
        for other in others:
            other.close()
    for number in (1, 2):
        with pytest.raises(NotNowError):
            site.deliver(number, command)
    assert site.status(accepted.search.request_id)[0] is JobStatus.FAILED
    assert len(site.host.asked) == DELIVERIES - 1
    site.host.answer = lambda: b"guest"
    site.deliver(1, command)  # by an operator, out of the dead letters
    assert site.status(accepted.search.request_id) == (JobStatus.DONE, "")


def test_a_job_that_has_stepped_aside_too_often_has_failed(site: WebhookBench) -> None:
    accepted = site.send(callback_url=CALLBACK)
    busy(site)
    site.deliver(1, SearchCommand(accepted.search, asides=MOST_ASIDES))
    status, reason = site.status(accepted.search.request_id)
    assert (status, reason.startswith("selfie_url could not be fetched")) == (JobStatus.FAILED, True)
    assert [end.type for end in site.ends.heard] == ["face_search.failed"]
    assert len(site.queue.sent) == 1


@pytest.mark.parametrize(("waits", "raises"), [(0, False), (MOST_WAITS - 1, False), (MOST_WAITS, True)])
def test_a_job_that_aws_throttles_waits_so_often_and_then_uses_up_deliveries(
    site: WebhookBench, waits: int, raises: bool
) -> None:
    accepted = site.send()
    throttled = Throttled("BatchGetItem", "ThrottlingException")

    def read(wanted: Wanted) -> Known:
        raise throttled

    site.reader.read = read  # type: ignore[method-assign]
    sent = len(site.queue.sent)
    with pytest.raises(Throttled) if raises else nullcontext():
        site.deliver(2, SearchCommand(accepted.search, waits=waits, tries=1))
    assert [command for command, _ in site.queue.sent[sent:]] == (
        [] if raises else [SearchCommand(accepted.search, waits=waits + 1, tries=2)]
    )
