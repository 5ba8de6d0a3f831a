"""How much waits in a stack's queues, and for how long."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from facesearch.errors import StoreUnavailable
from facesearch_cli.stack import Stack

QUEUES = {
    "Uploads": "uploads_queue_url",
    "Snapshots": "snapshots_queue_url",
    "Search jobs": "search_jobs_queue_url",
    "Callbacks": "callbacks_queue_url",
}
"""Queues by the names of the settings that hold their URLs. Each names its own dead letters."""
PATIENCE = Config(connect_timeout=2, read_timeout=10)
DEPTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
AGE_MINUTES = 15
"""CloudWatch has an age a minute or two later, and none of a queue that has been idle for six hours."""


@dataclass(frozen=True)
class QueueDepth:
    """One queue, as SQS counts: approximately. None = not known.

    Attributes:
        waiting, in_flight, delayed: messages to be received, being handled, and not to be received yet.
        oldest_seconds: age of the oldest message.
        dead: dead letters.
    """

    name: str
    waiting: int | None = None
    in_flight: int | None = None
    delayed: int | None = None
    oldest_seconds: int | None = None
    dead: int | None = None


def depths(stack: Stack) -> list[QueueDepth]:
    """Of each of the stack's queues; one that an older stack does not name has no numbers."""
    sqs = stack.client("sqs", PATIENCE)
    urls = {name: str(getattr(stack.settings, setting)) for name, setting in QUEUES.items()}
    ages = {} if stack.state else _ages(stack, [url for url in urls.values() if url])
    return [_depth(sqs, name, url, ages) if url else QueueDepth(name) for name, url in urls.items()]


def _depth(sqs: Any, name: str, url: str, ages: Mapping[str, int]) -> QueueDepth:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[*DEPTHS, "RedrivePolicy"])["Attributes"]
    waiting, in_flight, delayed = (int(found[depth]) for depth in DEPTHS)
    return QueueDepth(name, waiting, in_flight, delayed, ages.get(_name(url)), _dead(sqs, found.get("RedrivePolicy")))


def _dead(sqs: Any, policy: str | None) -> int | None:
    if policy is None:
        return None
    name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[DEPTHS[0]])["Attributes"][DEPTHS[0]])


def _ages(stack: Stack, urls: list[str]) -> dict[str, int]:
    """The age of the oldest message in seconds by the queue's name, as CloudWatch has it last; SQS does not say."""
    now = datetime.now(UTC)
    queries: list[Any] = [
        {
            "Id": f"age{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": _name(url)}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for number, url in enumerate(urls)
    ]
    try:
        response = stack.client("cloudwatch", PATIENCE).get_metric_data(
            MetricDataQueries=queries,
            StartTime=now - timedelta(minutes=AGE_MINUTES),
            EndTime=now,
            ScanBy="TimestampDescending",
        )
    except (ClientError, StoreUnavailable):  # who may not read metrics still sees the depths
        return {}
    last = {result["Id"]: result["Values"][0] for result in response["MetricDataResults"] if result["Values"]}
    return {_name(url): int(last[f"age{number}"]) for number, url in enumerate(urls) if f"age{number}" in last}


def _name(url: str) -> str:
    return url.rpartition("/")[2]
