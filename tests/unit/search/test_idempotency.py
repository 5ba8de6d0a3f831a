"""Powertools' idempotency as it is wired here, over a real table in this process."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

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
        """Not an Exception: powertools cannot clean up after it, as after SIGKILL."""

    def killed() -> SearchSummary:
        raise KilledError

    with pytest.raises(KilledError):
        once.run(SEARCH, 0.7, killed)
    with pytest.raises(AlreadyRunningError):
        once.run(SEARCH, SECONDS, never)
    time.sleep(0.8)
    assert once.run(SEARCH, SECONDS, lambda: SUMMARY) == SUMMARY


def test_the_record_that_powertools_wrote_has_no_more_than_it_needs_and_is_found_and_deleted(
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
