"""Requests to look at an event's snapshot, in a FIFO queue."""

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


CLOCKS_DIFFER_SECONDS = 1
"""Workers, and SQS, agree on the time to a few milliseconds."""


class SqsSnapshotRequests:
    """`SnapshotRequests` over a FIFO queue: an event is a message group, so it is never compacted twice at a time.

    SQS drops a message whose deduplication id it has had within five minutes, also when the first one was handled long
    ago. An id therefore stands for a window that is shorter than the queue's delay: the window is over when its one
    message is handled, and whatever was written in it is there.
    """

    def __init__(
        self, sqs: "SQSClient", queue_url: str, delay_seconds: int, clock: Callable[[], float] = time.time
    ) -> None:
        """`delay_seconds`: the queue's; of 0 and 1 every request is a message of its own."""
        self._sqs = sqs
        self._queue_url = queue_url
        self._window_seconds = max(0, delay_seconds - CLOCKS_DIFFER_SECONDS)
        self._clock = clock

    def request(self, event_id: int) -> None:
        """See `SnapshotRequests.request`."""
        window = int(self._clock() // self._window_seconds) if self._window_seconds else uuid.uuid4()
        self._sqs.send_message(
            QueueUrl=self._queue_url,
            MessageBody=f'{{"event_id": {event_id}}}',
            MessageGroupId=str(event_id),
            MessageDeduplicationId=f"{event_id}-{window}",
        )
