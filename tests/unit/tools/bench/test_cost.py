"""The cost model: what it adds up, and what it must be sensitive to."""

import json
import re
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.records import SHARDS, Bib, Photo
from tests.conftest import ROOT
from tests.support.aws import create_table, moto
from tools.bench import idle
from tools.bench.cost import (
    FACE_BYTES,
    Assumptions,
    Model,
    everything,
    measured,
    memory,
    moves,
    photo_writes,
    recording,
    total,
)
from tools.bench.cost import table as cost_table
from tools.bench.counts import PAGE, PLATFORM_LOG_BYTES, SEARCH, chunk_units
from tools.bench.requests import Counter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


MODEL = Model(Assumptions())


def dollars(**changes: Any) -> float:
    """Of a thousand POSTs at 100,000 faces."""
    return total(Model(replace(Assumptions(), **changes)).searches(100_000))


def test_a_cost_is_the_sum_of_its_lines_and_grows_with_the_searches() -> None:
    one, many = (MODEL.searches(100_000, count) for count in (1, 1000))
    assert total(one) == pytest.approx(sum(line.count * line.price for line in one))
    assert total(many) == pytest.approx(1000 * total(one))
    assert {line.service for line in many} == {"gateway", "Lambda", "DynamoDB", "S3", "logs"}


def test_the_lines_are_the_counts_that_tests_hold_against_the_code() -> None:
    lines = {line.what: line.count for line in MODEL.searches(100_000, 1)}
    writes = SEARCH.write_units + chunk_units(Assumptions().matches)
    assert lines[f"read units, {SEARCH.read_units:g} each"] == SEARCH.read_units
    assert lines[f"write units, {writes} each"] == writes
    assert lines["PUT of the selfie"] == SEARCH.asked("PutObject") == 1
    pages = {line.what: line.count for line in MODEL.pages(1)}
    assert pages[f"read units, {PAGE.read_units:g} each"] == Assumptions().pages * PAGE.read_units


def test_a_cost_follows_what_it_must_follow() -> None:
    assert dollars(matches=1000) - dollars() == pytest.approx(1000 * chunk_units(1000) * 0.625e-6)
    assert dollars(http_api=True) - dollars() == pytest.approx(1000 * (2 * 1.0e-6 - 3.5e-6))
    assert dollars(cold=0.5) > dollars() > dollars(cold=0)
    assert dollars(snapstart=True) - dollars() == pytest.approx(100 * memory("SearchFunction") * 0.0001397998)


def test_milliseconds_are_those_of_a_bench(tmp_path: Path) -> None:
    assert measured(tmp_path / "none.json", Assumptions()) == Assumptions()
    rows = [
        {"megapixels": 2, "faces": faces, "now": {"wall_with_waits": milliseconds}}
        for faces, milliseconds in ((1_000, 70), (100_000, 80), (1_000_000, 90))
    ]
    path = tmp_path / "bench.json"
    found = {"about": {"commit": "c"}, "search": rows, "pages": {"now": {"page": {"wall": 2}}}, "cold": None}
    path.write_text(json.dumps(found))
    told = measured(path, Assumptions(cold=0.3))
    assert (told.search, told.page, told.cold, told.init) == ((70, 80, 90), 6, 0.3, Assumptions().init)


def test_the_published_tables_are_what_the_command_prints() -> None:
    published = (ROOT / "docs" / "operating" / "costs.md").read_text()
    assert cost_table(MODEL) in published
    assert everything(MODEL) in published
    assert moves(Assumptions()) in published
    assert f"${MODEL.snapshot_cache():.2f} for a version" in published
    assert idle.table(idle.template()) in published
    assert f"{idle.metrics(idle.template())} metrics" in published
    assert recording(MODEL) in published


def test_what_aws_itself_logs_of_a_request_is_as_long_as_the_model_says() -> None:
    """The lines of AWS's documentation, with values as long as most."""
    request = "6d0c2c5a-7e0e-4f0c-9d39-2f3b1a6f0c11"
    said = f"START RequestId: {request} Version: 12\nEND RequestId: {request}\nREPORT RequestId: {request}\t"
    said += "Duration: 83.45 ms\tBilled Duration: 84 ms\tMemory Size: 1769 MB\tMax Memory Used: 300 MB\t\n"
    form = idle.template().resources["Api"].properties["AccessLogSetting"]["Fn::If"][1]["Format"]
    route = "/api/v1/ext/{org_id}/event/{event_id}/faces/{request_id}"
    values = {"requestId": request, "integration.requestId": request, "requestTimeEpoch": "1796015704573"}
    values |= {"httpMethod": "POST", "resourcePath": route, "status": "200", "responseLength": "10097"}
    values |= {"responseLatency": "120", "error.responseType": "-"}
    said += re.sub(r"\$context\.([.\w]+)", lambda found: values[found[1]], form)
    assert 0.9 * PLATFORM_LOG_BYTES <= len(said) <= PLATFORM_LOG_BYTES


@pytest.mark.parametrize("bibs", [(), ("1",), ("1", "22", "333")])
def test_a_photo_is_written_as_the_cost_model_says(table: Table, bibs: tuple[str, ...]) -> None:
    photo = Photo(uuid.UUID(int=1), "indexed", "k", 30, 40, "m", bytes(FACE_BYTES), bibs=tuple(map(Bib, bibs)))
    store = DynamoPhotoStore(table)
    assert store.add(1, SHARDS, replace(photo, image_id=uuid.UUID(int=2), bibs=()))  # says that photos come: see ADR 42
    counter = Counter(table.client)
    assert store.add(1, SHARDS, photo)
    counter.stop()
    assert counter.counted.write_units == photo_writes(len(bibs))


def test_what_is_switched_off_is_not_paid_for_and_no_more_is_free_than_is_used() -> None:
    found = [idle.items(idle.template(**each)) for each in ({}, {"Alarms": "false", "Watching": "false"})]
    assert all(0 <= item.free <= item.dollars for items in found for item in items)
    whole, bare = ({item.what.partition(" ")[2]: item.dollars for item in items} for items in found)
    assert bare["alarms"] == pytest.approx(0.6), "docs/operating/costs.md, the runbook and the template say six"
    assert (bare["key for watches"], whole["key for watches"]) == (0, 1)
    assert whole["alarms"] > bare["alarms"]


def test_requests_are_counted_from_botocores_events() -> None:
    with moto():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        s3.create_bucket(Bucket="bucket")
        create_table(dynamodb, "Table", "table")
        key: dict[str, AttributeValueTypeDef] = {"pk": {"S": "p"}, "sk": {"S": "s"}}
        dynamodb.put_item(TableName="table", Item=key | {"faces": {"B": bytes(9000)}})
        counter = Counter(s3, dynamodb)
        s3.put_object(Bucket="bucket", Key="k", Body=bytes(1000))
        s3.head_object(Bucket="bucket", Key="k")
        s3.get_object(Bucket="bucket", Key="k", Range="bytes=0-99")["Body"].read()
        s3.delete_object(Bucket="bucket", Key="k")
        dynamodb.get_item(TableName="table", Key=key, ConsistentRead=True)
        dynamodb.get_item(TableName="table", Key=key | {"sk": {"S": "none"}}, ConsistentRead=True)
        counter.stop()
        dynamodb.get_item(TableName="table", Key=key)
    assert (counter.counted.puts, counter.counted.gets, counter.counted.s3_bytes) == (1, 2, 100)
    assert (counter.counted.dynamodb, counter.counted.read_units) == (2, 3 + 1)
    assert counter.counted.dynamodb_bytes > 9000
