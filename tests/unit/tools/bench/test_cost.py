"""The cost model: what it adds up, and what it must be sensitive to."""

import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.records import SHARDS, Bib, Photo
from tests.conftest import ROOT
from tests.support.aws import create_table, moto
from tools.bench import idle
from tools.bench.cost import FACE_BYTES, Assumptions, Model, photo_writes, recording
from tools.bench.cost import table as cost_table
from tools.bench.requests import Counter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


ASSUMED = Assumptions()


def test_a_cost_is_the_sum_of_its_services_and_grows_with_the_searches() -> None:
    one, many = (Model(ASSUMED).searches(100_000, 4, count) for count in (1, 1000))
    assert one.total == pytest.approx(one.gateway + one.compute + one.dynamodb + one.s3)
    assert many.total == pytest.approx(1000 * one.total)


def test_the_published_table_is_what_the_command_prints() -> None:
    published = (ROOT / "docs" / "operating" / "costs.md").read_text()
    assert cost_table(Model(ASSUMED), ASSUMED) in published
    assert idle.table(idle.template()) in published
    assert f"{idle.metrics(idle.template())} metrics" in published
    assert recording(Model(ASSUMED)) in published


@pytest.mark.parametrize("bibs", [(), ("1",), ("1", "22", "333")])
def test_a_photo_is_written_as_the_cost_model_says(table: Table, bibs: tuple[str, ...]) -> None:
    written: list[int] = []

    def count(params: Any, model: Any, **_: Any) -> None:
        writes = params.get("TransactItems", [params])
        written.append(len(writes) * (2 if model.name == "TransactWriteItems" else 1))

    table.client.meta.events.register("provide-client-params.dynamodb", count)
    photo = Photo(uuid.UUID(int=1), "indexed", "k", 30, 40, "m", bytes(FACE_BYTES), bibs=tuple(map(Bib, bibs)))
    assert DynamoPhotoStore(table).add(1, SHARDS, photo)
    assert written == [photo_writes(len(bibs))]


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
