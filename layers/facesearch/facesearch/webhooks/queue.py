"""The queue between webhooks and their searches. Its messages hold ids alone."""

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from facesearch.models import SearchKey

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY = 900
"""Seconds that SQS can hold a new message back."""


@dataclass(frozen=True)
class Order:
    """A message: run this search.

    Attributes:
        waits: how often it has already waited for the organisation's quota.
        asides: how often it has stepped aside for other organisations' searches.
        tries: that messages before this one have used up; its own are counted by the queue.
    """

    search: SearchKey
    waits: int = 0
    asides: int = 0
    tries: int = 0

    def to_text(self) -> str:
        """As it is sent."""
        search = self.search
        ids = {"org_id": search.org_id, "event_id": search.event_id, "request_id": str(search.request_id)}
        counts = {"waits": self.waits, "asides": self.asides, "tries": self.tries}
        return json.dumps({"kind": "search"} | ids | {name: value for name, value in counts.items() if value})

    @classmethod
    def of(cls, text: str) -> "Order":
        """Read a message.

        Raises:
            ValueError: it is none of ours.
        """
        try:
            content = json.loads(text)
            if content["kind"] != "search":
                raise ValueError
            search = SearchKey(content["org_id"], content["event_id"], uuid.UUID(content["request_id"]))
            return cls(search, *(int(content.get(name, 0)) for name in ("waits", "asides", "tries")))
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ValueError("not an order for a search") from None


class OrderQueue(Protocol):
    """Where orders wait for a worker."""

    def send(self, order: Order, delay: int = 0) -> None:
        """Enter an order, to be delivered after so many seconds, 900 at most."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """Have a message that was delivered come again after so many seconds."""


class SqsOrderQueue:
    """`OrderQueue` in SQS."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, order: Order, delay: int = 0) -> None:
        """See `OrderQueue.send`."""
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=order.to_text(),
            DelaySeconds=min(delay, LONGEST_DELAY),
            MessageGroupId=str(order.search.org_id),  # of a standard queue: SQS lets no group's backlog hold up others
        )

    def postpone(self, receipt: str, seconds: int) -> None:
        """See `OrderQueue.postpone`."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)
