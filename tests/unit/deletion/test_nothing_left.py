"""A POST fails, is killed, or is overtaken by a DELETE, at each of its steps: what is left of it, and what comes back.

Once over the real stores, where a step is a request to AWS, before it is carried out or after; and once over the twins
in memory, where it is a call of a store.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.config import Config

from facesearch.adapters import aws
from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.idempotency import DynamoIdempotency
from facesearch.adapters.dynamodb.quota import DynamoTokenBuckets
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.results import INLINE_PHOTOS, DynamoResultStore
from facesearch.adapters.dynamodb.table import Table, put
from facesearch.adapters.memory.stores import MemoryReader, MemoryTokenBuckets
from facesearch.adapters.s3.objects import S3Objects
from facesearch.adapters.s3.selfies import S3SelfieStore
from facesearch.errors import NotFound, SearchDeleted, StoreUnavailable
from facesearch.models import Page, QuotaLimits, SearchKey
from facesearch.reading import Wanted
from facesearch.search.face_search import FaceSearch, Invocation, SearchOutcome, replayed
from facesearch.search.quota import Account, Meter, TokenBucketStore
from facesearch.search.selfies import job_prefix, selfie_keys
from tests.support.aws import TABLE, create_table, moto
from tests.support.fakes import EVENT, EVENT_ID, ORG, EagerMatcher, MemoryClaims, MemorySelfies, MemoryUploads, photos
from tests.support.pools import LEAVES
from tests.support.site import Fused, Inline, aws_searches, memory_searches

FOUND = INLINE_PHOTOS + 5
"""Photos of a result that has a chunk beside its header."""
SEARCH = SearchKey(ORG, EVENT_ID, uuid.UUID(int=7))
FIRST = Page(1, 32)
LIMITS = QuotaLimits(per_minute=1, burst=50)
CLAIMS, BUCKET = "claims", "selfies"
ONE_TRY = Config(retries={"mode": "standard", "total_max_attempts": 1})


class KilledError(BaseException):
    """The process has ended here."""


@dataclass
class Steps:
    """Counts the steps of a process, in however many threads, and lets something happen at one of them."""

    at: int = 0
    after: bool = False
    happens: Callable[[], None] = lambda: None
    count: int = 0
    happened: bool = False
    for_good: bool = False
    going: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    own: threading.local = field(default_factory=threading.local)
    """The number of the step that a thread is at."""

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        self.before()
        number = self.own.number
        result = function(*args, **kwargs)
        self.own.number = number  # steps may have been taken within this one
        self.behind()
        return result

    def before(self) -> None:
        self.own.number = -1  # not a step: another thread runs what happens
        if self.going:
            with self.lock:
                self.count += 1
                self.own.number = self.count
            self._maybe(after=False)

    def behind(self) -> None:
        if self.going:
            self._maybe(after=True)

    def _maybe(self, *, after: bool) -> None:
        now = self.own.number == self.at and self.after is after and not self.happened
        if now or (self.happened and self.for_good):
            self.happened, self.going = True, False
            try:
                self.happens()
            finally:
                self.going = True


@dataclass
class InMemory:
    """Over the twins."""

    steps: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        self.reader = MemoryReader()
        self.reader.events[EVENT_ID] = EVENT
        self.claims, self.selfies = MemoryClaims(), MemorySelfies()
        own: Any = {"idempotency": self.claims, "selfies": _KeptOf(self.selfies)}
        self.eraser = replace(memory_searches(self.reader), **own)

    def post(self, selfie: bytes) -> SearchOutcome:
        def stepwise(part: object) -> Any:
            return Fused(part, self.steps)

        search = FaceSearch(
            matcher_of=lambda _: stepwise(EagerMatcher(photos(FOUND))),
            idempotency=self.claims,
            results=stepwise(self.reader),
            selfies=stepwise(self.selfies),
            uploads=MemoryUploads(),
            reader=stepwise(self.reader),
            pool=Inline(),
            wait_seconds=5,
        )
        return _posted(self, search, selfie, MemoryTokenBuckets(self.reader.quotas))

    def kept(self) -> list[bytes]:
        return list(self.selfies.kept.get(SEARCH, ()))

    def trace(self) -> list[str]:
        there = {
            "result": SEARCH in self.reader.results,
            "listed": SEARCH in self.reader.listed,
            "claim": self.claims.holds(SEARCH),
            "selfie": SEARCH in self.selfies.kept,
        }
        return [name for name, is_there in there.items() if is_there]

    def revive(self) -> None:
        self.claims.running.discard(SEARCH)


@dataclass
class _KeptOf:
    """The part of `Objects` over the selfies that a search keeps which deleting one search asks for."""

    selfies: MemorySelfies

    def under(self, prefix: str) -> Iterator[str]:
        return iter([prefix] if prefix == selfie_keys(SEARCH)[0] and SEARCH in self.selfies.kept else [])

    def delete(self, keys: Any) -> int:
        if selfie_keys(SEARCH)[0] in list(keys):
            self.selfies.delete(SEARCH)
        return 0


class Clients:
    """Of DynamoDB and S3: those of who looks on, and those whose requests are the steps of a process."""

    def __init__(self) -> None:
        self.steps = Steps()
        self.dynamodb, self.s3 = aws.client("dynamodb", aws.DYNAMODB), aws.client("s3", aws.S3)
        self.its_dynamodb = aws.client("dynamodb", aws.DYNAMODB.merge(ONE_TRY))
        self.its_s3 = aws.client("s3", aws.S3.merge(ONE_TRY))
        for client in (self.its_dynamodb, self.its_s3):
            client.meta.events.register_first("before-send", lambda **_: self.steps.before())
            # Behind moto's of the same name, which carries the request out.
            client.meta.events.register_last("before-send", lambda **_: self.steps.behind())


class OnAws:
    """Over DynamoDB and S3, as moto plays them; `pool` runs what goes side by side."""

    def __init__(self, clients: Clients, pool: Executor) -> None:
        self.pool = pool
        self.steps = clients.steps = Steps()
        self._dynamodb, self._s3 = clients.its_dynamodb, clients.its_s3
        dynamodb, s3 = clients.dynamodb, clients.s3
        self.dynamodb, self.s3 = dynamodb, s3
        self.reader = DynamoReader(Table(dynamodb, TABLE))
        self.eraser = aws_searches(dynamodb, s3, TABLE)

    def post(self, selfie: bytes) -> SearchOutcome:
        dynamodb = self._dynamodb
        search = FaceSearch(
            matcher_of=lambda _: EagerMatcher(photos(FOUND)),
            idempotency=DynamoIdempotency(Table(dynamodb, CLAIMS), 30),
            results=DynamoResultStore(Table(dynamodb, TABLE), 30, self.pool),
            selfies=S3SelfieStore(self._s3, BUCKET),
            uploads=MemoryUploads(),
            reader=DynamoReader(Table(dynamodb, TABLE)),
            pool=self.pool,
            wait_seconds=5,
        )
        return _posted(self, search, selfie, DynamoTokenBuckets(Table(dynamodb, TABLE)))

    def kept(self) -> list[bytes]:
        keys = S3Objects(self.s3, BUCKET, Inline()).under(selfie_keys(SEARCH)[0])
        return [self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]

    def trace(self) -> list[str]:
        items = self.dynamodb.scan(TableName=TABLE)["Items"]
        others = ("QUOTA", "EVENT")
        trace = [item["sk"]["S"] for item in items if "cancelled" not in item and item["sk"]["S"] not in others]
        trace += [item["id"]["S"] for item in self.dynamodb.scan(TableName=CLAIMS)["Items"]]
        return trace + ["selfie" for _ in self.kept()]

    def revive(self) -> None:
        for item in self.dynamodb.scan(TableName=CLAIMS)["Items"]:
            self.dynamodb.update_item(
                TableName=CLAIMS,
                Key={"id": item["id"]},
                UpdateExpression="SET in_progress_expiration = :past",
                ExpressionAttributeValues={":past": {"N": "1"}},
            )


SearchBench = InMemory | OnAws


def result_of(world: SearchBench) -> Any:
    return world.reader.read(Wanted(search=SEARCH, page=FIRST)).result


def used(world: SearchBench) -> int:
    """How many matches the organisation has paid for."""
    full_at = world.reader.read(Wanted(quota_of=ORG)).quota.full_at
    return max(0, round((full_at - time.time_ns() // 1000) / LIMITS.interval))


def _posted(world: SearchBench, search: FaceSearch[Any], selfie: bytes, bucket: TokenBucketStore) -> SearchOutcome:
    """As the function does it."""
    known = world.reader.read(Wanted(search=SEARCH, page=FIRST, quota_of=ORG))
    if known.result is not None:
        return replayed(known.result)
    caller = Invocation(lambda: 28.0, Meter(Account(bucket, str(ORG), LIMITS, known.quota)), known.cancelled)
    world.steps.count, world.steps.going = 0, True
    try:
        return search.search(EVENT, SEARCH, [selfie], FIRST, caller)
    finally:
        world.steps.going = False


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    with moto():
        clients = Clients()
        client = clients.dynamodb
        create_table(client)
        create_table(client, "IdempotencyTable", CLAIMS)
        item = schema.event_key(EVENT_ID) | {
            "event_id": EVENT_ID, "org_id": ORG, "selfie_search": True, "event_enabled": True, "confidence": 90,
            "shards": 4, "name": "", "slug": "", "event_date": "",
        }  # fmt: skip
        Table(client, TABLE).write(put(item))
        clients.s3.create_bucket(Bucket=BUCKET)
        yield clients


@pytest.fixture(params=["aws", "aws, side by side", "memory"])
def world_of(request: pytest.FixtureRequest) -> Callable[[], SearchBench]:
    if request.param == "memory":
        return InMemory
    clients = request.getfixturevalue("clients")

    def fresh() -> OnAws:
        world = OnAws(clients, Inline() if request.param == "aws" else LEAVES)
        world.revive()
        with suppress(NotFound):
            world.eraser.delete(SEARCH)
        for table, names in ((TABLE, ("pk", "sk")), (CLAIMS, ("id",))):
            for item in world.dynamodb.scan(TableName=table)["Items"]:
                if not item.get("pk", {"S": ""})["S"].startswith("EVENT"):
                    world.dynamodb.delete_item(TableName=table, Key={name: item[name] for name in names})
        return world

    return fresh


def steps_of(
    world_of: Callable[[], SearchBench], after: bool, happens: Callable[[SearchBench], None]
) -> Iterator[SearchBench]:
    """A world for each step of a POST, at which that happens."""
    for at in range(1, 100):
        world = world_of()
        world.steps.at, world.steps.after = at, after
        world.steps.happens = lambda world=world: happens(world)  # type: ignore[misc]
        yield world
        if not world.steps.happened:
            assert at > 5
            return
    raise AssertionError


def claim_alone(trace: list[str]) -> bool:
    return all(name == "claim" or name.startswith("face-search#") for name in trace)


@pytest.mark.parametrize("after", [False, True])
def test_what_is_deleted_while_it_is_searched_does_not_come_back(
    world_of: Callable[[], SearchBench], after: bool
) -> None:
    deleted: list[bool] = []

    def delete(world: SearchBench) -> None:
        try:
            world.eraser.delete(SEARCH)
            deleted.append(True)
        except NotFound:
            deleted.append(False)

    refused = 0
    for world in steps_of(world_of, after, delete):
        deleted.clear()
        outcome = None
        with suppress(SearchDeleted):
            outcome = world.post(b"guest")
        if deleted != [True]:  # it came before there was anything, or not at all
            assert outcome is not None
            assert result_of(world) == outcome.stored
            continue
        assert result_of(world) is None
        assert world.kept() == []
        if outcome is None:
            refused += 1
            assert world.trace() == []
            assert used(world) == 0
        else:
            assert claim_alone(world.trace()), "it had its response already; the claim is known to have no result"
        paid, again = used(world), world.post(b"other")
        assert (again.replayed, again.stored.photos) == (False, photos(FOUND)[:32])
        assert world.kept() == [b"other"]
        assert used(world) == paid + 1
    assert refused > 3


@pytest.mark.parametrize("after", [False, True])
def test_a_post_that_fails_leaves_nothing_and_its_retry_counts(
    world_of: Callable[[], SearchBench], after: bool
) -> None:
    def fail(world: SearchBench) -> None:
        raise StoreUnavailable("PutItem", "ReadTimeoutError")

    failed = 0
    for world in steps_of(world_of, after, fail):
        try:
            outcome = world.post(b"guest")
        except Exception:  # noqa: BLE001 - whatever it is, a 500
            failed += 1
            assert result_of(world) is None
            assert world.kept() == []
            assert claim_alone(world.trace())
            assert used(world) == 0
            world.revive()
            outcome = world.post(b"other")
            assert world.kept() == [b"other"]
        assert outcome.replayed is False
        assert result_of(world) == outcome.stored
        assert used(world) == 1
    assert failed > 4


def test_a_table_that_refuses_to_the_end_keeps_no_selfie(monkeypatch: pytest.MonkeyPatch) -> None:
    world = InMemory()

    def refuse(*_: object) -> None:
        raise StoreUnavailable("PutItem", "ReadTimeoutError")

    for step in ("save", "hide", "delete"):
        monkeypatch.setattr(world.reader, step, refuse)
    with pytest.raises(StoreUnavailable):
        world.post(b"guest")
    assert world.kept() == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("then", ["retry", "delete"])
@pytest.mark.parametrize("killed", [True, False])
def test_what_a_run_that_could_not_clean_up_leaves_is_ended_by_its_retry_or_a_delete(
    world_of: Callable[[], SearchBench], after: bool, then: str, killed: bool
) -> None:
    """It is killed, or nothing answers any more."""

    def end(world: SearchBench) -> None:
        if killed:
            raise KilledError
        world.steps.for_good = True
        raise StoreUnavailable("PutItem", "ReadTimeoutError")

    left = 0
    for world in steps_of(world_of, after, end):
        with suppress(KilledError, Exception):
            world.post(b"guest")
        world.steps.happened, world.steps.for_good, world.steps.at = bool(world.steps.happened), False, 0
        done, trace = result_of(world), world.trace()
        left += bool(world.kept()) and done is None
        if then == "delete":
            if trace:
                world.eraser.delete(SEARCH)
            assert result_of(world) is None
            assert world.kept() == []
            assert claim_alone(world.trace()), "one that runs, for all that is known, for its invocation's time"
        world.revive()
        outcome = world.post(b"other")
        assert result_of(world) == outcome.stored
        assert world.kept() == ([b"guest"] if done is not None and then == "retry" else [b"other"])
        assert outcome.replayed is (done is not None and then == "retry")
    assert left > 0


def test_a_delete_finds_what_a_webhook_has_left_that_was_killed_before_its_job_was_there(
    world_of: Callable[[], SearchBench],
) -> None:
    world = world_of()
    with pytest.raises(NotFound):
        world.eraser.delete(SEARCH)
    if isinstance(world, OnAws):
        world.s3.put_object(Bucket=BUCKET, Key=f"{job_prefix(SEARCH)}1", Body=b"guest")
        world.eraser.delete(SEARCH)
        assert list(world.eraser.selfies.under(job_prefix(SEARCH))) == []
    with pytest.raises(NotFound):
        world.eraser.delete(SEARCH)
