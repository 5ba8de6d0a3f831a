"""The claim of a search, over a real table in this process."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from facesearch.adapters.dynamodb.idempotency import DynamoIdempotency
from facesearch.adapters.dynamodb.table import Table
from facesearch.errors import NoFaceFound
from facesearch.models import SearchKey, SearchSummary
from facesearch.search.idempotency import AlreadyRunningError, Idempotency
from tests.support.aws import moto
from tests.support.fakes import MemoryClaims

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "claims"
SEARCH = SearchKey(903, 456, uuid.UUID(int=7))
SUMMARY = SearchSummary(total=12, confidence=90)


SECONDS = 28.0


@pytest.fixture
def dynamodb() -> "Iterator[DynamoDBClient]":
    with moto():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        yield client


@pytest.fixture
def once(dynamodb: "DynamoDBClient") -> DynamoIdempotency:
    return DynamoIdempotency(Table(dynamodb, TABLE), retention_days=30)


@pytest.fixture(params=["dynamodb", "memory"])
def either(request: pytest.FixtureRequest) -> Idempotency:
    """What is to hold of both: the adapter, and its twin."""
    return MemoryClaims() if request.param == "memory" else request.getfixturevalue("once")


def never() -> SearchSummary:
    pytest.fail("ran a second time")


def test_work_runs_once_and_its_summary_is_remembered(either: Idempotency) -> None:
    assert either.run(SEARCH, SECONDS, lambda: SUMMARY) == SUMMARY
    assert either.run(SEARCH, SECONDS, never) == SUMMARY


def test_the_same_uuid_elsewhere_is_another_search(either: Idempotency) -> None:
    either.run(SEARCH, SECONDS, lambda: SUMMARY)
    for other in (SearchKey(904, 456, SEARCH.request_id), SearchKey(903, 457, SEARCH.request_id)):
        assert either.run(other, SECONDS, lambda: SearchSummary(0, 50)) == SearchSummary(0, 50)


def test_somebody_who_comes_meanwhile_is_told_so(either: Idempotency) -> None:
    def work() -> SearchSummary:
        with pytest.raises(AlreadyRunningError):
            either.run(SEARCH, SECONDS, never)
        return SUMMARY

    assert either.run(SEARCH, SECONDS, work) == SUMMARY


def test_a_failed_run_gives_its_claim_back(either: Idempotency) -> None:
    def fail() -> SearchSummary:
        raise NoFaceFound("nobody")

    with pytest.raises(NoFaceFound):
        either.run(SEARCH, SECONDS, fail)
    assert either.holds(SEARCH) is False
    assert either.run(SEARCH, SECONDS, lambda: SUMMARY) == SUMMARY


def test_a_killed_run_is_taken_over_after_the_time_it_had_left(once: DynamoIdempotency) -> None:
    class KilledError(BaseException):
        """Not an Exception: nothing cleans up after it, as after SIGKILL."""

    def killed() -> SearchSummary:
        raise KilledError

    with pytest.raises(KilledError):
        once.run(SEARCH, 0.7, killed)
    with pytest.raises(AlreadyRunningError):
        once.run(SEARCH, SECONDS, never)
    time.sleep(0.8)
    assert once.run(SEARCH, SECONDS, lambda: SUMMARY) == SUMMARY


def test_the_record_has_no_more_than_it_needs_and_is_found_and_deleted(
    once: DynamoIdempotency, dynamodb: "DynamoDBClient"
) -> None:
    assert once.holds(SEARCH) is False
    once.run(SEARCH, SECONDS, lambda: SUMMARY)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert json.loads(item["data"]["S"]) == {"id": str(SEARCH.request_id), "total": 12, "threshold": 90}
    assert re.fullmatch("face-search#[0-9a-f]{64}", item["id"]["S"])
    assert item["id"]["S"] == DynamoIdempotency.record_id(SEARCH)
    assert int(item["expiration"]["N"]) == pytest.approx(time.time() + 30 * 86_400, abs=60)
    assert once.holds(SEARCH) is True
    once.delete(SearchKey(904, 456, SEARCH.request_id))
    assert once.run(SEARCH, SECONDS, never) == SUMMARY
    once.delete(SEARCH)
    assert dynamodb.scan(TableName=TABLE)["Items"] == []
    assert once.run(SEARCH, SECONDS, lambda: SearchSummary(0, 50)) == SearchSummary(0, 50)


def test_a_running_search_keeps_its_claim(either: Idempotency) -> None:
    def work() -> SearchSummary:
        assert either.holds(SEARCH) is True
        either.delete(SEARCH)
        with pytest.raises(AlreadyRunningError):
            either.run(SEARCH, SECONDS, never)
        return SUMMARY

    assert either.run(SEARCH, SECONDS, work) == SUMMARY


def test_a_record_whose_days_are_over_is_as_good_as_none(dynamodb: "DynamoDBClient") -> None:
    DynamoIdempotency(Table(dynamodb, TABLE), retention_days=-1).run(SEARCH, SECONDS, lambda: SUMMARY)
    again = SearchSummary(total=3, confidence=50)
    assert DynamoIdempotency(Table(dynamodb, TABLE), retention_days=30).run(SEARCH, SECONDS, lambda: again) == again


def test_what_powertools_wrote_holds_and_the_other_way_round(
    once: DynamoIdempotency, dynamodb: "DynamoDBClient"
) -> None:
    """A release of either kind meets searches of the other, at its start and when it goes back."""

    config = IdempotencyConfig(hash_function="sha256", expires_after_seconds=86_400)
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 20_000)
    config.register_lambda_context(context)

    def by_powertools(total: int) -> Any:
        @idempotent_function(  # type: ignore[untyped-decorator]
            data_keyword_argument="claim",
            persistence_store=DynamoDBPersistenceLayer(table_name=TABLE, boto3_client=dynamodb),
            config=config,
            key_prefix="face-search",
        )
        def claimed(*, claim: dict[str, Any]) -> dict[str, Any]:
            return {"id": claim["request_id"], "total": total, "threshold": 90}

        of = {"org_id": SEARCH.org_id, "event_id": SEARCH.event_id, "request_id": str(SEARCH.request_id)}
        return claimed(claim=of)

    by_powertools(5)
    assert once.run(SEARCH, SECONDS, never) == SearchSummary(total=5, confidence=90)
    once.delete(SEARCH)
    once.run(SEARCH, SECONDS, lambda: SUMMARY)
    assert by_powertools(5) == {"id": str(SEARCH.request_id), "total": 12, "threshold": 90}
