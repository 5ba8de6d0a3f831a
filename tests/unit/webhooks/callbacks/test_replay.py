"""What an operator does about callbacks."""

import itertools
import uuid
from typing import Any

import pytest

from facesearch.webhooks.callbacks.callback import LOST, OVERDUE_SECONDS, CallbackStatus
from facesearch.webhooks.callbacks.delivery import DeliveryOutcome
from facesearch.webhooks.callbacks.replay import CallbackReplay
from tests.support.fakes import ORG
from tests.support.site import CrashError, Fuse
from tests.unit.webhooks.callbacks.bench import KEY, SECRETS, CallbackBench


def replay_of(site: CallbackBench, wrap: Any = None) -> CallbackReplay:
    store, queue = (wrap or site.wrap)(site.callbacks), (wrap or site.wrap)(site.queue)
    return CallbackReplay(callbacks=store, queue=queue, clock=lambda: site.now)


@pytest.fixture
def dead() -> CallbackBench:
    """A site with one callback that was given up, whose receiver is up again."""
    site = CallbackBench()
    site.receiver.answers = [500]
    site.announce()
    site.run()
    site.receiver.answers = [204]
    assert site.callback().status is CallbackStatus.DEAD
    return site


def test_a_dead_callback_is_replayed_delivered_and_no_dead_letter_any_more(dead: CallbackBench) -> None:
    before = dead.receiver.got[-1]
    (again,) = replay_of(dead).replay(ORG).callbacks
    assert (again.status, again.attempts, again.key) == (CallbackStatus.PENDING, 0, KEY)
    assert dead.queue.dead == []
    assert [report.outcome for report in dead.run()] == [DeliveryOutcome.DELIVERED]
    assert (dead.receiver.got[-1][1], dead.receiver.ids[-1]) == (before[1], dead.receiver.ids[0])
    assert replay_of(dead).replay(ORG).callbacks == ()


def test_a_replayed_callback_has_the_whole_plan_again(dead: CallbackBench) -> None:
    dead.receiver.answers = [500]
    replay_of(dead).replay(ORG)
    assert [report.outcome for report in dead.run()] == [
        DeliveryOutcome.FAILED,
        DeliveryOutcome.FAILED,
        DeliveryOutcome.DEAD,
    ]
    assert len(dead.queue.dead) == 1
    assert dead.callback().attempts == 3


def test_a_replay_switches_the_address_on_again() -> None:
    site = CallbackBench()
    site.receiver.answers = [410, 204]
    site.announce()
    site.run()
    assert len(replay_of(site).replay(ORG).callbacks) == 1
    assert [report.outcome for report in site.run()] == [DeliveryOutcome.DELIVERED]
    site.announce(type="face_search.failed")
    assert [report.outcome for report in site.run()] == [DeliveryOutcome.DELIVERED]


def test_only_those_asked_for_are_replayed_and_the_others_named(dead: CallbackBench) -> None:
    other = dead.announce(type="face_search.failed")
    dead.run()
    delivered, nobody = other.callback_id, uuid.UUID(int=1)
    done = replay_of(dead).replay(ORG, [nobody, delivered, nobody])
    assert (done.callbacks, done.unknown) == ((), (nobody, delivered))
    assert len(dead.queue.dead) == 1
    done = replay_of(dead).replay(ORG, [KEY.callback_id])
    assert ([each.key for each in done.callbacks], done.unknown) == ([KEY], ())


def test_what_waits_for_its_next_attempt_is_sent_at_once_if_it_is_asked_for() -> None:
    site = CallbackBench(delays=(86_400,))
    site.receiver.answers = [500, 204]
    site.announce()
    site.run(most=1)
    assert replay_of(site).replay(ORG).callbacks == ()
    replay_of(site).replay(ORG, [KEY.callback_id])
    reports = site.run()
    assert [report.outcome for report in reports] == [DeliveryOutcome.DELIVERED, DeliveryOutcome.STALE]
    assert len(site.receiver.got) == 2


