"""Commands to the indexing function, in the queue of uploads."""

from typing import TYPE_CHECKING, Any

from facesearch.photos.nextfaces import IndexingCommand

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ORDERS_AT_ONCE = 10


class SqsIndexingCommands:
    """`IndexingCommands` over the queue that also announces uploads."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, orders: list[IndexingCommand]) -> None:
        """See `IndexingCommands.send`.

        Raises:
            RuntimeError: the queue refused some.
        """
        for start in range(0, len(orders), ORDERS_AT_ONCE):
            entries: Any = [
                {"Id": str(number), "MessageBody": order.to_message()}
                for number, order in enumerate(orders[start : start + ORDERS_AT_ONCE])
            ]
            answer = self._sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            if answer.get("Failed"):
                raise RuntimeError(f"the queue refused {len(answer['Failed'])} orders; run it again")
