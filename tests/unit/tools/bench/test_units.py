"""The arithmetic of DynamoDB's units, by AWS's published examples and rules, and the longest chain of calls."""

import base64
from typing import Any

import pytest

from tools.bench.requests import Call, longest_chain, total
from tools.bench.units import item_bytes, read_units, write_units

STRONG = {"ConsistentRead": True}


def item(size: int, **more: Any) -> dict[str, Any]:
    """An item of so many bytes, beside what else it has."""
    return {"b": {"B": bytes(size - 1)}, **more}


@pytest.mark.parametrize(
    ("operation", "asked", "said", "units"),
    [
        ("GetItem", STRONG, {"Item": item(4096)}, 1),
        ("GetItem", STRONG, {"Item": item(4097)}, 2),
        ("GetItem", {}, {"Item": item(4097)}, 1),
        ("GetItem", STRONG, {}, 1),
        ("GetItem", {}, {}, 0.5),
        ("Query", STRONG, {"Items": [item(100)] * 41}, 2),  # 4,100 bytes: the sum is rounded, not each item
        ("Query", STRONG, {"Items": []}, 1),
        ("Query", {}, {"Items": []}, 0.5),
        ("TransactGetItems", {}, {"Responses": [{"Item": item(5000)}, {}]}, 2 * (2 + 1)),
        ("PutItem", {"Item": item(9000)}, {}, 0),
        ("SendMessage", {}, {}, 0),
    ],
)
def test_reads(operation: str, asked: Any, said: Any, units: float) -> None:
    assert read_units(operation, asked, said) == units


def test_each_key_of_a_batch_counts_by_itself_and_a_missing_one_counts_as_well() -> None:
    keys: dict[str, Any] = {"Keys": [{}, {}, {}], **STRONG}
    said: dict[str, Any] = {"Responses": {"t": [item(100), item(4097)]}}
    assert read_units("BatchGetItem", {"RequestItems": {"t": keys}}, said) == 1 + 2 + 1
    assert read_units("BatchGetItem", {"RequestItems": {"t": {"Keys": [{}, {}, {}]}}}, said) == 2
    left: dict[str, Any] = {"UnprocessedKeys": {"t": {"Keys": [{}]}}}
    assert read_units("BatchGetItem", {"RequestItems": {"t": keys}}, said | left) == 1 + 2


@pytest.mark.parametrize(
    ("operation", "asked", "units"),
    [
        ("PutItem", {"Item": item(1024)}, 1),
        ("PutItem", {"Item": item(1025)}, 2),
        ("PutItem", {"Item": item(900, changed_at={"N": "1"})}, 1 + 1),
        ("DeleteItem", {"Key": {"pk": {"S": "a"}}}, 1),
        ("UpdateItem", {"Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET total = :total"}, 1),
        ("UpdateItem", {"Key": {}, "UpdateExpression": "SET changed_at = :now"}, 1 + 2),
        ("UpdateItem", {"Key": {}, "ExpressionAttributeValues": {":v": {"B": bytes(2000)}}}, 2),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"Item": item(10)}}, {"Update": {"Key": {}}}]}, 4),
        ("GetItem", {}, 0),
    ],
)
def test_writes(operation: str, asked: Any, units: int) -> None:
    assert write_units(operation, asked, {}) == units


def test_a_batch_of_writes_counts_what_was_written() -> None:
    writes = [{"PutRequest": {"Item": item(2000)}}, {"DeleteRequest": {"Key": {"pk": {"S": "a"}}}}]
    asked: dict[str, Any] = {"RequestItems": {"t": writes}}
    assert write_units("BatchWriteItem", asked, {}) == 2 + 1
    assert write_units("BatchWriteItem", asked, {"UnprocessedItems": {"t": [writes[1]]}}) == 2


def test_an_item_is_sized_as_dynamodb_does() -> None:
    sent = base64.b64encode(b"123").decode()
    flat = {"pk": {"S": "é"}, "faces": {"B": b"123"}, "changed_at": {"N": "1234"}, "gone": {"NULL": True}}
    assert item_bytes(flat) == (2 + 2) + (5 + 3) + (10 + 3) + (4 + 1)
    assert item_bytes({"faces": {"B": sent}}) == 5 + 3
    assert item_bytes({"l": {"L": [{"S": "ab"}]}, "m": {"M": {"k": {"N": "12"}}}}) == (1 + 3 + 1 + 2) + (
        1 + 3 + 1 + 1 + 2
    )
    assert item_bytes({"s": {"SS": ["ab", "c"]}, "b": {"BS": [b"abc"]}}) == (1 + 3) + (1 + 3)


def call(began: float, ended: float) -> Call:
    return Call("dynamodb", "GetItem", "t", "", began, ended, 1, 1, 0, 10, 20)


def test_the_longest_chain_takes_calls_that_overlap_for_one() -> None:
    side_by_side = [call(0, 4), call(1, 2), call(1, 5)]
    assert len(longest_chain(side_by_side)) == 1
    assert len(longest_chain([*side_by_side, call(5, 6), call(5.5, 7), call(6, 8)])) == 3
    assert len(longest_chain([call(each, each + 1) for each in range(7)])) == 7
    assert longest_chain([]) == []


def test_calls_add_up() -> None:
    counted = total([call(0, 1), Call("s3", "PutObject", "b", "", 0, 1, 2, 0, 0, 9, 0)])
    assert (counted.dynamodb, counted.puts, counted.read_units, counted.dynamodb_bytes) == (1, 2, 1, 20)
