"""Quota buckets in the table: one item per organisation or token, one conditional write per face match.

A write whose reply is lost was made or not, and botocore sends it again. So each write brings a token of its own, which
stays in the item for a while: one that is there already is not made again. The item keeps the tokens in two sets. When
one is full it takes the place of the other, so that there are always the last `TOKENS`, and never twice as many.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import Item, RefusedError, Table, update
from facesearch.errors import StoreUnavailable
from facesearch.models import MICROSECONDS, QuotaLimits, QuotaState
from facesearch.observability import log_unexpected
from facesearch.search.quota import BucketEmptyError, TokenBucketStore, is_passing

ATTEMPTS = 6
"""A bucket is full or partly used, its set of tokens is full or not, and a write says which. A wrong guess is told the
truth, so that only a bucket which changes in both between two writes needs more than three."""
TOKENS = 80
"""Moves of the same bucket between a lost reply and the third attempt, which comes 10 s later at most, after which the
first may be forgotten. Twice as many tokens are 640 bytes: the item stays one write unit, which is 1 KB."""
KEPT_SECONDS = 86_400
"""So long after it is full again, which is what no item means, too, a bucket is kept that means nothing then."""
TOKEN_BYTES = 3
"""Four characters. Another move's token is taken for one's own once in 100,000: that search is free."""


@dataclass(frozen=True)
class DynamoTokenBuckets(TokenBucketStore):
    """Over DynamoDB. Taking is atomic: searches at once are each counted, in whatever order."""

    table: Table

    @override
    def take(self, owner: str, limits: QuotaLimits, seen: QuotaState) -> QuotaState:
        """One write unit, another for a wrong hint, and for every 80th."""
        token, full_at, turn = secrets.token_urlsafe(TOKEN_BYTES), seen.full_at, False
        for _ in range(ATTEMPTS):
            now = time.time_ns() // 1000
            latest = now + (limits.burst - 1) * limits.interval
            if full_at > latest:
                break
            if full_at <= now:
                change, condition = "full_at = :next", "(attribute_not_exists(full_at) OR full_at <= :now)"
                values = {"next": now + limits.interval, "now": now}
            else:
                change, condition = "full_at = full_at + :interval", "full_at > :now AND full_at <= :latest"
                values = {"interval": limits.interval, "now": now, "latest": latest}
            try:
                if is_passing(owner):
                    change += ", expires_at = :expires_at"
                    values["expires_at"] = (latest + limits.interval) // MICROSECONDS + KEPT_SECONDS
                return quota_from_item(self._write(owner, token, turn, change, condition, **values))
            except RefusedError as refused:
                if _has(refused.item, token):
                    return quota_from_item(refused.item)
                full_at, turn = refused.item.get("full_at", 0), len(refused.item.get("moves", ())) >= TOKENS
            except Exception:  # whatever the last attempt's was: an earlier one may have been carried out
                self._undo(owner, limits, token)
                raise
        raise BucketEmptyError(QuotaState(full_at, seen.override))

    @override
    def give_back(self, owner: str, limits: QuotaLimits) -> None:
        token, turn = secrets.token_urlsafe(TOKEN_BYTES), False
        change = "full_at = if_not_exists(full_at, :none) - :back"
        for _ in range(ATTEMPTS):
            try:
                self._write(owner, token, turn, change, none=0, back=limits.interval)
            except RefusedError as refused:
                if _has(refused.item, token):
                    return
                turn = len(refused.item.get("moves", ())) >= TOKENS
            else:
                return

    def _write(self, owner: str, token: str, turn: bool, change: str, condition: str = "", /, **values: Any) -> Item:
        """Make a change, once. `turn`: a new set of tokens begins with it. The item afterwards."""
        if turn:
            change = f"SET {change}, older_moves = moves, moves = :tokens"
            room = "size(moves) >= :most"
        else:
            change = f"SET {change} ADD moves :tokens"
            room = "(attribute_not_exists(moves) OR size(moves) < :most)"
        once = "NOT contains(moves, :token) AND NOT contains(older_moves, :token)"
        condition = " AND ".join(filter(None, [condition, room, once]))
        values |= {"token": token, "tokens": {token}, "most": TOKENS}
        return self.table.attempt(update(schema.quota_key(owner), change, condition, **values), returned="ALL_NEW")

    def _undo(self, owner: str, limits: QuotaLimits, token: str) -> None:
        """Take a move back if it was made; nobody has been told so, and the caller is about to hear that it failed."""
        write = update(
            schema.quota_key(owner),
            "ADD full_at :back DELETE moves :tokens, older_moves :tokens",
            "contains(moves, :token) OR contains(older_moves, :token)",
            back=-limits.interval,
            token=token,
            tokens={token},
        )
        try:
            self.table.write(write)
        except StoreUnavailable as still:  # one search less until the bucket has filled up by itself
            log_unexpected(still)


def _has(item: Item, token: str) -> bool:
    return token in item.get("moves", ()) or token in item.get("older_moves", ())


def quota_from_item(item: Item | None) -> QuotaState:
    """The state that an item describes; an organisation without one has not searched yet."""
    item = item or {}
    override = QuotaLimits(item["per_minute"], item["burst"]) if "per_minute" in item else None
    return QuotaState(item.get("full_at", 0), override)
