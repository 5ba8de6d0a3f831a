"""Commands to the indexing function, in the queue that also announces uploads, and requests to look at an event's
snapshot, in a FIFO queue."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from facesearch.faces.exact_set import SnapshotRequests
from facesearch.photos.lookagain import IndexingCommand
from facesearch.photos.rebuild import IndexingCommands
from facesearch.photos.rerender import RenderCommand
from facesearch.photos.watermarking import RenderCommands

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

COMMANDS_AT_ONCE = 10
CLOCKS_DIFFER_SECONDS = 1
"""Workers, and SQS, agree on the time to a few milliseconds."""


@dataclass(frozen=True)
class SqsSnapshotRequests(SnapshotRequests):
    """An event is a message group, so it is never compacted twice at a time.

    SQS drops a message whose deduplication id it has had within five minutes, also when the first one was handled long
    ago. An id therefore stands for a window that is shorter than the queue's delay: the window is over when its one
    message is handled, and whatever was written in it is there.

    Attributes:
        delay_seconds: the queue's; of 0 and 1 every request is a message of its own.
    """

    sqs: "SQSClient"
    queue_url: str
    delay_seconds: int
    clock: Callable[[], float] = time.time

    @override
    def request(self, event_id: int) -> None:
        window_seconds = max(0, self.delay_seconds - CLOCKS_DIFFER_SECONDS)
        window = int(self.clock() // window_seconds) if window_seconds else uuid.uuid4()
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=f'{{"event_id": {event_id}}}',
            MessageGroupId=str(event_id),
            MessageDeduplicationId=f"{event_id}-{window}",
        )


@dataclass(frozen=True)
class SqsIndexingCommands(IndexingCommands, RenderCommands):
    """Raise RuntimeError if the queue refuses some."""

    sqs: "SQSClient"
    queue_url: str

    @override
    def send(self, commands: Sequence[IndexingCommand | RenderCommand]) -> None:
        for start in range(0, len(commands), COMMANDS_AT_ONCE):
            entries: Any = [
                {"Id": str(number), "MessageBody": command.to_message()}
                for number, command in enumerate(commands[start : start + COMMANDS_AT_ONCE])
            ]
            response = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            if response.get("Failed"):
                raise RuntimeError(f"the queue refused {len(response['Failed'])} commands; run it again")
