"""The token bucket: its arithmetic, one contract for both places that buckets are kept in, searches at once."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
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
from facesearch.adapters.dynamodb.table import Table, encode
from facesearch.adapters.memory.stores import MemoryReader, MemoryTokenBuckets
from facesearch.api.authentication import Authenticator
from facesearch.api.requests import Credential, parse_request
from facesearch.bootstrap import Container
from facesearch.errors import QuotaExceeded, StoreUnavailable, TokenQuotaExceeded
from facesearch.models import MICROSECONDS, QuotaLimits, QuotaState, Scope, TokenRights, digest_of
from facesearch.observability import flush_metrics, metrics
from facesearch.reading import Reader, Wanted
from facesearch.search.quota import Account, BucketEmptyError, Meter, TokenBucketStore, of_refused, of_token
from facesearch.settings import Settings
from facesearch.tokens import new_token
from tests.support.aws import TABLE, create_table, moto
from tests.support.examples import examples
from tests.support.fakes import EVENT, EVENT_ID, KEY, ORG, OneAtATime
from tests.support.output import Output

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


@pytest.fixture(autouse=True)
def counted() -> Iterator[None]:
    """What a test has had counted is no later test's."""
    yield
    metrics.clear_metrics()


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


@pytest.mark.parametrize("passing", [of_token("d" * 64), of_refused(str(ORG))], ids=["token", "refused"])
def test_a_tokens_bucket_goes_a_day_after_it_is_full_and_an_organisations_stays(
    client: OneAtATime, clock: Clock, passing: str
) -> None:
    kept = in_dynamodb(client)
    state = QuotaState()
    for _ in range(3):
        state = kept.bucket.take(passing, LIMITS, state)
        kept.take()
    kept.bucket.give_back(passing, LIMITS)
    tokens, organisations = (
        Table(client, TABLE).get(schema.quota_key(owner)) or {} for owner in (passing, str(kept.org))
    )
    full = -(-(NOON + 3 * LIMITS.interval) // MICROSECONDS)
    assert full + 86_399 <= tokens["expires_at"] <= full + 90_000
    assert tokens["full_at"] == NOON + 2 * LIMITS.interval
    assert "expires_at" not in organisations


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


# ------------------------------------------------------------------ a token's meter, over two buckets

TOKEN = of_token("d" * 64)


@dataclass
class Guests:
    """A token's guests, who take from its bucket and from the organisation's."""

    kept: Kept
    token: QuotaLimits = LIMITS
    organisation: QuotaLimits = LIMITS

    def meter(self, seen: tuple[QuotaState, QuotaState] | None = None) -> Meter:
        """`seen`: of token and organisation; without, what there is."""
        of_the_token, of_the_organisation = seen or self.states()
        return Meter(
            Account(self.kept.bucket, TOKEN, self.token, of_the_token),
            Account(self.kept.bucket, str(self.kept.org), self.organisation, of_the_organisation),
        )

    def states(self) -> tuple[QuotaState, QuotaState]:
        known = self.kept.reader.read(Wanted(digest="d" * 64, token_quota=True, quota_of=self.kept.org))
        return known.token_quota, known.quota

    def left(self) -> tuple[int, int]:
        """Microseconds of searches in each bucket."""
        limits = (self.token, self.organisation)
        ahead = [max(0, state.full_at - time.time_ns() // 1000) for state in self.states()]
        first, second = (each.burst * each.interval - full for each, full in zip(limits, ahead, strict=True))
        return first, second


GuestSteps = st.lists(
    st.tuples(st.sampled_from(["wait", "guest", "site", "give back"]), st.integers(0, 3_000)), max_size=40
)


def check_two_buckets(guests: Guests, clock: Clock, steps: list[tuple[str, int]]) -> None:
    """The same steps with two buckets that are filled up by hand."""
    limits = (guests.token, guests.organisation)
    full = [each.burst * each.interval for each in limits]
    left, taken = list(full), 0
    for step, milliseconds in steps:
        if step == "wait":
            clock.now += milliseconds * 1000
            left = [min(most, each + milliseconds * 1000) for most, each in zip(full, left, strict=True)]
        elif step == "site":
            allowed = left[1] >= limits[1].interval
            left[1] -= limits[1].interval if allowed else 0
            assert guests.kept.taken(1, limits[1]) == allowed
        elif step == "guest":
            short = [each < limit.interval for each, limit in zip(left, limits, strict=True)]
            refused = TokenQuotaExceeded if short[0] else QuotaExceeded if short[1] else None
            known, nothing = guests.states(), (QuotaState(), QuotaState())
            for seen in (known, nothing) if refused else (known,):
                with (
                    nullcontext()
                    if refused is None
                    else pytest.raises(refused, match="link" if short[0] else "organisation")
                ):
                    guests.meter(seen).take()
                if refused is None:
                    left = [each - limit.interval for each, limit in zip(left, limits, strict=True)]
                    taken += 1
        elif taken and all(each + limit.interval <= most for each, limit, most in zip(left, limits, full, strict=True)):
            guests.meter().give_back()
            left = [each + limit.interval for each, limit in zip(left, limits, strict=True)]
            taken -= 1
        assert guests.left() == tuple(left), "a refusal costs neither"


@pytest.mark.parametrize("place", ["memory", "dynamodb"])
def test_a_guest_takes_from_both_buckets_or_from_none(client: OneAtATime, place: str) -> None:
    quotas = st.builds(QuotaLimits, st.integers(6, 600), st.integers(1, 4))

    @settings(max_examples=examples(25 if place == "dynamodb" else 100))
    @given(steps=GuestSteps, token=quotas, organisation=quotas)
    def check(steps: list[tuple[str, int]], token: QuotaLimits, organisation: QuotaLimits) -> None:
        with pytest.MonkeyPatch.context() as patch:
            clock = Clock()
            patch.setattr(time, "time_ns", lambda: clock.now * 1000)
            kept = in_dynamodb(client) if place == "dynamodb" else in_memory()
            if place == "dynamodb":
                client.delete_item(TableName=TABLE, Key=encode(schema.quota_key(TOKEN)))
            check_two_buckets(Guests(kept, token, organisation), clock, steps)

    check()


def test_guests_at_once_never_take_more_than_either_bucket_has(kept: Kept, clock: Clock) -> None:
    guests = Guests(kept, QuotaLimits(1, 7), QuotaLimits(1, 5))
    start = threading.Barrier(8)

    def search(_: int) -> bool:
        start.wait(10)
        with suppress(QuotaExceeded):
            guests.meter().take()
            return True
        return False

    with ThreadPoolExecutor(8) as callers:
        assert sum(callers.map(search, range(8))) <= 5
    left = guests.left()
    # Exact where nothing is tried anew: DynamoDB's bucket gives a move up after six conflicts, to the token's loss.
    given_back = 2 * MICROSECONDS * 60
    assert left[0] - left[1] <= given_back, "nobody gets more back than the organisation has refused"
    if isinstance(kept.bucket, MemoryTokenBuckets):
        assert left[0] - left[1] == given_back


def test_what_the_organisations_bucket_fails_over_the_token_has_not_paid(clock: Clock) -> None:
    class Torn(MemoryTokenBuckets):
        def take(self, owner: str, limits: QuotaLimits, seen: QuotaState) -> QuotaState:
            if owner == str(ORG):
                raise StoreUnavailable("UpdateItem", "Down")
            return super().take(owner, limits, seen)

    memory = MemoryReader()
    guests = Guests(Kept(Torn(memory.quotas), memory, ORG))
    with pytest.raises(StoreUnavailable):
        guests.meter().take()
    assert guests.left()[0] == LIMITS.burst * LIMITS.interval


def test_a_token_is_told_its_own_quota_and_whose_is_used_up(clock: Clock, output: Output) -> None:
    guests = Guests(in_memory(), token=QuotaLimits(60, 2), organisation=QuotaLimits(60, 3))
    assert told(guests.meter()) == (2, 2, 0)
    for _ in range(2):
        guests.kept.take()
    guests.meter().take()
    assert told(guests.meter()) == (2, 1, 1)
    for refuse in (guests.meter().check, guests.meter().take):
        with pytest.raises(QuotaExceeded, match="organisation") as refused:
            refuse()
        assert refused.value.code == "quota"
    assert told(guests.meter()) == (2, 1, 1), "and it has what it had"
    clock.pass_seconds(1)
    guests = replace(guests, token=QuotaLimits(60, 1))
    guests.meter().take()
    late = guests.meter((QuotaState(), QuotaState()))
    late.check()
    for refuse in (guests.meter().check, late.take):
        with pytest.raises(TokenQuotaExceeded) as refused:
            refuse()
        assert (refused.value.code, refused.value.retry_after) == ("token_quota", 1)
    flush_metrics()
    assert output.metrics["TokenQuotaUsedUp"] == [1, 1]


def test_ten_thousand_posts_with_a_stolen_token_leave_the_organisations_others_theirs(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a minute, by the parts that the function uses. A link's quota is 120 a minute and 60 at once."""
    reader, stolen = MemoryReader(), new_token()
    rights = TokenRights(EVENT_ID, QuotaLimits(120, 60), NOON, link_id="a1b2c3d4e5")
    reader.keys = {digest_of(stolen): replace(KEY, token=rights), digest_of("key"): KEY}
    reader.events[EVENT_ID] = EVENT
    container = Container(Settings(table_name="none", search_quota_per_minute=600))
    buckets = MemoryTokenBuckets(reader.quotas)
    monkeypatch.setitem(container.__dict__, "_bucket", buckets)
    asked = parse_request({"org_id": str(ORG), "event_id": str(EVENT_ID)}, {})
    taken, tried = Counter[str](), Counter[str]()

    def post(secret: str) -> None:
        caller = Authenticator(reader=reader).identify(Credential(secret), asked, Scope.SEARCH, tokens=True, quota=True)
        meter = container.meter_of(caller)
        tried[secret] += 1
        with suppress(TokenQuotaExceeded):
            meter.check()
            meter.take()
            taken[secret] += 1

    for number in range(10_000):
        clock.pass_seconds(0.006)
        post(stolen)
        if number % 25 == 0:
            post("key")
    assert tried == {stolen: 10_000, "key": 400}
    assert taken["key"] == 400
    assert 170 <= taken[stolen] <= 60 + 120
