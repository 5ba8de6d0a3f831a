from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from facesearch_local.functions import QueueSource
from facesearch_local.pool import FunctionCrashed
from facesearch_local.queues import Poller, Queue, failed_ids, redelivery_delay

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SOURCE = QueueSource("arn:aws:sqs:us-east-1:0:work", 10, 0.0, reports_failures=True, concurrency=None)
Handler = Callable[[list[dict[str, Any]]], Any]


class Function:
    """Handles records in memory, then lets the poller stop."""

    def __init__(self, handler: Handler, stopping: asyncio.Event) -> None:
        self._handler = handler
        self._stopping = stopping

    async def invoke(self, payload: bytes) -> bytes:
        self._stopping.set()
        return json.dumps(self._handler(json.loads(payload)["Records"])).encode()


async def handled(sqs: SQSClient, bodies: list[str], handler: Handler, *, postpones: bool = False) -> str:
    """How many messages are left, hidden for a while, after one batch."""
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "720"})["QueueUrl"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    stopping = asyncio.Event()
    with ThreadPoolExecutor(1) as threads:
        source = replace(SOURCE, postpones=postpones)
        poller = Poller(sqs, Queue(source, url, "us-east-1"), Function(handler, stopping), threads, stopping)
        async with asyncio.timeout(10):
            await poller.run()
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return attributes["ApproximateNumberOfMessagesNotVisible"]


def crash(records: list[dict[str, Any]]) -> Any:
    raise FunctionCrashed("signal 9")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("handler", "left"),
    [
        (lambda records: None, "0"),
        (lambda records: {"batchItemFailures": []}, "0"),
        (lambda records: {"batchItemFailures": [{"itemIdentifier": records[0]["messageId"]}]}, "1"),
        (lambda records: {"batchItemFailures": [{"itemIdentifier": "never heard of"}]}, "3"),
        (crash, "3"),
    ],
)
async def test_given_a_batch_then_only_what_succeeded_is_deleted(sqs: SQSClient, handler: Handler, left: str) -> None:
    assert await handled(sqs, ["a", "b", "c"], handler) == left


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("postpones", "handler", "expected"),
    [
        (False, lambda records: {"batchItemFailures": [{"itemIdentifier": records[0]["messageId"]}]}, [2]),
        (True, lambda records: {"batchItemFailures": [{"itemIdentifier": records[0]["messageId"]}]}, []),
        (True, crash, [2]),
    ],
)
async def test_given_a_function_that_postpones_itself_then_only_its_crash_is_postponed_for_it(
    sqs: SQSClient, monkeypatch: pytest.MonkeyPatch, postpones: bool, handler: Handler, expected: list[int]
) -> None:
    changed: list[dict[str, Any]] = []
    monkeypatch.setattr(sqs, "change_message_visibility", lambda **arguments: changed.append(arguments))
    await handled(sqs, ["a"], handler, postpones=postpones)
    assert [arguments["VisibilityTimeout"] for arguments in changed] == expected


BATCH = {"a", "b"}


@pytest.mark.parametrize(
    ("response", "left"),
    [
        (b"null", set()),
        (b"{}", set()),
        (b'{"batchItemFailures": null}', set()),
        (b'{"batchItemFailures": [{"itemIdentifier": "a"}]}', {"a"}),
        (b'{"batchItemFailures": [{"itemIdentifier": "x"}]}', BATCH),
        (b'{"batchItemFailures": [{"itemIdentifier": null}]}', BATCH),
        (b'{"batchItemFailures": [{}]}', BATCH),
        (b'{"batchItemFailures": 7}', BATCH),
        (b'"text"', BATCH),
        (b"no json", BATCH),
    ],
)
def test_when_a_report_is_read_then_nonsense_leaves_the_whole_batch(response: bytes, left: set[str]) -> None:
    assert failed_ids(response, BATCH, reports_failures=True) == left
    assert failed_ids(response, BATCH, reports_failures=False) == set()


@pytest.mark.parametrize(("count", "seconds"), [("1", 2), ("2", 4), ("4", 16), ("5", 30), ("1000", 30)])
def test_when_a_message_failed_often_then_it_comes_back_later(count: str, seconds: int) -> None:
    assert redelivery_delay({"Attributes": {"ApproximateReceiveCount": count}}) == seconds
