"""The queue of the search worker: commands to run a search, and to look through watches."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.webhooks.commands import COMMANDS, LONGEST_DELAY, Command, SearchCommand, SearchCommands

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class SqsSearchCommands(SearchCommands):
    """The message group of a standard queue is its organisation: SQS lets no group's backlog hold up others."""

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
