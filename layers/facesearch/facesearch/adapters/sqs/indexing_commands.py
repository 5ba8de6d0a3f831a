"""Commands to the indexing function, in the queue that also announces uploads."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from facesearch.photos.lookagain import IndexingCommand
from facesearch.photos.rebuild import IndexingCommands

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

COMMANDS_AT_ONCE = 10


@dataclass(frozen=True)
class SqsIndexingCommands(IndexingCommands):
    """Raise RuntimeError if the queue refuses some."""

    sqs: "SQSClient"
    queue_url: str

    @override
    def send(self, commands: list[IndexingCommand]) -> None:
        for start in range(0, len(commands), COMMANDS_AT_ONCE):
            entries: Any = [
                {"Id": str(number), "MessageBody": command.to_message()}
                for number, command in enumerate(commands[start : start + COMMANDS_AT_ONCE])
            ]
            response = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            if response.get("Failed"):
                raise RuntimeError(f"the queue refused {len(response['Failed'])} commands; run it again")
