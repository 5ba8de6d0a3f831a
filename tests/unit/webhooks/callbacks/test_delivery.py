"""Sending callbacks: who gets what how often, whatever receivers answer and wherever processes die."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from facesearch.webhooks.callbacks.callback import CallbackStatus, DeliveryAttempt
from facesearch.webhooks.callbacks.delivery import (
    CLAIM_SECONDS,
    LONGEST_ASIDE,
    LONGEST_SECONDS,
    DeliveryOutcome,
)
from facesearch.webhooks.commands import LONGEST_DELAY, NotNowError
from facesearch.webhooks.outbound import FetchFailedError, PostResult, RefusedUrlError
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.support.site import CrashError, Fuse
from tests.unit.webhooks.callbacks.bench import KEY, NOW, SECRETS, URL, CallbackBench, content

NO_ANSWER = FetchFailedError("The host did not answer in time.", retryable=True)


def outcomes(site: CallbackBench) -> list[DeliveryOutcome]:
    return [report.outcome for report in site.run()]


def test_a_callback_is_signed_by_every_live_secret_and_sent_once() -> None:
    site = CallbackBench()
    site.now = datetime.now(UTC).timestamp()
    site.announce()
    assert outcomes(site) == [DeliveryOutcome.DELIVERED]
    ((url, body, headers),) = site.receiver.got
    assert (url, headers["content-type"], headers["webhook-id"]) == (URL, "application/json", str(KEY.callback_id))
    for secret in SECRETS:
        assert site.receiver.verified(0, secret) == content(body)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(body, dict(headers))
    callback = site.callback()
    assert (callback.status, callback.attempts, callback.last_status) == (CallbackStatus.DELIVERED, 1, 204)
    assert callback.body == b"", "only its receiver has it now"


def test_a_receiver_that_fails_twice_then_accepts_gets_exactly_one_more() -> None:
    site = CallbackBench(delays=(5, 300, 1_800))
    site.receiver.answers = [500, NO_ANSWER, 200]
    site.announce()
    reports = site.run()
    assert [report.outcome for report in reports] == [
        DeliveryOutcome.FAILED,
        DeliveryOutcome.FAILED,
        DeliveryOutcome.DELIVERED,
    ]
    assert [report.seconds for report in reports] == [5, 300, 0]
    assert len(set(site.receiver.ids)) == 1
    bodies = {body for _, body, _ in site.receiver.got}
    assert len(bodies) == 1
    stamps = [int(headers["webhook-timestamp"]) - int(NOW) for _, _, headers in site.receiver.got]
    assert stamps == [0, 5, 305], "signed afresh at each attempt"
    assert site.queue.waiting == []


@pytest.mark.parametrize("answer", [100, 301, 302, 304, 307, 308, 400, 401, 404, 418, 429, 500, 503, NO_ANSWER])
def test_whatever_is_not_2xx_is_a_failure(answer: Any) -> None:
    site = CallbackBench()
    site.receiver.answers = [answer]
    site.announce()
    assert outcomes(site) == [DeliveryOutcome.FAILED, DeliveryOutcome.FAILED, DeliveryOutcome.DEAD]
    callback = site.callback()
    assert (callback.status, callback.attempts) == (CallbackStatus.DEAD, 3)
    assert callback.last_status == (0 if answer is NO_ANSWER else answer)
    assert callback.reason == (NO_ANSWER.reason if answer is NO_ANSWER else f"responded with {answer}")
    assert [attempt.key for attempt in site.queue.dead] == [KEY]
    assert callback.body != b"", "for a replay"


@pytest.mark.parametrize("answer", [200, 201, 202, 204, 206, 299])
def test_any_2xx_is_success(answer: int) -> None:
    site = CallbackBench()
    site.receiver.answers = [answer]
    site.announce()
    assert outcomes(site) == [DeliveryOutcome.DELIVERED]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (PostResult(429, 60), 60),
        (PostResult(503, 60), 60),
        (PostResult(429, 1), 5),
        (PostResult(429, None), 5),
        (PostResult(503, 10**9), LONGEST_SECONDS),
        (PostResult(500, 60), 5),
        (PostResult(302, 60), 5),
    ],
)
def test_retry_after_of_429_and_503_makes_the_delay_longer_but_not_endless(answer: PostResult, seconds: int) -> None:
    site = CallbackBench()
    site.receiver.answers = [answer]
    site.announce()
    (report,) = site.run(most=1)
    assert report.seconds == seconds
    (attempt,) = site.queue.waiting
    assert (attempt.number, attempt.not_before) == (1, NOW + seconds)
    assert site.callback().next_at == NOW + seconds


def test_410_switches_the_address_off_for_this_organisation_alone() -> None:
    site = CallbackBench()
    site.receiver.answers = [410]
    site.announce()
    other = site.announce(type="face_search.failed")
    elsewhere = site.announce(org_id=ORG + 1)
    site.reader.secrets[ORG + 1] = SECRETS
    assert outcomes(site) == [DeliveryOutcome.GONE, DeliveryOutcome.GONE, DeliveryOutcome.GONE]
    assert len(site.receiver.got) == 2, "the other one of this organisation was not even tried"
    assert (site.callback().status, site.callback().attempts) == (CallbackStatus.GONE, 1)
    assert (site.callback(other).status, site.callback(other).attempts) == (CallbackStatus.GONE, 0)
    assert site.callback(elsewhere).attempts == 1
    assert site.queue.dead == [], "the receiver wants it so"


def test_a_refused_address_is_given_up_at_once() -> None:
    site = CallbackBench()
    site.receiver.answers = [RefusedUrlError("The URL leads to an address that is not public.")]
    site.announce()
    assert outcomes(site) == [DeliveryOutcome.DEAD]
    assert site.callback().reason == "The URL leads to an address that is not public."
    assert len(site.queue.dead) == 1


def test_without_a_secret_nothing_is_sent_and_it_is_tried_again() -> None:
    site = CallbackBench(secrets=())
    site.announce()
    site.run(most=1)
    assert site.receiver.got == []
    site.reader.secrets[ORG] = SECRETS[:1]
    assert outcomes(site) == [DeliveryOutcome.DELIVERED]


@pytest.mark.parametrize("event", [None, replace(EVENT, closing=True)])
def test_a_callback_of_an_event_that_is_deleted_is_forgotten(event: Any) -> None:
    site = CallbackBench()
    site.announce()
    site.reader.events = {EVENT_ID: event} if event else {}
    assert outcomes(site) == [DeliveryOutcome.DELETED]
    assert (site.receiver.got, site.callbacks.callbacks) == ([], {})
    assert site.deliver(DeliveryAttempt(KEY, 0)).outcome is DeliveryOutcome.DELETED


def test_an_attempt_that_is_not_due_is_queued_again_as_it_is() -> None:
    site = CallbackBench()
    site.announce()
    attempt = DeliveryAttempt(KEY, 0, NOW + 3_000)
    assert site.deliver(attempt).outcome is DeliveryOutcome.WAITING
    assert site.queue.waiting[-1] == attempt
    assert site.receiver.got == []


def test_a_message_that_comes_twice_is_sent_once() -> None:
    site = CallbackBench()
    site.announce()
    site.announce()
    assert outcomes(site) == [DeliveryOutcome.DELIVERED, DeliveryOutcome.STALE]
    site = CallbackBench()
    site.receiver.answers = [500, 204]
    site.announce()
    site.announce()
    assert outcomes(site) == [DeliveryOutcome.FAILED, DeliveryOutcome.STALE, DeliveryOutcome.DELIVERED]


def test_while_it_is_being_sent_nobody_else_sends_it() -> None:
    site = CallbackBench()
    site.announce()

    def meanwhile() -> None:
        with pytest.raises(NotNowError):
            site.deliver(DeliveryAttempt(KEY, 0))
        site.receiver.during = lambda: None

    site.receiver.during = meanwhile
    assert outcomes(site) == [DeliveryOutcome.DELIVERED]
    assert len(site.receiver.got) == 1


def test_an_attempt_of_a_process_that_died_does_not_outlive_the_end_of_its_callback() -> None:
    """Its message was delivered again and had another answer; the next attempt, which it had queued before, is over."""
    for answer, status in ((204, CallbackStatus.DELIVERED), (410, CallbackStatus.GONE)):
        site = CallbackBench()
        site.receiver.answers = [answer]
        site.announce()
        site.queue.send(DeliveryAttempt(KEY, 1))
        assert outcomes(site)[1:] == [DeliveryOutcome.STALE]
        assert site.callback().status is status


def test_an_event_deleted_while_its_callback_is_being_sent_leaves_nothing() -> None:
    site = CallbackBench()
    site.announce()
    site.receiver.during = lambda: site.callbacks.delete_all(ORG, EVENT_ID)
    site.run()
    assert site.callbacks.callbacks == {}


@pytest.mark.parametrize("answers", [[204], [500, 204], [500, 500, 500], [410]])
def test_wherever_a_process_dies_the_callback_comes_to_its_end(answers: list[int]) -> None:
    """The message of a process that dies is delivered again, after its claim is over."""
    ends = {204: CallbackStatus.DELIVERED, 500: CallbackStatus.DEAD, 410: CallbackStatus.GONE}
    for after in (False, True):
        for at in itertools.count(1):
            site, fuse = CallbackBench(), Fuse()
            site.announce()
            site.receiver.answers = list(answers)
            site.wrap = fuse.wrap
            fuse.set(at, after=after)
            crashed = _run_with_redelivery(site, fuse)
            assert site.callback().status is ends[answers[-1]], (at, after)
            assert len(set(site.receiver.ids)) == 1
            assert len(site.receiver.got) <= len(answers) + crashed
            assert bool(site.queue.dead) is (answers[-1] == 500)
            if not crashed:
                break


def _run_with_redelivery(site: CallbackBench, fuse: Fuse) -> int:
    crashed = 0
    for _ in range(100):
        if not site.queue.waiting:
            break
        attempt = min(site.queue.waiting, key=lambda each: each.not_before)
        site.queue.waiting.remove(attempt)
        site.now = max(site.now, attempt.not_before)
        try:
            site.deliver(attempt)
        except (CrashError, NotNowError) as error:
            crashed += isinstance(error, CrashError)
            fuse.left = None
            site.now += CLAIM_SECONDS
            site.queue.waiting.append(attempt)
    return crashed


@pytest.mark.parametrize("message", ["", "?", "[]", "{}", '{"org_id": 1}', "null", '{"org_id": "x"}'])
def test_what_is_no_attempt_is_an_error(message: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own among others
        CallbackBench().delivery.deliver(message)


RECEIVES = 10
VISIBILITY_SECONDS = 180


def test_a_chain_of_attempts_ends_even_if_every_process_dies_before_it_can_write_one_down() -> None:
    """The only thing that ends it: Lambda must let the function feed its own queue, and each message is a new one."""
    site = CallbackBench(delays=(5, 300, 1_800))
    site.receiver.answers = [500]
    site.announce()
    site.callbacks.settle = _die  # type: ignore[assignment, method-assign]
    deliveries = [(attempt, 1, attempt.not_before) for attempt in site.queue.waiting]
    handled = 0
    while deliveries and handled < 1_000:
        deliveries.sort(key=lambda each: each[2])
        attempt, receive, due = deliveries.pop(0)
        site.now, handled = max(site.now, due), handled + 1
        site.queue.waiting.clear()
        try:
            site.deliver(attempt)
        except (CrashError, NotNowError):
            if receive < RECEIVES:
                deliveries.append((attempt, receive + 1, site.now + VISIBILITY_SECONDS))
        deliveries += [(sent, 1, sent.not_before) for sent in site.queue.waiting]
    assert deliveries == []
    assert len(site.receiver.got) <= RECEIVES * (3 + 1)


def test_a_receiver_that_puts_every_attempt_off_for_years_ends_its_chain_of_messages_within_the_plan() -> None:
    site = CallbackBench(delays=(5,) * 9)
    site.receiver.answers = [PostResult(503, 10**9)]
    site.announce()
    messages = 0
    while site.queue.waiting and messages < 10_000:
        attempt = site.queue.waiting.pop()
        site.now = min(max(site.now, attempt.not_before), site.now + LONGEST_DELAY)
        site.deliver(attempt)
        messages += 1
    assert site.callback().status is CallbackStatus.DEAD
    assert messages == 10 + 9 * (LONGEST_SECONDS // LONGEST_DELAY - 1)


def _die(*_: Any) -> Any:
    raise CrashError


# ------------------------------------------------------------------ shares


def test_an_attempt_steps_aside_while_others_of_its_organisation_hold_all_they_may() -> None:
    site = CallbackBench()
    site.announce()
    others = [site.shares.take(ORG, 1) for _ in range(2)]
    reports = site.run(most=20)
    assert {report.outcome for report in reports} == {DeliveryOutcome.WAITING}
    assert all(1 <= report.seconds <= 2 + LONGEST_ASIDE for report in reports)
    assert (site.callback().attempts, site.receiver.got) == (0, [])
    for other in others:
        assert other is not None
        other.close()
    assert outcomes(site) == [DeliveryOutcome.DELIVERED]
    assert site.shares.taken == []


def test_an_attempt_that_cannot_be_had_for_half_an_hour_is_a_failed_attempt_and_its_plan_ends() -> None:
    site = CallbackBench()
    site.announce()
    for _ in range(2):
        site.shares.take(ORG, 1)
    reports = site.run(most=20_000)
    assert [report.outcome for report in reports if report.outcome is not DeliveryOutcome.WAITING] == [
        DeliveryOutcome.FAILED, DeliveryOutcome.FAILED, DeliveryOutcome.DEAD
    ]  # fmt: skip
    assert site.receiver.got == []
    assert "organisation" in site.callback().reason
    assert len(site.queue.dead) == 1


@pytest.mark.parametrize("answer", [204, 500, NO_ANSWER, RefusedUrlError("no")])
def test_however_an_attempt_ends_its_share_is_given_back(answer: Any) -> None:
    site = CallbackBench()
    site.receiver.answers = [answer, 204]
    site.announce()
    site.run()
    assert site.shares.taken == []
