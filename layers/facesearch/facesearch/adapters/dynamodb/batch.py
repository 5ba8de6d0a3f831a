"""BatchGetItem, BatchWriteItem and Query to their end: what was left unprocessed is asked for again, within bounds."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from facesearch.errors import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from facesearch.adapters.dynamodb.schema import Item, Key

ATTEMPTS = 6
"""With full jitter under a doubling ceiling from 50 ms: 1.6 s at most in all."""

GET_LIMIT = 100
WRITE_LIMIT = 25

T = TypeVar("T")


def batch_get(dynamodb: "DynamoDBClient", table: str, keys: "Sequence[Key]") -> "list[Item]":
    """The items that exist among `keys`, read strongly consistent, in no particular order."""
    items: list[Item] = []
    for some in _slices(keys, GET_LIMIT):
        request: Any = {table: {"Keys": some, "ConsistentRead": True}}
        for attempt in range(ATTEMPTS):
            _pause_before(attempt)
            answer = dynamodb.batch_get_item(RequestItems=request)
            items.extend(answer["Responses"].get(table, []))
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                break
        else:
            raise Throttled("BatchGetItem", "Unprocessed")
    return items


def batch_put(dynamodb: "DynamoDBClient", table: str, items: "Iterable[Item]") -> None:
    """Put every item, in no particular order; not atomic."""
    _batch_write(dynamodb, table, ({"PutRequest": {"Item": item}} for item in items))


def batch_delete(dynamodb: "DynamoDBClient", table: str, keys: "Iterable[Key]") -> int:
    """Delete every item that is there, in no particular order; not atomic. How many keys there were."""
    return _batch_write(dynamodb, table, ({"DeleteRequest": {"Key": key}} for key in keys))


def _batch_write(dynamodb: "DynamoDBClient", table: str, requests: Iterable[Any]) -> int:
    written = 0
    for some in _slices(requests, WRITE_LIMIT):
        written += len(some)
        request: Any = {table: some}
        for attempt in range(ATTEMPTS):
            _pause_before(attempt)
            request = dynamodb.batch_write_item(RequestItems=request).get("UnprocessedItems") or {}
            if not request:
                break
        else:
            raise Throttled("BatchWriteItem", "Unprocessed")
    return written


def _pause_before(attempt: int) -> None:
    if attempt:
        time.sleep(random.uniform(0, 0.05 * 2 ** (attempt - 1)))  # noqa: S311 - jitter, not a secret


def _slices(values: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(values)
    while some := list(islice(iterator, size)):
        yield some


def query_all(dynamodb: "DynamoDBClient", table: str, pk: str, prefix: str = "") -> "Iterator[Item]":
    """The items of a partition whose sort key begins so, read strongly consistent, page after page."""
    begins = " AND begins_with(sk, :prefix)" if prefix else ""
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression=f"pk = :pk{begins}",
        ExpressionAttributeValues={":pk": {"S": pk}} | ({":prefix": {"S": prefix}} if prefix else {}),
    )
    for page in pages:
        yield from page["Items"]
