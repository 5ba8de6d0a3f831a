"""Quota buckets in the table: one item per organisation, one conditional write per face match."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from facesearch.quota import BucketEmptyError, Limits, QuotaState
from facesearch.store import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 4
"""A bucket is full or partly used, and a write says for which of the two it is. A wrong guess is answered with the
truth, so that only a bucket which fills up and is taken from between two writes needs a third."""


class DynamoBucket:
    """`Bucket` over DynamoDB. Taking is atomic: searches at once are each counted, in whatever order."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def take(self, org_id: int, limits: Limits, seen: QuotaState) -> QuotaState:
        """See `Bucket.take`. One write unit, another for a wrong hint."""
        full_at = seen.full_at
        for _ in range(ATTEMPTS):
            now = time.time_ns() // 1000
            latest = now + (limits.burst - 1) * limits.interval
            if full_at > latest:
                break
            try:
                return self._move(org_id, limits, now, latest, is_full=full_at <= now)
            except self._dynamodb.exceptions.ConditionalCheckFailedException as refused:
                full_at = _full_at(refused.response)
        raise BucketEmptyError(QuotaState(full_at, seen.override))

    def give_back(self, org_id: int, limits: Limits) -> None:
        """See `Bucket.give_back`."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=schema.quota_key(org_id),
            UpdateExpression="ADD full_at :back",
            ExpressionAttributeValues={":back": schema.n(-limits.interval)},
        )

    def _move(self, org_id: int, limits: Limits, now: int, latest: int, *, is_full: bool) -> QuotaState:
        if is_full:
            update, condition = "SET full_at = :next", "attribute_not_exists(full_at) OR full_at <= :now"
            values = {":next": schema.n(now + limits.interval), ":now": schema.n(now)}
        else:
            update, condition = "SET full_at = full_at + :interval", "full_at > :now AND full_at <= :latest"
            values = {":interval": schema.n(limits.interval), ":now": schema.n(now), ":latest": schema.n(latest)}
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key=schema.quota_key(org_id),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return quota_from_item(answer["Attributes"])


def _full_at(response: Mapping[str, Any]) -> int:
    return schema.number(response.get("Item", {}), "full_at")


def quota_from_item(item: "schema.Item | None") -> QuotaState:
    """The state that an item describes; an organisation without one has not searched yet."""
    if item is None:
        return QuotaState()
    per_minute = schema.number(item, "per_minute")
    override = Limits(per_minute, schema.number(item, "burst")) if per_minute else None
    return QuotaState(schema.number(item, "full_at"), override)
