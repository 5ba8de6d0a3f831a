"""The queue of delivery attempts over SQS (moto), and its dead letters."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import boto3
import pytest

from facesearch.adapters.sqs.webhooks import SqsAttemptQueue
from facesearch.webhooks.callbacks.callback import ATTEMPTS, DeliveryAttempt
from tests.support.aws import moto
from tests.support.fakes import ORG
from tests.unit.webhooks.callbacks.bench import KEY, NOW, written

ATTEMPT = DeliveryAttempt(KEY, 3, NOW + 0.5)


class Spy:
    """An SQS client that notes how long messages are held back."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.delays: list[int] = []

    def send_message(self, **arguments: Any) -> Any:
        self.delays.append(arguments.get("DelaySeconds", 0))
        return self._sqs.send_message(**(arguments | {"DelaySeconds": 0}))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)


@pytest.fixture
def sqs() -> Iterator[Any]:
    with moto():
        yield Spy(boto3.client("sqs"))


@pytest.fixture
def queue(sqs: Any) -> SqsAttemptQueue:
    attempts, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("attempts", "dead"))
    return SqsAttemptQueue(sqs, attempts, dead, lambda: NOW)


def bodies(sqs: Any, name: str) -> list[str]:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [message["Body"] for message in messages]


def test_an_attempt_comes_back_as_it_was_sent(sqs: Any, queue: SqsAttemptQueue) -> None:
    queue.send(ATTEMPT)
    (body,) = bodies(sqs, "attempts")
    assert ATTEMPTS.validate_json(body) == ATTEMPT


@pytest.mark.parametrize(
    ("seconds", "delay"), [(-5, 0), (0, 0), (0.2, 1), (5, 5), (900, 900), (900.1, 900), (86_400, 900)]
)
def test_an_attempt_is_held_back_until_it_is_due_or_as_long_as_sqs_can(
    sqs: Any, queue: SqsAttemptQueue, seconds: float, delay: int
) -> None:
    queue.send(replace(ATTEMPT, not_before=NOW + seconds))
    assert sqs.delays == [delay]


def test_wanted_dead_letters_are_taken_out_and_the_others_stay(sqs: Any, queue: SqsAttemptQueue) -> None:
    others = replace(ATTEMPT, key=replace(KEY, org_id=ORG + 1))
    for attempt in (ATTEMPT, others, ATTEMPT, *[replace(ATTEMPT, number=number) for number in range(20)]):
        queue.add_dead_letter(attempt)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="dead")["QueueUrl"], MessageBody="nonsense")
    assert queue.delete_dead_letters(lambda attempt: attempt.key.org_id == ORG) == 22
    assert sorted(bodies(sqs, "dead")) == sorted(["nonsense", written(others)])


@pytest.mark.parametrize("never", [float("inf"), float("-inf"), float("nan")])
def test_an_attempt_that_is_never_due_is_no_attempt(never: float) -> None:
    """It would be sent again and again: the chain of an attempt that waits ends by this time alone."""
    with pytest.raises(ValueError, match="finite"):
        ATTEMPTS.validate_json(json.dumps({"key": asdict(KEY), "number": 0, "not_before": never}, default=str))
