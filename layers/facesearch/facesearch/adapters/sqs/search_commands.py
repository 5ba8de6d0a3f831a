"""The queue of the search worker: commands to run a search, and to look through watches.

The message group of a standard queue is its organisation: SQS lets no group's backlog hold up others.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.webhooks.commands import LONGEST_DELAY, SearchCommand, SearchCommands
from facesearch.webhooks.watches.commands import WatchCommand, WatchCommands

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class SqsSearchCommands(SearchCommands):
    """Search commands."""

    sqs: "SQSClient"
    queue_url: str

    @override
    def send(self, command: SearchCommand, delay: int = 0) -> None:
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=command.to_message(),
            DelaySeconds=min(delay, LONGEST_DELAY),
            MessageGroupId=str(command.search.org_id),
        )

    @override
    def postpone(self, receipt: str, seconds: int) -> None:
        self.sqs.change_message_visibility(QueueUrl=self.queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


@dataclass(frozen=True)
class SqsWatchCommands(WatchCommands):
    """Watch commands."""

    sqs: "SQSClient"
    queue_url: str

    @override
    def send(self, command: WatchCommand, delay: int = 0) -> None:
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=command.to_message(),
            DelaySeconds=delay,
            MessageGroupId=str(command.org_id),
        )
