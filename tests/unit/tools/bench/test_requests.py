"""Requests, units and dollars, and the ratios of the index's measurements."""

from typing import TYPE_CHECKING

import boto3

from tests.support.aws import create_table, moto
from tools.bench.index.making import Made
from tools.bench.index.measuring import Measured
from tools.bench.requests import Counter, Requests, item_bytes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def test_an_item_is_sized_as_dynamodb_does() -> None:
    item = {"pk": {"S": "é"}, "faces": {"B": b"123"}, "changed_at": {"N": "1234"}, "gone": {"NULL": True}}
    assert item_bytes(item) == (2 + 2) + (5 + 3) + (10 + 3) + (4 + 1)


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


def measured(**changed: object) -> Measured:
    values: dict[str, object] = dict.fromkeys(Measured.__dataclass_fields__, 1.0)
    values |= {"faces": 1_000_000, "made": Made(1, 1, 1, 1, 1, 1, 1), "requests": Requests(), **changed}
    return Measured(**values)  # type: ignore[arg-type]


def test_ratios_are_to_the_machine_and_limits_hold_for_large_events_only() -> None:
    slow = {"cold": 2.0, "scan": 1.6, "resident": 140, "matrix": 100}
    assert measured(**slow).too_slow == ["cold load 2.00 > 1.5", "match 1.60 > 1.5", "memory 1.40 > 1.3"]
    assert measured(faces=10_000, **slow).too_slow == []
    assert measured().too_slow == []
    assert measured(resident=None).memory_ratio is None