def test_what_sqs_has_moved_to_the_dead_letters_is_dead_an_hour_after_it_was_due_and_replayed() -> None:
    """None of our code runs when it does: the callback itself still says that it is pending."""
    site = CallbackBench()
    site.receiver.answers = [500, 204]
    site.announce()
    site.run(most=1)
    site.queue.dead = [site.queue.waiting.pop()]
    site.now = site.callback().next_at + OVERDUE_SECONDS
    assert [each.status for each in replay_of(site).list(ORG)] == [CallbackStatus.PENDING]
    replay_of(site).replay(ORG)
    assert len(site.queue.dead) == 1, "it is the only trace of its callback"
    site.now += 1
    (shown,) = replay_of(site).list(ORG, CallbackStatus.DEAD)
    assert (shown.key, shown.reason) == (KEY, LOST)
    assert replay_of(site).list(ORG, CallbackStatus.PENDING) == []
    assert len(replay_of(site).replay(ORG).callbacks) == 1
    assert site.queue.dead == []
    assert [report.outcome for report in site.run()] == [DeliveryOutcome.DELIVERED]


def test_what_has_lost_its_message_is_replayed() -> None:
    site = CallbackBench()
    site.announce()
    site.queue.waiting.clear()
    assert replay_of(site).replay(ORG).callbacks == ()
    site.now += OVERDUE_SECONDS + 1
    assert len(replay_of(site).replay(ORG).callbacks) == 1
    assert [report.outcome for report in site.run()] == [DeliveryOutcome.DELIVERED]


def test_another_organisation_s_are_neither_listed_nor_replayed(dead: CallbackBench) -> None:
    dead.reader.secrets[ORG + 1] = SECRETS
    dead.receiver.answers = [500]
    theirs = dead.announce(org_id=ORG + 1)
    dead.run()
    assert [each.key for each in replay_of(dead).list(ORG)] == [KEY]
    assert replay_of(dead).replay(ORG, [theirs.callback_id]).unknown == (theirs.callback_id,)
    replay_of(dead).replay(ORG)
    assert [attempt.key for attempt in dead.queue.dead] == [theirs]


def test_a_list_is_by_time_and_by_state(dead: CallbackBench) -> None:
    dead.now += 10
    second = dead.announce(type="face_search.failed")
    assert [each.key for each in replay_of(dead).list(ORG)] == [KEY, second]
    assert [each.key for each in replay_of(dead).list(ORG, CallbackStatus.PENDING)] == [second]
    assert replay_of(dead).list(ORG, CallbackStatus.GONE) == []


def test_wherever_a_replay_dies_the_next_one_ends_it() -> None:
    for after in (False, True):
        for at in itertools.count(1):
            site = CallbackBench()
            site.receiver.answers = [500]
            site.announce()
            site.run()
            site.receiver.answers = [204]
            fuse = Fuse()
            fuse.set(at, after=after)
            try:
                replay_of(site, fuse.wrap).replay(ORG)
            except CrashError:
                ended = False
            else:
                ended = True
            fuse.left = None
            replay_of(site).replay(ORG)
            site.run()
            assert site.callback().status is CallbackStatus.DELIVERED, (at, after)
            assert len(site.receiver.got) == 4
            replay_of(site).replay(ORG)
            assert site.queue.dead == []
            if ended:
                break


def test_a_replay_that_dies_after_it_was_queued_is_one_all_the_same(dead: CallbackBench) -> None:
    fuse = Fuse()
    fuse.set(4, after=False)  # the queue has the message, the callback does not say so
    with pytest.raises(CrashError):
        replay_of(dead, fuse.wrap).replay(ORG)
    fuse.left = None
    assert dead.callback().status is CallbackStatus.DEAD
    assert [report.outcome for report in dead.run()] == [DeliveryOutcome.DELIVERED]


def test_an_unknown_organisation_has_no_callbacks() -> None:
    assert replay_of(CallbackBench()).list(ORG) == []
