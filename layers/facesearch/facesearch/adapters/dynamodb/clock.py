"""A clock that agrees with DynamoDB's. What is stamped by a slow one is missed by readers who ask for what is new."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.photos import microseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECOND = 1_000_000
"""Microseconds. The header tells whole seconds."""


def corrected_clock(
    dynamodb: "DynamoDBClient", table_name: str, clock: Callable[[], int] = microseconds
) -> Callable[[], int]:
    """Microseconds since the epoch, corrected by the Date header of one response of DynamoDB's.

    It is slow by a second at most, for which readers have room (`photos.OVERLAP_MICROSECONDS`). A clock that the header
    does not prove wrong stays as it is.
    """
    asked = clock()
    answer = dynamodb.get_item(TableName=table_name, Key=schema.event_key(0))
    header = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if header is None:  # a stand-in for DynamoDB, on this machine
        return clock
    # DynamoDB wrote it after the question, within the second that it names.
    least = int(parsedate_to_datetime(header).timestamp()) * SECOND - asked
    difference = min(max(0, least), least + SECOND)
    return lambda: clock() + difference
