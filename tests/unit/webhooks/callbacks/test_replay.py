"""What an operator does about callbacks."""

import itertools
import uuid

import pytest

from facesearch.webhooks.callbacks.callback import LOST, OVERDUE_SECONDS, CallbackStatus
from tests.support.fakes import ORG
from tests.support.site import CrashError, Fuse
from tests.unit.webhooks.callbacks.bench import KEY, SECRETS, CallbackBench


@pytest.fixture
def dead() -> CallbackBench:
    """A site with one callback that was given up, whose receiver is up again."""
    site = CallbackBench()
    site.receiver.responses = [500]
    site.announce()
    assert site.outcomes() == ["FAILED", "FAILED", "DEAD"]
    site.receiver.responses = [204]
    return site


def test_a_dead_callback_is_replayed_delivered_and_no_dead_letter_any_more(dead: CallbackBench) -> None:
    (again,) = dead.replay().callbacks
    assert (again.status, again.attempts, again.key) == (CallbackStatus.PENDING, 0, KEY)
    assert dead.queue.dead == []
    assert dead.outcomes() == ["DELIVERED"]
    assert len({(headers["webhook-id"], body) for _, body, headers in dead.receiver.got}) == 1
    assert dead.replay().callbacks == ()


def test_a_replayed_callback_has_the_whole_plan_again(dead: CallbackBench) -> None:
    dead.receiver.responses = [500]
    dead.replay()
    assert dead.outcomes() == ["FAILED", "FAILED", "DEAD"]
    assert (len(dead.queue.dead), dead.callback().attempts) == (1, 3)


def test_a_replay_switches_the_address_on_again() -> None:
    site = CallbackBench()
    site.receiver.responses = [410, 204]
    site.announce()
    site.run()
    assert site.replay().callbacks == (), "an address that has gone is called for a callback that is named alone"
    assert len(site.replay(KEY.callback_id).callbacks) == 1
    site.announce(type="face_search.failed")
    assert site.outcomes() == ["DELIVERED", "DELIVERED"]


def test_only_those_asked_for_are_replayed_and_the_others_named(dead: CallbackBench) -> None:
    delivered, nobody = dead.announce(type="face_search.failed").callback_id, uuid.UUID(int=1)
    dead.run()
    done = dead.replay(nobody, delivered, nobody)
    assert (done.callbacks, done.unknown, len(dead.queue.dead)) == ((), (nobody, delivered), 1)
    done = dead.replay(KEY.callback_id)
    assert ([each.key for each in done.callbacks], done.unknown) == ([KEY], ())


def test_what_waits_for_its_next_attempt_is_sent_at_once_if_it_is_asked_for() -> None:
    site = CallbackBench(delays=(86_400,))
    site.receiver.responses = [500, 204]
    site.announce()
    site.run(most=1)
    assert site.replay().callbacks == ()
    site.replay(KEY.callback_id)
    assert site.outcomes() == ["DELIVERED", "STALE"]
    assert len(site.receiver.got) == 2


@pytest.mark.parametrize("is_moved", [True, False], ids=["to the dead letters", "nowhere"])
def test_what_has_lost_its_message_is_dead_an_hour_after_it_was_due_and_replayed(is_moved: bool) -> None:
    """None of our code runs when SQS does so: the callback itself still says that it is pending."""
    site = CallbackBench()
    site.announce()
    lost = site.next()
    site.queue.dead = [lost] if is_moved else []
    site.now = site.callback().next_at + OVERDUE_SECONDS
    assert [each.status for each in site.replays().list(ORG)] == [CallbackStatus.PENDING]
    assert site.replay().callbacks == ()
    assert len(site.queue.dead) == is_moved, "it is the only trace of its callback"
    site.now += 1
    (shown,) = site.replays().list(ORG, CallbackStatus.DEAD)
    assert (shown.key, shown.reason) == (KEY, LOST)
    assert site.replays().list(ORG, CallbackStatus.PENDING) == []
    assert len(site.replay().callbacks) == 1
    assert (site.queue.dead, site.outcomes()) == ([], ["DELIVERED"])


def test_another_organisation_s_are_neither_listed_nor_replayed(dead: CallbackBench) -> None:
    dead.reader.secrets[ORG + 1] = SECRETS
    dead.receiver.responses = [500]
    theirs = dead.announce(org_id=ORG + 1)
    dead.run()
    assert [each.key for each in dead.replays().list(ORG)] == [KEY]
    assert dead.replay(theirs.callback_id).unknown == (theirs.callback_id,)
    dead.replay()
    assert [attempt.key for attempt in dead.queue.dead] == [theirs]


def test_a_list_is_by_time_and_by_state(dead: CallbackBench) -> None:
    dead.now += 10
    second = dead.announce(type="face_search.failed")
    for status, keys in ((None, [KEY, second]), (CallbackStatus.PENDING, [second]), (CallbackStatus.GONE, [])):
        assert [each.key for each in dead.replays().list(ORG, status)] == keys


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_wherever_a_replay_dies_the_next_one_ends_it_and_what_was_queued_is_sent_without_one(
    after: bool, again: bool
) -> None:
    for at in itertools.count(1):
        site, fuse = CallbackBench(), Fuse()
        site.receiver.responses = [500]
        site.announce()
        site.run()
        site.receiver.responses = [204]
        fuse.set(at, after=after)
        try:
            site.replay(wrap=fuse.wrap)
        except CrashError:
            ended = False
        else:
            ended = True
        fuse.left = None
        if again:
            site.replay()
        was_queued = bool(site.queue.waiting)
        site.run()
        status = CallbackStatus.DELIVERED if was_queued else CallbackStatus.DEAD
        assert (site.callback().status, len(site.receiver.got)) == (status, 3 + was_queued), at
        assert was_queued or not again
        site.replay()
        assert site.queue.dead == []
        if ended:
            break
