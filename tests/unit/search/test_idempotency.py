"""Powertools' idempotency as it is wired here, over a real table in this process."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from facesearch.adapters.dynamodb.idempotency import DynamoIdempotency
from facesearch.errors import NoFaceFound
from facesearch.models import SearchKey, SearchSummary
from facesearch.search.idempotency import AlreadyRunningError
from tests.support.aws import moto
from tests.support.fakes import Context

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "claims"
SEARCH = SearchKey(903, 456, uuid.UUID(int=7))
SUMMARY = SearchSummary(total=12, confidence=90)


CONTEXT: Any = Context()


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
    return DynamoIdempotency(dynamodb, TABLE, retention_days=30)


def never() -> SearchSummary:
    pytest.fail("ran a second time")


def test_work_runs_once_and_its_summary_is_remembered(once: DynamoIdempotency) -> None:
    assert once.run(SEARCH, CONTEXT, lambda: SUMMARY) == SUMMARY
    assert once.run(SEARCH, CONTEXT, never) == SUMMARY


def test_the_same_uuid_elsewhere_is_another_search(once: DynamoIdempotency) -> None:
    once.run(SEARCH, CONTEXT, lambda: SUMMARY)
    for other in (SearchKey(904, 456, SEARCH.request_id), SearchKey(903, 457, SEARCH.request_id)):
        assert once.run(other, CONTEXT, lambda: SearchSummary(0, 50)) == SearchSummary(0, 50)


def test_a_record_holds_the_id_the_total_and_the_threshold_and_nothing_else(
    once: DynamoIdempotency, dynamodb: "DynamoDBClient"
) -> None:
    once.run(SEARCH, CONTEXT, lambda: SUMMARY)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert json.loads(item["data"]["S"]) == {"id": str(SEARCH.request_id), "total": 12, "threshold": 90}
    prefix, _, digest = item["id"]["S"].partition("#")
    assert prefix == "face-search"
    assert len(digest) == 64, "SHA-256 in hex"
    assert int(item["expiration"]["N"]) == pytest.approx(time.time() + 30 * 86_400, abs=60)


def test_somebody_who_comes_meanwhile_is_told_so(once: DynamoIdempotency) -> None:
    def work() -> SearchSummary:
        with pytest.raises(AlreadyRunningError):
            once.run(SEARCH, CONTEXT, never)
        return SUMMARY

    assert once.run(SEARCH, CONTEXT, work) == SUMMARY


def test_a_failed_run_gives_its_claim_back(once: DynamoIdempotency, dynamodb: "DynamoDBClient") -> None:
    def fail() -> SearchSummary:
        raise NoFaceFound("nobody")

    with pytest.raises(NoFaceFound):
        once.run(SEARCH, CONTEXT, fail)
    assert dynamodb.scan(TableName=TABLE)["Items"] == []
    assert once.run(SEARCH, CONTEXT, lambda: SUMMARY) == SUMMARY


def test_a_killed_run_is_taken_over_after_the_time_it_had_left(once: DynamoIdempotency) -> None:
    class KilledError(BaseException):
        """Not an Exception: powertools cannot clean up after it, as after SIGKILL."""

    def killed() -> SearchSummary:
        raise KilledError

    short: Any = Context(milliseconds=700)
    with pytest.raises(KilledError):
        once.run(SEARCH, short, killed)
    with pytest.raises(AlreadyRunningError):
        once.run(SEARCH, CONTEXT, never)
    time.sleep(0.8)
    assert once.run(SEARCH, CONTEXT, lambda: SUMMARY) == SUMMARY


def test_the_record_that_powertools_wrote_is_found_and_forgotten(
    once: DynamoIdempotency, dynamodb: "DynamoDBClient"
) -> None:
    assert once.holds(SEARCH) is False
    once.run(SEARCH, CONTEXT, lambda: SUMMARY)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["id"]["S"] == DynamoIdempotency.record_id(SEARCH)
    assert once.holds(SEARCH) is True
    once.forget(SearchKey(904, 456, SEARCH.request_id))
    assert once.run(SEARCH, CONTEXT, never) == SUMMARY
    once.forget(SEARCH)
    assert dynamodb.scan(TableName=TABLE)["Items"] == []
    assert once.run(SEARCH, CONTEXT, lambda: SearchSummary(0, 50)) == SearchSummary(0, 50)


def test_a_running_search_keeps_its_claim(once: DynamoIdempotency) -> None:
    def work() -> SearchSummary:
        once.forget(SEARCH)
        with pytest.raises(AlreadyRunningError):
            once.run(SEARCH, CONTEXT, never)
        return SUMMARY

    assert once.run(SEARCH, CONTEXT, work) == SUMMARY
