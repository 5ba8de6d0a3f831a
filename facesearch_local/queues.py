"""SQS event sources: poll, invoke, delete what was handled, as Lambda's pollers do."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from facesearch_local.functions import QueueSource
from facesearch_local.gateway import Invocable
from facesearch_local.pool import FunctionFailed

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LONG_POLL_SECONDS = 1
"""Lambda waits 20 s; here this is also how long a stop may take."""
RECEIVE_LIMIT = 10
"""SQS gives at most this many messages at once."""
REDELIVERY_SECONDS = 2
REDELIVERY_CEILING_SECONDS = 30
"""A local convenience: on AWS a message whose batch failed stays hidden for the queue's VisibilityTimeout, twelve
minutes for uploads. Here it comes back after 2 s, 4 s, … 30 s, so that redelivery and dead letters can be watched;
unless the function has seen to that itself."""
TROUBLE_SECONDS = 1.0

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queue:
    """Where a source's messages are."""

    source: QueueSource
    url: str
    region: str


class Poller:
    """Feeds one function from one queue; `run` as many of it at once as batches may be handled at once."""

    def __init__(
        self, sqs: SQSClient, queue: Queue, function: Invocable, threads: Executor, stopping: asyncio.Event
    ) -> None:
        self._sqs = sqs
        self._queue = queue
        self._function = function
        self._threads = threads
        self._stopping = stopping

    async def run(self) -> None:
        """Poll until `stopping` is set; a batch that is being handled then is finished."""
        while not self._stopping.is_set():
            try:
                batch = await self._receive()
                if batch and self._stopping.is_set():
                    await self._again_in(batch, lambda message: 0)
                elif batch:
                    await self._handle(batch)
            except (BotoCoreError, ClientError) as error:
                if not self._stopping.is_set():
                    logger.warning("SQS: %s", type(error).__name__)
                    await asyncio.sleep(TROUBLE_SECONDS)

    async def _receive(self) -> list[MessageTypeDef]:
        source = self._queue.source
        batch = await self._receive_up_to(source.batch_size, LONG_POLL_SECONDS)
        window_ends = time.monotonic() + source.window
        while batch and len(batch) < source.batch_size and not self._stopping.is_set():
            left = window_ends - time.monotonic()
            if left <= 0:
                break
            more = await self._receive_up_to(source.batch_size - len(batch), min(LONG_POLL_SECONDS, max(1, int(left))))
            batch += more
        return batch

    async def _receive_up_to(self, count: int, wait: int) -> list[MessageTypeDef]:
        response = await self._call(
            partial(
                self._sqs.receive_message,
                QueueUrl=self._queue.url,
                MaxNumberOfMessages=min(count, RECEIVE_LIMIT),
                WaitTimeSeconds=wait,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        )
        return response.get("Messages", [])

    async def _handle(self, batch: list[MessageTypeDef]) -> None:
        records = [to_record(message, self._queue) for message in batch]
        ids = {message["MessageId"] for message in batch}
        try:
            response = await self._function.invoke(json.dumps({"Records": records}).encode())
            failed = failed_ids(response, ids, self._queue.source.reports_failures)
            again = set[str]() if self._queue.source.postpones else failed
        except FunctionFailed:
            failed = again = ids
        await self._delete([message for message in batch if message["MessageId"] not in failed])
        await self._again_in([message for message in batch if message["MessageId"] in again], redelivery_delay)

    async def _delete(self, handled: Sequence[MessageTypeDef]) -> None:
        for start in range(0, len(handled), RECEIVE_LIMIT):
            entries: Any = [
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(handled[start : start + RECEIVE_LIMIT])
            ]
            await self._call(partial(self._sqs.delete_message_batch, QueueUrl=self._queue.url, Entries=entries))

    async def _again_in(self, messages: Sequence[MessageTypeDef], delay: Callable[[MessageTypeDef], int]) -> None:
        for message in messages:
            await self._call(
                partial(
                    self._sqs.change_message_visibility,
                    QueueUrl=self._queue.url,
                    ReceiptHandle=message["ReceiptHandle"],
                    VisibilityTimeout=delay(message),
                )
            )

    async def _call(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def to_record(message: MessageTypeDef, queue: Queue) -> dict[str, Any]:
    """One record of the event that Lambda makes of a batch."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: {
                "stringValue": attribute.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": attribute["DataType"],
            }
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.source.queue_arn,
        "awsRegion": queue.region,
    }


def failed_ids(response: bytes, batch: set[str], reports_failures: bool) -> set[str]:
    """The messages that a function's response leaves in the queue; all of them if the response makes no sense."""
    if not reports_failures:
        return set()
    try:
        report = json.loads(response)
        failures = (report or {}).get("batchItemFailures") or []
        failed = {failure["itemIdentifier"] for failure in failures}
    except (ValueError, KeyError, TypeError, AttributeError):
        return batch
    return batch if failed - batch else failed


def redelivery_delay(message: MessageTypeDef) -> int:
    """Seconds until a message is tried again, by how often it was received."""
    count = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    delay: int = REDELIVERY_SECONDS * 2 ** min(count - 1, 10)
    return min(delay, REDELIVERY_CEILING_SECONDS)
