"""What the operator's use cases share: the table, and writes that happen together or not at all."""

import itertools
import random
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from facesearch.adapters.dynamodb import schema
from facesearch.errors import InvalidRequest, Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

NAME_LENGTH = 200
ATTEMPTS = 5
"""Of a transaction that meets others at the same items: 1.5 s at most in all, half of it on average."""


class RefusedError(Exception):
    """A condition of one of the writes did not hold; `position` tells whose, counted from 0."""

    def __init__(self, position: int) -> None:
        super().__init__(str(position))
        self.position = position


class TableAdmin:
    """One table, as an operator sees it."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def _read(self, key: "schema.Key") -> "schema.Item | None":
        return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _list(self, pk: str, prefix: str) -> "list[schema.Item]":
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": schema.s(pk), ":prefix": schema.s(prefix)},
        )
        return [item for page in pages for item in page["Items"]]

    def _put_new(self, item: "schema.Key") -> bool:
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _together(self, writes: "Sequence[TransactWriteItemTypeDef]") -> None:
        """All of the writes or none.

        Raises:
            RefusedError: a condition did not hold.
        """
        for attempt in itertools.count(1):
            try:
                self._dynamodb.transact_write_items(TransactItems=writes)
            except self._dynamodb.exceptions.TransactionCanceledException as error:
                reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if "ConditionalCheckFailed" in reasons:
                    raise RefusedError(reasons.index("ConditionalCheckFailed")) from None
                if "TransactionConflict" not in reasons:
                    raise
                if attempt == ATTEMPTS:
                    raise Throttled("TransactWriteItems", "TransactionConflict") from None
                # Another operator's transaction was at the same item; boto3 does not try again by itself.
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, not a secret
            else:
                return

    def _put(self, item: "schema.Key", condition: str | None = None) -> "TransactWriteItemTypeDef":
        put: Any = {"TableName": self._table, "Item": item}
        return {"Put": put | ({"ConditionExpression": condition} if condition else {})}

    def _delete(self, key: "schema.Key", condition: str | None = None) -> "TransactWriteItemTypeDef":
        delete: Any = {"TableName": self._table, "Key": key}
        return {"Delete": delete | ({"ConditionExpression": condition} if condition else {})}

    def _set(self, key: "schema.Key", **values: "schema.Value") -> "TransactWriteItemTypeDef":
        """Set attributes of an item that exists."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": key,
                "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeNames": {f"#{name}": name for name in values},
                "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
            }
        }

    def _count(self, org_id: int, counter: str, step: int, most: int | None = None) -> "TransactWriteItemTypeDef":
        """Count something of an organisation that exists, and not beyond `most`."""
        condition = "attribute_exists(pk)"
        values = {":step": schema.n(step)}
        if most is not None:
            condition += " AND (attribute_not_exists(#counter) OR #counter < :most)"
            values[":most"] = schema.n(most)
        return {
            "Update": {
                "TableName": self._table,
                "Key": schema.org_key(org_id),
                "UpdateExpression": "ADD #counter :step",
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {"#counter": counter},
                "ExpressionAttributeValues": values,
            }
        }


def random_id() -> int:
    """Nine digits that say nothing about how many there are."""
    return 100_000_000 + secrets.randbelow(900_000_000)


def now() -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def checked_name(name: str) -> str:
    """The name without the white space around it.

    Raises:
        InvalidRequest: empty, too long, or with characters that are not for one line of text.
    """
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InvalidRequest(f"A name must be one line of 1 to {NAME_LENGTH} characters.")
    return name
