"""The queue of callbacks that are due now or later."""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from facesearch.webhooks.callbacks.attempts import (
    DELAY_SECONDS,
    EMPTY_ANSWERS,
    HIDDEN_SECONDS,
    RECEIVED_AT_ONCE,
    DeliveryAttempt,
)

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsAttemptQueue:
    """`AttemptQueue` and `DeadLetters` over two queues."""

    def __init__(
        self, sqs: "SQSClient", queue_url: str, dead_letters_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        """Take the queues' URLs; that of the dead letters is empty for who only sends."""
        self._sqs = sqs
        self._queue_url = queue_url
        self._dead_letters_url = dead_letters_url
        self._clock = clock

    def send(self, turn: DeliveryAttempt) -> None:
        """See `AttemptQueue.send`."""
        rest = math.ceil(turn.not_before - self._clock())
        self._sqs.send_message(
            QueueUrl=self._queue_url,
            MessageBody=turn.to_message(),
            DelaySeconds=min(DELAY_SECONDS, max(0, rest)),
            MessageGroupId=str(turn.key.org_id),  # of a standard queue: SQS lets no group's backlog hold up others
        )

    def bury(self, turn: DeliveryAttempt) -> None:
        """See `AttemptQueue.bury`."""
        self._sqs.send_message(QueueUrl=self._dead_letters_url, MessageBody=turn.to_message())

    def take(self, wanted: Callable[[DeliveryAttempt], bool]) -> int:
        """See `DeadLetters.take`. What is no turn stays where it is."""
        taken = empty = 0
        kept: list[str] = []
        while empty < EMPTY_ANSWERS:
            answer = self._sqs.receive_message(
                QueueUrl=self._dead_letters_url,
                MaxNumberOfMessages=RECEIVED_AT_ONCE,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=1,
            )
            messages = answer.get("Messages", [])
            empty = 0 if messages else empty + 1
            for message in messages:
                if _is_wanted(message["Body"], wanted):
                    self._sqs.delete_message(QueueUrl=self._dead_letters_url, ReceiptHandle=message["ReceiptHandle"])
                    taken += 1
                else:
                    kept.append(message["ReceiptHandle"])
        for handle in kept:
            self._sqs.change_message_visibility(
                QueueUrl=self._dead_letters_url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        return taken


def _is_wanted(body: str, wanted: Callable[[DeliveryAttempt], bool]) -> bool:
    try:
        return wanted(DeliveryAttempt.from_message(body))
    except ValueError:
        return False
