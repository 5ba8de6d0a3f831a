"""The queue of webhooks' searches."""

from typing import TYPE_CHECKING

from facesearch.webhooks.commands import LONGEST_DELAY, SearchCommand

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsSearchCommands:
    """`SearchCommands` in SQS."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, order: SearchCommand, delay: int = 0) -> None:
        """See `SearchCommands.send`."""
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=order.to_text(),
            DelaySeconds=min(delay, LONGEST_DELAY),
            MessageGroupId=str(order.search.org_id),  # of a standard queue: SQS lets no group's backlog hold up others
        )

    def postpone(self, receipt: str, seconds: int) -> None:
        """See `SearchCommands.postpone`."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)
