"""Sending callbacks: who gets what how often, whatever receivers respond and wherever processes die."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from facesearch.settings import Settings
from facesearch.webhooks.callbacks.callback import CallbackStatus, DeliveryAttempt
from facesearch.webhooks.callbacks.delivery import CLAIM_SECONDS, LONGEST_ASIDE, LONGEST_SECONDS, DeliveryOutcome
from facesearch.webhooks.commands import LONGEST_DELAY, NotNowError
from facesearch.webhooks.outbound import FetchFailedError, PostResult, RefusedUrlError
from tests.support.fakes import EVENT, EVENT_ID, ORG
from tests.support.site import CrashError, Fuse
from tests.unit.webhooks.bench import raising
from tests.unit.webhooks.callbacks.bench import KEY, NOW, SECRETS, URL, CallbackBench, content

NO_RESPONSE = FetchFailedError("The host did not respond in time.", retryable=True)
REFUSED = RefusedUrlError("The URL leads to an address that is not public.")


def announced(*responses: Any, **more: Any) -> CallbackBench:
    """A site with a callback to be sent to a receiver that responds so."""
    site = CallbackBench(**more)
    site.receiver.responses = list(responses or (204,))
    site.announce()
    return site


def test_a_callback_is_signed_by_every_live_secret_and_sent_once() -> None:
    site = CallbackBench()
    site.now = datetime.now(UTC).timestamp()
    site.announce()
    assert site.outcomes() == ["DELIVERED"]
    ((url, body, headers),) = site.receiver.got
    assert (url, headers["content-type"], headers["webhook-id"]) == (URL, "application/json", str(KEY.callback_id))
    for secret in SECRETS:
        assert Webhook(secret.secret).verify(body, dict(headers)) == content(body)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(body, dict(headers))
    callback = site.callback()
    assert (callback.status, callback.attempts, callback.last_status) == (CallbackStatus.DELIVERED, 1, 204)
    assert callback.body == b"", "only its receiver has it now"


def test_a_receiver_that_fails_twice_then_accepts_gets_exactly_one_more() -> None:
    site = announced(500, NO_RESPONSE, 200, delays=(5, 300, 1_800))
    assert [(report.outcome.name, report.seconds) for report in site.run()] == [
        ("FAILED", 5), ("FAILED", 300), ("DELIVERED", 0)
    ]  # fmt: skip
    assert len(set(site.receiver.ids)) == len({body for _, body, _ in site.receiver.got}) == 1
    stamps = [int(headers["webhook-timestamp"]) - int(NOW) for _, _, headers in site.receiver.got]
    assert stamps == [0, 5, 305], "signed afresh at each attempt"
    assert site.queue.waiting == []


@pytest.mark.parametrize("response", [100, 301, 302, 304, 307, 308, 400, 401, 404, 418, 429, 500, 503, NO_RESPONSE])
def test_whatever_is_not_2xx_is_a_failure(response: Any) -> None:
    site = announced(response)
    assert site.outcomes() == ["FAILED", "FAILED", "DEAD"]
    status, reason = (0, NO_RESPONSE.reason) if response is NO_RESPONSE else (response, f"responded with {response}")
    callback = site.callback()
    assert (callback.status, callback.attempts, callback.last_status) == (CallbackStatus.DEAD, 3, status)
    assert (callback.reason, [attempt.key for attempt in site.queue.dead]) == (reason, [KEY])
    assert callback.body != b"", "for a replay"


@pytest.mark.parametrize("response", [200, 201, 202, 204, 206, 299])
def test_any_2xx_is_success(response: int) -> None:
    assert announced(response).outcomes() == ["DELIVERED"]


@pytest.mark.parametrize(
    ("response", "seconds"),
    [((429, 60), 60), ((503, 60), 60), ((429, 1), 5), ((429, None), 5), ((503, 10**9), LONGEST_SECONDS),
     ((500, 60), 5), ((302, 60), 5)],
)  # fmt: skip
def test_retry_after_of_429_and_503_makes_the_delay_longer_but_not_endless(
    response: tuple[int, int | None], seconds: int
) -> None:
    site = announced(PostResult(*response))
    (report,) = site.run(most=1)
    (attempt,) = site.queue.waiting
    assert (attempt.number, attempt.not_before) == (1, NOW + seconds)
    assert (report.seconds, site.callback().next_at) == (seconds, NOW + seconds)


def test_delays_are_what_standard_webhooks_advises_over_three_days_and_vary_by_a_fifth() -> None:
    delays = Settings(table_name="t").delays
    assert delays == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    for share in (0.8, 1.2):
        site = announced(500, delays=tuple(delays))
        site.uniform = lambda low, high, share=share: low if share < 1 else high  # type: ignore[misc]
        assert [report.seconds for report in site.run()] == pytest.approx([each * share for each in delays] + [0])


@pytest.mark.parametrize("text", ["", "5,", "5, 6", "-1", "1.5", "x", ",".join(["1"] * 21), "123456"])
def test_delays_that_are_no_list_of_seconds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="callback_delays"):
        Settings(table_name="t", callback_delays=text)


def test_410_switches_the_address_off_for_this_organisation_alone() -> None:
    site = announced(410)
    other = site.announce(type="face_search.failed")
    elsewhere = site.announce(org_id=ORG + 1)
    site.reader.secrets[ORG + 1] = SECRETS
    assert site.outcomes() == ["GONE", "GONE", "GONE"]
    assert len(site.receiver.got) == 2, "the other one of this organisation was not even tried"
    ended = [(site.callback(key).status, site.callback(key).attempts) for key in (KEY, other, elsewhere)]
    assert ended == [(CallbackStatus.GONE, 1), (CallbackStatus.GONE, 0), (CallbackStatus.GONE, 1)]
    assert site.queue.dead == [], "the receiver wants it so"


def test_a_refused_address_is_given_up_at_once() -> None:
    site = announced(REFUSED)
    assert site.outcomes() == ["DEAD"]
    assert (site.callback().reason, len(site.queue.dead)) == (REFUSED.reason, 1)


def test_without_a_secret_nothing_is_sent_and_it_is_tried_again() -> None:
    site = announced(secrets=())
    site.run(most=1)
    assert site.receiver.got == []
    site.reader.secrets[ORG] = SECRETS[:1]
    assert site.outcomes() == ["DELIVERED"]


@pytest.mark.parametrize("event", [None, replace(EVENT, closing=True)])
def test_a_callback_of_an_event_that_is_deleted_is_deleted(event: Any) -> None:
    site = announced()
    site.reader.events = {EVENT_ID: event} if event else {}
    assert site.outcomes() == ["DELETED"]
    assert (site.receiver.got, site.callbacks.callbacks) == ([], {})
    assert site.deliver(DeliveryAttempt(KEY, 0)).outcome is DeliveryOutcome.DELETED


def test_an_event_deleted_while_its_callback_is_being_sent_leaves_nothing() -> None:
    site = announced()
    site.receiver.during = lambda: site.callbacks.delete_all(ORG, EVENT_ID)
    site.run()
    assert site.callbacks.callbacks == {}


def test_an_attempt_that_is_not_due_is_queued_again_as_it_is() -> None:
    site = announced()
    attempt = DeliveryAttempt(KEY, 0, NOW + 3_000)
    assert site.deliver(attempt).outcome is DeliveryOutcome.WAITING
    assert (site.queue.waiting[-1], site.receiver.got) == (attempt, [])


@pytest.mark.parametrize(
    ("responses", "outcomes"), [([204], ["DELIVERED", "STALE"]), ([500, 204], ["FAILED", "STALE", "DELIVERED"])]
)
def test_a_message_that_comes_twice_is_sent_once(responses: list[int], outcomes: list[str]) -> None:
    site = announced(*responses)
    site.announce()
    assert site.outcomes() == outcomes


def test_while_it_is_being_sent_nobody_else_sends_it() -> None:
    site = announced()

    def meanwhile() -> None:
        with pytest.raises(NotNowError):
            site.deliver(DeliveryAttempt(KEY, 0))

    site.receiver.during = meanwhile
    assert site.outcomes() == ["DELIVERED"]
    assert len(site.receiver.got) == 1


@pytest.mark.parametrize("responses", [[204], [500, 204], [500, 500, 500], [500, 410], [410]])
@pytest.mark.parametrize("after", [False, True])
def test_wherever_a_process_dies_the_callback_comes_to_its_end(responses: list[int], after: bool) -> None:
    """The message of a process that dies is delivered again, after its claim is over."""
    ends = {204: CallbackStatus.DELIVERED, 500: CallbackStatus.DEAD, 410: CallbackStatus.GONE}
    for at in itertools.count(1):
        site, fuse = announced(*responses), Fuse()
        site.wrap = fuse.wrap
        fuse.set(at, after=after)
        crashed = 0
        while site.queue.waiting:
            attempt = site.next()
            try:
                site.deliver(attempt)
            except (CrashError, NotNowError) as error:
                crashed += isinstance(error, CrashError)
                fuse.left = None
                site.now += CLAIM_SECONDS
                site.queue.waiting.append(attempt)
        assert site.callback().status is ends[responses[-1]], at
        assert len(set(site.receiver.ids)) == 1
        assert len(site.receiver.got) <= len(responses) + crashed
        assert bool(site.queue.dead) is (responses[-1] == 500)
        if not crashed:
            break


@pytest.mark.parametrize("message", ["", "?", "[]", "{}", '{"key": 1}', "null", '{"key": {}, "number": 0}'])
def test_what_is_no_attempt_is_an_error(message: str) -> None:
    with pytest.raises(ValueError, match="DeliveryAttempt"):
        CallbackBench().delivery.deliver(message)


RECEIVES = 10
VISIBILITY_SECONDS = 180


def test_a_chain_of_attempts_ends_even_if_every_process_dies_before_it_can_write_one_down() -> None:
    """The only thing that ends it: Lambda must let the function feed its own queue, and each message is a new one."""
    site = announced(500, delays=(5, 300, 1_800))
    site.callbacks.settle = raising(CrashError())  # type: ignore[method-assign]
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
    site = announced(PostResult(503, 10**9), delays=(5,) * 9)
    messages = 0
    while site.queue.waiting and messages < 10_000:
        attempt = site.queue.waiting.pop()
        site.now = min(max(site.now, attempt.not_before), site.now + LONGEST_DELAY)
        site.deliver(attempt)
        messages += 1
    assert site.callback().status is CallbackStatus.DEAD
    assert messages == 10 + 9 * (LONGEST_SECONDS // LONGEST_DELAY - 1)


# ------------------------------------------------------------------ shares


def test_an_attempt_steps_aside_while_others_of_its_organisation_hold_all_they_may() -> None:
    site = announced()
    site.shares.taken = [ORG, ORG]
    reports = site.run(most=20)
    assert {report.outcome for report in reports} == {DeliveryOutcome.WAITING}
    assert all(1 <= report.seconds <= 2 + LONGEST_ASIDE for report in reports)
    assert (site.callback().attempts, site.receiver.got) == (0, [])
    site.shares.taken = []
    assert site.outcomes() == ["DELIVERED"]
    assert site.shares.taken == []


def test_an_attempt_that_cannot_be_had_for_half_an_hour_is_a_failed_attempt_and_its_plan_ends() -> None:
    site = announced()
    site.shares.taken = [ORG, ORG]
    outcomes = [report.outcome.name for report in site.run(most=20_000)]
    assert [outcome for outcome in outcomes if outcome != "WAITING"] == ["FAILED", "FAILED", "DEAD"]
    assert (site.receiver.got, len(site.queue.dead)) == ([], 1)
    assert "organisation" in site.callback().reason


@pytest.mark.parametrize("response", [204, 500, NO_RESPONSE, REFUSED])
def test_however_an_attempt_ends_its_share_is_given_back(response: Any) -> None:
    site = announced(response, 204)
    site.run()
    assert site.shares.taken == []
