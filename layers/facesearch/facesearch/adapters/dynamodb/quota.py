"""Quota buckets in the table: one item per organisation, one conditional write per face match.

A write whose reply is lost was made or not, and botocore sends it again. So each write brings a token of its own, which
stays in the item for a while: one that is there already is not made again. The item keeps the tokens in two sets. When
one is full it takes the place of the other, so that there are always the last `TOKENS`, and never twice as many.
"""

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.errors import StoreUnavailable
from facesearch.models import QuotaLimits, QuotaState
from facesearch.observability import log_unexpected
from facesearch.search.quota import BucketEmptyError, TokenBucketStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 6
"""A bucket is full or partly used, its set of tokens is full or not, and a write says which. A wrong guess is told the
truth, so that only a bucket which changes in both between two writes needs more than three."""
TOKENS = 80
"""Moves of the same bucket between a lost reply and the third attempt, which comes 10 s later at most, after which the
first may be forgotten. Twice as many tokens are 640 bytes: the item stays one write unit, which is 1 KB."""
TOKEN_BYTES = 3
"""Four characters. Another move's token is taken for one's own once in 100,000: that search is free."""


@dataclass(frozen=True)
class _Move:
    """One change of a bucket: what is set and added, under which condition, and what the names in them stand for."""

    set: str
    add: str
    condition: str
    values: "schema.Key"


class DynamoTokenBuckets(TokenBucketStore):
    """Over DynamoDB. Taking is atomic: searches at once are each counted, in whatever order."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    @override
    def take(self, org_id: int, limits: QuotaLimits, seen: QuotaState) -> QuotaState:
        """One write unit, another for a wrong hint, and for every 80th."""
        token, full_at, turn = _token(), seen.full_at, False
        for _ in range(ATTEMPTS):
            now = time.time_ns() // 1000
            latest = now + (limits.burst - 1) * limits.interval
            if full_at > latest:
                break
            move = _taken(limits, now, latest, is_full=full_at <= now)
            try:
                return quota_from_item(self._write(org_id, token, move, turn=turn))
            except self._dynamodb.exceptions.ConditionalCheckFailedException as refused:
                item = schema.refused_item(refused.response)
                if _has(item, token):
                    return quota_from_item(item)
                full_at, turn = schema.number(item, "full_at"), _is_due(item)
            except Exception:  # whatever the last attempt's was: an earlier one may have been carried out
                self._undo(org_id, limits, token)
                raise
        raise BucketEmptyError(QuotaState(full_at, seen.override))

    @override
    def give_back(self, org_id: int, limits: QuotaLimits) -> None:
        token, turn = _token(), False
        move = _Move("", "full_at :back", "", {":back": schema.n(-limits.interval)})
        for _ in range(ATTEMPTS):
            try:
                self._write(org_id, token, move, turn=turn)
            except self._dynamodb.exceptions.ConditionalCheckFailedException as refused:
                item = schema.refused_item(refused.response)
                if _has(item, token):
                    return
                turn = _is_due(item)
            else:
                return

    def _write(self, org_id: int, token: str, move: _Move, *, turn: bool) -> "schema.Item":
        """Make the move, once. `turn`: a new set of tokens begins with it. The item afterwards."""
        if turn:
            sets, adds = ["older_moves = moves", "moves = :tokens"], []
            room = "size(moves) >= :most"
        else:
            sets, adds = [], ["moves :tokens"]
            room = "(attribute_not_exists(moves) OR size(moves) < :most)"
        sets, adds = [*filter(None, [move.set]), *sets], [*filter(None, [move.add]), *adds]
        update = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in (("SET", sets), ("ADD", adds)) if parts)
        once = "NOT contains(moves, :token) AND NOT contains(older_moves, :token)"
        response = self._dynamodb.update_item(
            TableName=self._table,
            Key=schema.quota_key(org_id),
            UpdateExpression=update,
            ConditionExpression=" AND ".join(filter(None, [move.condition, room, once])),
            ExpressionAttributeValues=move.values
            | {":token": schema.s(token), ":tokens": schema.strings([token]), ":most": schema.n(TOKENS)},
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return response["Attributes"]

    def _undo(self, org_id: int, limits: QuotaLimits, token: str) -> None:
        """Take a move back if it was made; nobody has been told so, and the caller is about to hear that it failed."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=schema.quota_key(org_id),
                UpdateExpression="ADD full_at :back DELETE moves :tokens, older_moves :tokens",
                ConditionExpression="contains(moves, :token) OR contains(older_moves, :token)",
                ExpressionAttributeValues={
                    ":back": schema.n(-limits.interval),
                    ":token": schema.s(token),
                    ":tokens": schema.strings([token]),
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return
        except StoreUnavailable as still:  # one search less until the bucket has filled up by itself
            log_unexpected(still)


def _taken(limits: QuotaLimits, now: int, latest: int, *, is_full: bool) -> _Move:
    if is_full:
        values = {":next": schema.n(now + limits.interval), ":now": schema.n(now)}
        return _Move("full_at = :next", "", "(attribute_not_exists(full_at) OR full_at <= :now)", values)
    values = {":interval": schema.n(limits.interval), ":now": schema.n(now), ":latest": schema.n(latest)}
    return _Move("full_at = full_at + :interval", "", "full_at > :now AND full_at <= :latest", values)


def _token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _has(item: "schema.Item", token: str) -> bool:
    return token in schema.string_set(item, "moves") | schema.string_set(item, "older_moves")


def _is_due(item: "schema.Item") -> bool:
    return len(schema.string_set(item, "moves")) >= TOKENS


def quota_from_item(item: "schema.Item | None") -> QuotaState:
    """The state that an item describes; an organisation without one has not searched yet."""
    if item is None:
        return QuotaState()
    per_minute = schema.number(item, "per_minute")
    override = QuotaLimits(per_minute, schema.number(item, "burst")) if per_minute else None
    return QuotaState(schema.number(item, "full_at"), override)
