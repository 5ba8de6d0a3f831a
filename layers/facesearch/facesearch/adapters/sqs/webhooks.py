"""The search worker's queue, and the queue of delivery attempts with its dead letters.

The message group of a standard queue is its organisation: SQS lets no group's backlog hold up others.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.webhooks.callbacks.callback import ATTEMPTS, AttemptQueue, DeliveryAttempt
from facesearch.webhooks.commands import COMMANDS, LONGEST_DELAY, Command, SearchCommand, SearchCommands

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS = 60
"""How long dead letters are held while they are looked through; whatever goes wrong, they are back after it."""
RECEIVED_AT_ONCE = 10
EMPTY_RESPONSES = 2
"""SQS may respond with nothing while there is something: so many such responses in a row are the end."""


@dataclass(frozen=True)
class SqsSearchCommands(SearchCommands):
    """Commands to run a search, and to look through watches."""

    sqs: "SQSClient"
    queue_url: str

    @override
    def send(self, command: Command, delay: int = 0) -> None:
        org_id = command.search.org_id if isinstance(command, SearchCommand) else command.org_id
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=COMMANDS.dump_json(command, exclude_defaults=True).decode(),
            DelaySeconds=min(delay, LONGEST_DELAY),
            MessageGroupId=str(org_id),
        )

    @override
    def postpone(self, receipt: str, seconds: int) -> None:
        self.sqs.change_message_visibility(QueueUrl=self.queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


@dataclass(frozen=True)
class SqsAttemptQueue(AttemptQueue):
    """Two queues; the URL of the dead letters may be empty where nothing is done about them."""

    sqs: "SQSClient"
    queue_url: str
    dead_letters_url: str
    clock: Callable[[], float] = time.time

    @override
    def send(self, attempt: DeliveryAttempt) -> None:
        rest = math.ceil(attempt.not_before - self.clock())
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=ATTEMPTS.dump_json(attempt, exclude_defaults=True).decode(),
            DelaySeconds=min(LONGEST_DELAY, max(0, rest)),
            MessageGroupId=str(attempt.key.org_id),
        )

    @override
    def add_dead_letter(self, attempt: DeliveryAttempt) -> None:
        self.sqs.send_message(
            QueueUrl=self.dead_letters_url, MessageBody=ATTEMPTS.dump_json(attempt, exclude_defaults=True).decode()
        )

    @override
    def delete_dead_letters(self, is_over: Callable[[DeliveryAttempt], bool]) -> int:
        deleted = empty = 0
        kept: list[str] = []
        while empty < EMPTY_RESPONSES:
            response = self.sqs.receive_message(
                QueueUrl=self.dead_letters_url,
                MaxNumberOfMessages=RECEIVED_AT_ONCE,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=1,
            )
            messages = response.get("Messages", [])
            empty = 0 if messages else empty + 1
            for message in messages:
                if _is_over(message["Body"], is_over):
                    self.sqs.delete_message(QueueUrl=self.dead_letters_url, ReceiptHandle=message["ReceiptHandle"])
                    deleted += 1
                else:
                    kept.append(message["ReceiptHandle"])
        for handle in kept:
            self.sqs.change_message_visibility(
                QueueUrl=self.dead_letters_url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        return deleted


def _is_over(body: str, is_over: Callable[[DeliveryAttempt], bool]) -> bool:
    try:
        return is_over(ATTEMPTS.validate_json(body))
    except ValueError:
        return False
