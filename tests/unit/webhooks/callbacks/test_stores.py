"""One contract for callbacks in DynamoDB (on moto) and in memory; the queue of attempts over SQS."""

import json
import time
import uuid
from dataclasses import asdict, replace
from typing import Any

import pytest

from facesearch.adapters.dynamodb.callbacks import LEAST_DAYS, DynamoCallbackStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.webhooks import MemoryCallbackStore
from facesearch.adapters.sqs.webhooks import SqsAttemptQueue
from facesearch.webhooks.callbacks.callback import (
    ATTEMPTS,
    Callback,
    CallbackKey,
    CallbackStatus,
    DeliveryAttempt,
    callback_of,
)
from tests.support.aws import TABLE
from tests.support.fakes import EVENT_ID, ORG
from tests.unit.webhooks.callbacks.bench import END, KEY, URL, written

NOW = time.time()
CALLBACK = callback_of(END, NOW)


@pytest.fixture(params=["dynamodb", "memory"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryCallbackStore()
    return DynamoCallbackStore(request.getfixturevalue("table"))


def ended(status: CallbackStatus) -> Callback:
    return replace(CALLBACK, status=status, attempts=2, last_status=500, reason="responded with 500", next_at=9)


def test_a_callback_is_kept_once_and_read_as_it_is(store: Any) -> None:
    assert store.get(KEY) is None
    assert store.add(CALLBACK) == CALLBACK
    assert store.add(replace(CALLBACK, url="https://elsewhere.example")) == CALLBACK
    assert store.get(KEY) == CALLBACK
    store.delete(KEY)
    assert store.get(KEY) is None


def test_an_attempt_is_claimed_once_until_the_claim_is_over(store: Any) -> None:
    def claim(number: int, after: float) -> bool:
        claimed: bool = store.claim(KEY, number, NOW + after, NOW + after + 20)
        return claimed

    assert (claim(0, 0), store.get(KEY)) == (False, None), "nothing is made of nothing"
    store.add(CALLBACK)
    assert [claim(0, after) for after in (0, 19, 20)] == [True, False, True]
    assert claim(1, 60), "of a process that died before it wrote the attempt"
    assert (store.get(KEY).attempt_number, store.get(KEY).attempts) == (1, 3), "counted before they are made"
    assert not claim(0, 99)


def test_a_settled_attempt_gives_the_claim_back(store: Any) -> None:
    store.add(CALLBACK)
    store.claim(KEY, 0, NOW, NOW + 20)
    later = replace(ended(CallbackStatus.PENDING), attempt_number=1)
    assert store.settle(later, 0) is True
    assert store.get(KEY) == later
    assert store.settle(ended(CallbackStatus.DEAD), 0) is False, "another attempt by now"
    assert store.claim(KEY, 1, NOW, NOW + 20) is True
    done = replace(later, status=CallbackStatus.DELIVERED, body=b"")
    assert store.settle(done, 1) is True
    assert store.get(KEY) == done
    assert store.claim(KEY, 2, NOW + 99, NOW + 119) is False
    store.delete(KEY)
    assert store.settle(done, 1) is False
    assert store.get(KEY) is None, "an erased one stays erased"


@pytest.mark.parametrize("status", CallbackStatus)
def test_what_was_not_delivered_can_begin_anew(store: Any, status: CallbackStatus) -> None:
    restarts = status is not CallbackStatus.DELIVERED
    store.add(CALLBACK)
    store.settle(ended(status), 0)
    again = replace(CALLBACK, attempt_number=3)
    assert store.restart(again) is restarts
    assert store.get(KEY) == (again if restarts else ended(status))
    assert store.restart(again) is False


def test_an_organisation_s_and_an_event_s_are_listed_counted_and_deleted(store: Any) -> None:
    keys = [CallbackKey(ORG, event, uuid.UUID(int=number)) for event in (EVENT_ID, 45, 4567) for number in range(30)]
    for key in (*keys, CallbackKey(ORG + 1, EVENT_ID, uuid.UUID(int=1))):
        store.add(replace(CALLBACK, key=key))
    assert {callback.key for callback in store.of_org(ORG)} == set(keys)
    assert (store.count(ORG, EVENT_ID), store.count(ORG, 1)) == (30, 0)
    assert store.delete_all(ORG, EVENT_ID) == 30
    assert (store.count(ORG, EVENT_ID), store.count(ORG, 45), store.count(ORG + 1, EVENT_ID)) == (0, 30, 1)


def test_an_address_is_off_for_one_organisation_until_it_is_on_again(store: Any) -> None:
    asked = ((ORG, URL), (ORG, URL + "x"), (ORG + 1, URL))
    for change, is_off in ((store.switch_on, False), (store.switch_off, True), (store.switch_on, False)):
        for _ in range(2):
            change(ORG, URL)
        assert [store.is_off(*each) for each in asked] == [is_off, False, False]


@pytest.mark.parametrize(("retention", "days"), [(1, LEAST_DAYS), (30, 30)])
def test_a_callback_expires_with_the_results_but_not_before_its_dead_letter(
    table: Table, retention: int, days: int
) -> None:
    DynamoCallbackStore(table, retention).add(CALLBACK)
    (item,) = table.client.scan(TableName=TABLE)["Items"]
    assert int(item["expires_at"]["N"]) == CALLBACK.created_at + days * 86_400


def test_an_expired_callback_that_is_still_there_is_none(table: Table) -> None:
    store = DynamoCallbackStore(table)
    old = callback_of(END, NOW - 15 * 86_400)
    store.add(old)
    assert list(store.of_org(ORG)) == []
    assert store.add(CALLBACK) == CALLBACK
    assert store.get(KEY) == CALLBACK


def test_an_address_is_kept_as_a_digest_that_expires(table: Table) -> None:
    DynamoCallbackStore(table).switch_off(ORG, URL)
    (item,) = table.client.scan(TableName=TABLE)["Items"]
    assert "private" not in str(item)
    assert int(item["expires_at"]["N"]) > time.time() + 80 * 86_400


# ------------------------------------------------------------------ the queue of attempts

ATTEMPT = DeliveryAttempt(KEY, 3, NOW + 0.5)


@pytest.fixture
def delays(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long messages are held back, which are there at once all the same."""
    send, delays = sqs.send_message, list[int]()

    def spy(**arguments: Any) -> Any:
        delays.append(arguments.get("DelaySeconds", 0))
        return send(**(arguments | {"DelaySeconds": 0}))

    monkeypatch.setattr(sqs, "send_message", spy)
    return delays


@pytest.fixture
def queue(sqs: Any) -> SqsAttemptQueue:
    attempts, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("attempts", "dead"))
    return SqsAttemptQueue(sqs, attempts, dead, lambda: NOW)


def bodies(sqs: Any, url: str) -> list[str]:
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [message["Body"] for message in messages]


@pytest.mark.parametrize(
    ("seconds", "delay"), [(-5, 0), (0, 0), (0.2, 1), (5, 5), (900, 900), (900.1, 900), (86_400, 900)]
)
def test_an_attempt_is_held_back_until_it_is_due_or_as_long_as_sqs_can_and_comes_back_as_it_was_sent(
    sqs: Any, queue: SqsAttemptQueue, delays: list[int], seconds: float, delay: int
) -> None:
    attempt = replace(ATTEMPT, not_before=NOW + seconds)
    queue.send(attempt)
    assert delays == [delay]
    assert [ATTEMPTS.validate_json(body) for body in bodies(sqs, queue.queue_url)] == [attempt]


def test_wanted_dead_letters_are_taken_out_and_the_others_stay(sqs: Any, queue: SqsAttemptQueue) -> None:
    others = replace(ATTEMPT, key=replace(KEY, org_id=ORG + 1))
    for attempt in (ATTEMPT, others, ATTEMPT, *[replace(ATTEMPT, number=number) for number in range(20)]):
        queue.add_dead_letter(attempt)
    sqs.send_message(QueueUrl=queue.dead_letters_url, MessageBody="nonsense")
    assert queue.delete_dead_letters(lambda attempt: attempt.key.org_id == ORG) == 22
    assert sorted(bodies(sqs, queue.dead_letters_url)) == sorted(["nonsense", written(others)])


@pytest.mark.parametrize("never", [float("inf"), float("-inf"), float("nan")])
def test_an_attempt_that_is_never_due_is_no_attempt(never: float) -> None:
    """It would be sent again and again: the chain of an attempt that waits ends by this time alone."""
    with pytest.raises(ValueError, match="finite"):
        ATTEMPTS.validate_json(json.dumps({"key": asdict(KEY), "number": 0, "not_before": never}, default=str))
