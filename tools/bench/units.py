"""What DynamoDB charges for a call, from what was asked and what came back: AWS's rules for on-demand tables.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html. Stores that stand in for
AWS make no sense of units. Three things no response tells, and each is taken at its least: what a projection or a
filter left out of what was read, and how large an item was that an update or a deletion changed.
"""

import base64
from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
INDEXED = "changed_at"
"""Sort key of the one local index: an item that has it is written there, too (template.yaml, `by-change`)."""

Item = Mapping[str, Any]
"""Typed as DynamoDB's API has it. A request's binary values may be base64, as they are sent."""


def read_units(operation: str, asked: Mapping[str, Any], said: Mapping[str, Any]) -> float:
    """Units of one response; 0 for what is no read.

    GetItem and each key of a BatchGetItem count by themselves, a unit for each begun 4 KB, one where nothing is there.
    A Query counts the sum of its items. Half of it if the read is eventually consistent, twice in a transaction.
    """
    match operation:
        case "GetItem":
            return _weight(asked) * _blocks(said.get("Item", {}))
        case "Query" | "Scan":
            return _weight(asked) * max(1, ceil(sum(map(item_bytes, said.get("Items", ()))) / READ_UNIT_BYTES))
        case "BatchGetItem":
            return sum(_batch(table, request, said) for table, request in asked["RequestItems"].items())
        case "TransactGetItems":
            return 2 * sum(_blocks(each.get("Item", {})) for each in said["Responses"])
    return 0


def write_units(operation: str, asked: Mapping[str, Any], said: Mapping[str, Any]) -> int:
    """Units of one response, or of one that says that a condition did not hold, which counts as well; 0 for a read.

    A unit for each begun 1 KB of an item, those of the local index on top; twice in a transaction.
    """
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            return _written(asked, said)
        case "BatchWriteItem":
            left = sum(map(len, said.get("UnprocessedItems", {}).values()))
            writes = [each for requests in asked["RequestItems"].values() for each in requests]
            return sum(_written(each, {}) for write in writes for each in write.values()) - left
        case "TransactWriteItems":
            return 2 * sum(_written(each, {}) for write in asked["TransactItems"] for each in write.values())
    return 0


def item_bytes(item: Item) -> int:
    """Size of an item as DynamoDB counts it: names and texts in UTF-8, bytes, and numbers by their digits."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _weight(asked: Mapping[str, Any]) -> float:
    return 1 if asked.get("ConsistentRead") else 0.5


def _blocks(item: Item) -> int:
    return max(1, ceil(item_bytes(item) / READ_UNIT_BYTES))


def _batch(table: str, request: Mapping[str, Any], said: Mapping[str, Any]) -> float:
    found = said.get("Responses", {}).get(table, ())
    left = len(said.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ()))
    missing = len(request["Keys"]) - left - len(found)
    return _weight(request) * (sum(map(_blocks, found)) + missing)


def _written(asked: Mapping[str, Any], said: Mapping[str, Any]) -> int:
    """Of one item. An update's size is that of the key and the values that it names, or of what it returns."""
    item = asked.get("Item") or {**asked.get("Key", {}), **asked.get("ExpressionAttributeValues", {})}
    size = max(item_bytes(item), item_bytes(said.get("Attributes", {})))
    units = max(1, ceil(size / WRITE_UNIT_BYTES))
    if INDEXED in asked.get("Item", {}):
        return units + units
    # An update of the sort key takes a row out of the index and puts another one in.
    return units + (2 * units if f"{INDEXED} =" in asked.get("UpdateExpression", "") else 0)


def _value_bytes(value: Mapping[str, Any]) -> int:
    (kind, content), *_ = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 1
        case "B":
            return _binary(content)
        case "L" | "M":
            return 3 + sum(1 + size for size in _inner(kind, content))
        case "SS" | "NS" | "BS":
            return sum(_value_bytes({kind[0]: each}) for each in content)
    return 1


def _inner(kind: str, content: Any) -> Iterator[int]:
    if kind == "L":
        return map(_value_bytes, content)
    return (len(name.encode()) + _value_bytes(value) for name, value in content.items())


def _binary(content: bytes | str) -> int:
    return len(base64.b64decode(content)) if isinstance(content, str) else len(content)
