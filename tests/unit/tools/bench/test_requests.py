"""Requests, units and dollars, and the ratios of the index's measurements."""

from typing import TYPE_CHECKING

import boto3

from tests.support.aws import create_table, moto
from tools.bench.requests import Counter, item_bytes

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
