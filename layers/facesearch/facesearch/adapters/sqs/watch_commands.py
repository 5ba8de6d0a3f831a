"""Commands to look through watches, in the queue of searches."""

from typing import TYPE_CHECKING

from facesearch.webhooks.watches.commands import WatchCommand

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsWatchCommands:
    """`WatchCommands` in SQS."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, order: WatchCommand, delay: int = 0) -> None:
        """See `WatchCommands.send`."""
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=order.to_text(),
            DelaySeconds=delay,
            MessageGroupId=str(order.org_id),  # as of searches
        )
