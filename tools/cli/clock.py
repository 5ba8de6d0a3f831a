"""A clock that agrees with DynamoDB's. What is stamped by a slow one is missed by readers who ask for what is new."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from facesearch.store import schema
from facesearch.store.photos import microseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

IGNORED_SECONDS = 2.0
"""The header tells whole seconds, and the answer takes its time. Readers look 30 s back."""


def corrected_clock(
    dynamodb: "DynamoDBClient", table_name: str, clock: Callable[[], int] = microseconds
) -> Callable[[], int]:
    """Microseconds since the epoch, corrected by the Date header of one answer of DynamoDB's."""
    asked = clock()
    answer = dynamodb.get_item(TableName=table_name, Key=schema.event_key(0))
    header = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if header is None:  # a stand-in for DynamoDB, on this machine
        return clock
    theirs = int(parsedate_to_datetime(header).timestamp() * 1_000_000) + 500_000
    difference = theirs - (asked + clock()) // 2
    if abs(difference) < IGNORED_SECONDS * 1_000_000:
        return clock
    return lambda: clock() + difference
