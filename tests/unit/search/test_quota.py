"""The token bucket: its arithmetic, one contract for both places that buckets are kept in, searches at once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters import aws
from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.quota import ATTEMPTS, TOKENS, DynamoTokenBuckets
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.stores import MemoryReader, MemoryTokenBuckets
from facesearch.errors import QuotaExceeded, StoreUnavailable
from facesearch.models import MICROSECONDS, QuotaLimits, QuotaState
from facesearch.reading import Reader, Wanted
from facesearch.search.quota import Account, BucketEmptyError, Meter, TokenBucketStore
from tests.support.aws import TABLE, create_table, moto
from tests.support.examples import examples
from tests.support.fakes import OneAtATime

ORG = 903
NOON = 1_800_000_000 * MICROSECONDS
LIMITS = QuotaLimits(per_minute=60, burst=3)


@dataclass
class Clock:
    """Microseconds since the epoch, which only a test moves."""

    now: int = NOON

    def pass_seconds(self, seconds: float) -> None:
        self.now += round(seconds * MICROSECONDS)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.now * 1000)
    return clock


@dataclass
class Kept:
    """A place for buckets, and who reads them."""

    bucket: TokenBucketStore
    reader: Reader
    org: int = field(default_factory=partial(next, count(ORG)))  # each has another, so that they can share a table

    def state(self) -> QuotaState:
        return self.reader.read(Wanted(quota_of=self.org)).quota

    def take(self, limits: QuotaLimits = LIMITS, seen: QuotaState | None = None) -> QuotaState:
        return self.bucket.take(str(self.org), limits, self.state() if seen is None else seen)

    def give_back(self, limits: QuotaLimits = LIMITS) -> None:
        self.bucket.give_back(str(self.org), limits)

    def taken(self, attempts: int, limits: QuotaLimits = LIMITS) -> int:
        """How many of so many searches were allowed."""
        allowed = 0
        for _ in range(attempts):
            with suppress(BucketEmptyError):
                self.take(limits)
                allowed += 1
        return allowed


@pytest.fixture(scope="module")
def client() -> Iterator[OneAtATime]:
    with moto():
        dynamodb = boto3.client("dynamodb")
        create_table(dynamodb)
        yield OneAtATime(dynamodb)


@pytest.fixture(params=["dynamodb", "memory"])
def kept(request: pytest.FixtureRequest) -> Kept:
    return in_memory() if request.param == "memory" else in_dynamodb(request.getfixturevalue("client"))


def in_memory() -> Kept:
    memory = MemoryReader()
    return Kept(MemoryTokenBuckets(memory.quotas), memory)


def in_dynamodb(client: Any) -> Kept:
    return Kept(DynamoTokenBuckets(Table(client, TABLE)), DynamoReader(Table(client, TABLE)))


# ------------------------------------------------------------------ both buckets


def test_each_organisation_has_its_own_bucket(kept: Kept, clock: Clock) -> None:
    assert kept.taken(10) == 3
    assert replace(kept, org=1).state() == QuotaState()
    assert replace(kept, org=2).taken(10) == 3


@pytest.mark.parametrize("hint", [0, NOON, NOON + 1, NOON + 2 * MICROSECONDS])
def test_a_hint_that_is_out_of_date_changes_nothing_but_the_cost(kept: Kept, clock: Clock, hint: int) -> None:
    for number in range(1, 4):
        assert kept.take(seen=QuotaState(hint)).full_at == NOON + number * MICROSECONDS
    with pytest.raises(BucketEmptyError) as empty:
        kept.take(seen=QuotaState(hint))
    assert empty.value.state.full_at == NOON + 3 * MICROSECONDS == kept.state().full_at
    clock.pass_seconds(60)
    assert kept.take(seen=QuotaState(hint)).full_at == clock.now + MICROSECONDS


def test_searches_at_once_never_take_more_than_there_is(kept: Kept, clock: Clock) -> None:
    start, limits = threading.Barrier(12), QuotaLimits(per_minute=1, burst=5)

    def search(_: int) -> int:
        start.wait(10)
        return kept.taken(2, limits)

    with ThreadPoolExecutor(12) as callers:
        assert sum(callers.map(search, range(12))) == 5
    assert kept.state().full_at == NOON + 5 * limits.interval


Steps = st.lists(st.tuples(st.sampled_from(["wait", "take", "give back"]), st.integers(0, 3_000)), max_size=40)


def check_against_tokens(kept: Kept, clock: Clock, steps: list[tuple[str, int]], limits: QuotaLimits) -> None:
    """The same steps with a bucket of whole tokens that is filled up by hand."""
    interval = limits.interval
    tokens = limits.burst * interval
    for step, milliseconds in steps:
        if step == "wait":
            clock.now += milliseconds * 1000
            tokens = min(limits.burst * interval, tokens + milliseconds * 1000)
        elif step == "take":
            allowed = tokens >= interval
            tokens -= interval if allowed else 0
            assert kept.taken(1, limits) == allowed
        elif tokens + interval <= limits.burst * interval:  # only what was taken is ever given back
            kept.give_back(limits)
            tokens += interval


@pytest.mark.parametrize("place", ["memory", "dynamodb"])
def test_it_is_a_token_bucket_whatever_happens(client: OneAtATime, place: str) -> None:
    @settings(max_examples=examples(25 if place == "dynamodb" else 100))
    @given(steps=Steps, per_minute=st.integers(1, 600), burst=st.integers(1, 5))
    def check(steps: list[tuple[str, int]], per_minute: int, burst: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            clock = Clock()
            patch.setattr(time, "time_ns", lambda: clock.now * 1000)
            kept = in_dynamodb(client) if place == "dynamodb" else in_memory()
            check_against_tokens(kept, clock, steps, QuotaLimits(per_minute, burst))

    check()


# ------------------------------------------------------------------ DynamoDB's costs


def test_a_search_costs_one_write_and_one_more_if_the_hint_was_wrong(client: OneAtATime, clock: Clock) -> None:
    kept = in_dynamodb(client)

    def cost(hint: QuotaState) -> tuple[int, QuotaState]:
        before = client.updates
        try:
            state = kept.take(seen=hint)
        except BucketEmptyError as empty:
            state = empty.state
        return client.updates - before, state

    first, seen = cost(QuotaState())
    second, _ = cost(seen)
    third, full = cost(QuotaState())
    assert (first, second, third) == (1, 1, 2)
    assert cost(full)[0] == 0, "an empty bucket costs nothing, if that is known"
    assert cost(QuotaState())[0] == 1


def test_a_bucket_that_never_holds_still_is_given_up_on(client: OneAtATime, clock: Clock) -> None:
    class Restless:
        exceptions = client.exceptions
        updates = 0

        def update_item(self, **_: Any) -> None:
            self.updates += 1
            full_at = str(NOON + self.updates % 2)  # now full, now partly used, and never as it was said to be
            answer: Any = {"Error": {"Code": "x", "Message": ""}, "Item": {"full_at": {"N": full_at}}}
            raise self.exceptions.ConditionalCheckFailedException(answer, "UpdateItem")

    restless: Any = Restless()
    with pytest.raises(BucketEmptyError):
        DynamoTokenBuckets(Table(restless, TABLE)).take(str(ORG), LIMITS, QuotaState())
    assert restless.updates == ATTEMPTS


# ------------------------------------------------------------------ lost replies


@dataclass
class Losses:
    """Replies of DynamoDB to a real client that are lost after their write was made, or writes that never arrive.

    `fates`: of the coming writes in their order, True = the reply is lost, False = the write is; None = all is well.
    """

    client: Any
    fates: list[bool | None] = field(default_factory=list)
    asked: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        events = self.client.meta.events
        events.register_first("before-send.dynamodb.UpdateItem", self._before)
        events.register_last("before-send", self._after)  # behind moto's of that name, which carries it out

    def _before(self, request: Any, **_: Any) -> None:
        self.asked += 1
        self._fate = self.fates.pop(0) if self.fates else None
        if self._fate is False:
            raise ReadTimeoutError(endpoint_url=request.url)

    def _after(self, request: Any, event_name: str, **_: Any) -> None:
        if event_name.endswith("UpdateItem") and self._fate:
            self.lost += 1
            raise ReadTimeoutError(endpoint_url=request.url)


@pytest.fixture
def losses(client: OneAtATime, monkeypatch: pytest.MonkeyPatch) -> Losses:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    # Else the client's own budget of retries would be used up by so many.
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda self, amount: True)
    return Losses(aws.client("dynamodb", aws.DYNAMODB))


@pytest.mark.parametrize("fates", [[True] * 3, [False] * 3, [False, True, False], [True] * 5, [True] * 3 + [False]])
def test_a_search_that_fails_over_its_payment_has_paid_nothing(
    losses: Losses, clock: Clock, fates: list[bool | None]
) -> None:
    kept = in_dynamodb(losses.client)
    kept.take()
    losses.fates = fates
    with pytest.raises(StoreUnavailable):
        kept.take()
    assert kept.state().full_at == NOON + MICROSECONDS


def test_whatever_is_lost_the_bucket_has_moved_once_for_each_search_that_was_paid_for(
    losses: Losses, clock: Clock
) -> None:
    """Up to two replies or writes in a row, which is as many as a call survives; or three, and the call fails."""
    fates = st.lists(st.sampled_from([True, False]), max_size=3)

    @settings(max_examples=examples(30))
    @given(st.lists(st.tuples(st.booleans(), fates), max_size=TOKENS))
    def check(steps: list[tuple[bool, list[bool]]]) -> None:
        kept, limits, paid = in_dynamodb(losses.client), QuotaLimits(per_minute=60, burst=1_000), 0
        for give_back, lost in steps:
            losses.fates = [*lost]
            try:
                if give_back and paid:
                    losses.fates = [*lost[:2]]
                    kept.give_back(limits)
                    paid -= 1
                else:
                    kept.take(limits)
                    paid += 1
            except StoreUnavailable:
                assert len(lost) == 3
            losses.fates = []
            assert max(NOON, kept.state().full_at) == NOON + paid * limits.interval

    check()


def test_tokens_are_kept_for_the_last_moves_alone_and_cost_no_second_write_unit(losses: Losses, clock: Clock) -> None:
    kept, limits = in_dynamodb(losses.client), QuotaLimits(per_minute=60, burst=1_000)
    refused = 0
    for _ in range(3 * TOKENS):
        before, seen = losses.asked, kept.state()
        kept.take(limits, seen)
        refused += losses.asked - before - 1
        item = Table(losses.client, TABLE).get(schema.quota_key(str(kept.org))) or {}
        tokens = [*item["moves"], *item.get("older_moves", ())]
        assert len(tokens) <= 2 * TOKENS
        assert sum(map(len, tokens)) < 700
    assert refused <= 4, "one for the first, which fills the bucket no more, and one for each new set"
    assert len(tokens) > TOKENS


# ------------------------------------------------------------------ the meter


def meter(state: QuotaState, limits: QuotaLimits = LIMITS) -> Meter:
    return Meter(Account(MemoryTokenBuckets({str(ORG): state}), str(ORG), limits, state))


def told(meter: Meter) -> tuple[int, ...]:
    return tuple(int(meter.headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


@pytest.mark.parametrize(
    ("ahead", "remaining", "reset"), [(-5, 3, 0), (0, 3, 0), (0.000001, 2, 1), (1, 2, 1), (1.000001, 1, 2), (2, 1, 2)]
)
def test_a_search_that_can_be_paid_for_is_and_what_is_left_is_told_in_whole_searches_and_seconds(
    clock: Clock, ahead: float, remaining: int, reset: int
) -> None:
    rested = meter(QuotaState(NOON + round(ahead * MICROSECONDS)))
    assert told(rested) == (3, remaining, reset)
    rested.check()
    rested.take()
    assert told(rested)[1] == remaining - 1
    rested.give_back()
    assert told(rested)[1] == remaining


@pytest.mark.parametrize(
    ("ahead", "reset", "retry_after"), [(2.000001, 3, 1), (2.5, 3, 1), (3, 3, 1), (3.000001, 4, 2), (9, 9, 7)]
)
def test_a_search_that_cannot_be_paid_for_says_when_it_can(
    clock: Clock, ahead: float, reset: int, retry_after: int
) -> None:
    empty = meter(QuotaState(NOON + round(ahead * MICROSECONDS)))
    assert told(empty) == (3, 0, reset)
    for refuse in (empty.check, empty.take):
        with pytest.raises(QuotaExceeded) as refused:
            refuse()
        assert refused.value.retry_after == retry_after
    clock.pass_seconds(retry_after)
    empty.check()


def test_an_organisations_own_limits_take_the_place_of_the_deployments(clock: Clock) -> None:
    own = meter(QuotaState(NOON, QuotaLimits(per_minute=1, burst=1)))
    own.take()
    assert told(own) == (1, 0, 60)
    with pytest.raises(QuotaExceeded):
        own.check()


def test_a_refusal_after_the_check_brings_the_truth_with_it(clock: Clock) -> None:
    bucket = MemoryTokenBuckets({str(ORG): QuotaState(NOON + 3 * MICROSECONDS)})
    outdated = Meter(Account(bucket, str(ORG), LIMITS, QuotaState()))
    outdated.check()
    with pytest.raises(QuotaExceeded):
        outdated.take()
    assert told(outdated) == (3, 0, 3)
