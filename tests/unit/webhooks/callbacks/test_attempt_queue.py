"""The queue of delivery attempts over SQS (moto), and its dead letters."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from facesearch.adapters.sqs.webhooks import SqsAttemptQueue
from facesearch.webhooks.callbacks.callback import ATTEMPTS, DeliveryAttempt
from tests.support.fakes import ORG
from tests.unit.webhooks.callbacks.bench import KEY, NOW, written

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
