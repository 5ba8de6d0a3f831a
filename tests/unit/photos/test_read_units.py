"""How many searches and gallery pages a second an event takes while photos arrive, by arithmetic from counted bytes.

An item collection under a local index cannot split: it gives 3,000 read units a second. A strongly consistent Query
takes one for each 4 KB of all that it reads, and one at least; what it projects away counts all the same.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from math import ceil
from typing import Any

import boto3
import numpy as np
import pytest

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table, update
from facesearch.bootstrap.stores import IO_THREADS
from facesearch.faces.packing import pack
from facesearch.faces.qualities import pack_qualities
from facesearch.records import OVERLAP_MICROSECONDS, SHARDS, Photo, image_id_of_bytes
from tests.support.aws import TABLE, create_table, moto, template
from tests.support.fakes import EVENT, EVENT_ID

UNIT_BYTES = 4_096
COLLECTION_UNITS = 3_000
TABLE_UNITS = 40_000
"""What a table gives a second by the quota that every account begins with."""
ANSWERS_UNITS = 20
"""Of a search, beside the tail: key, event, quota, claim, result; 8 would do."""
SEARCH_SECONDS = 1.0
"""Between two searches of one environment, when none is idle: so old is what it has not read yet."""
PAGE_SECONDS = 0.05
"""The same of a gallery's pages."""
MINUTE = 60
TAKEN_AT = datetime(2026, 5, 17, 9, 30, 1)  # noqa: DTZ001 - a camera knows no zone


def bytes_of(item: Mapping[str, Any], names: set[str] | None = None) -> int:
    """By DynamoDB's rules: names and texts in UTF-8, blobs as they are, numbers two digits a byte and one more."""

    def value(each: Any) -> int:
        ((kind, content),) = each.items()
        match kind:
            case "S":
                return len(content.encode())
            case "B":
                return len(bytes(content))
            case "N":
                return ceil(len(content.strip("-").rstrip("0")) / 2) + 2
        raise AssertionError(kind)

    return sum(len(name.encode()) + value(each) for name, each in item.items() if names is None or name in names)


@cache
def row_bytes(faces: int) -> int:
    """A photo's row in the index that searches and galleries follow: of an item that the writer has written."""
    (index,) = template()["Resources"]["Table"]["Properties"]["LocalSecondaryIndexes"]
    there = {key["AttributeName"] for key in index["KeySchema"]} | {"pk", "sk"}
    there |= set(index["Projection"]["NonKeyAttributes"])
    vectors = np.random.default_rng(0).normal(size=(faces, 128)).astype(np.float32)
    packed = pack(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    qualities = pack_qualities((100.0, 50.0) for _ in range(faces))
    photo = Photo(
        uuid.UUID(int=1), "indexed", "903/456/k.jpg", 6000, 4000, EVENT.model, packed, TAKEN_AT, qualities=qualities
    )
    with moto():
        client = boto3.client("dynamodb")
        create_table(client)
        DynamoPhotoStore(Table(client, TABLE)).add(EVENT_ID, SHARDS, photo)
        (item,) = client.scan(TableName=TABLE)["Items"]
    return bytes_of(item, there)


def units(photos_a_second: int, faces: int, shards: int, seconds: float) -> Iterator[list[int]]:
    """Read units of one look a second at each shard, for a minute of an upload; `seconds` is how far back they go."""
    arrivals = [(number / photos_a_second, image_id) for number, image_id in enumerate(ids(photos_a_second * MINUTE))]
    for now in range(ceil(seconds), MINUTE):
        seen = [0] * shards
        for at, image_id in arrivals:
            seen[image_id.int % shards] += now - seconds <= at < now
        yield [max(1, ceil(rows * row_bytes(faces) / UNIT_BYTES)) for rows in seen]


@cache
def ids(count: int) -> list[uuid.UUID]:
    return [image_id_of_bytes(EVENT_ID, bytes(str(number), "ascii")) for number in range(count)]


def looks_a_second(photos_a_second: int, faces: int, shards: int, seconds: float) -> tuple[int, float]:
    """What the busiest shard takes, and read units of one look at all of them."""
    looks = list(units(photos_a_second, faces, shards, seconds))
    busiest = max(sum(shard) for shard in zip(*looks, strict=True)) / len(looks)
    return int(COLLECTION_UNITS / busiest), sum(map(sum, looks)) / len(looks)


OVERLAP = OVERLAP_MICROSECONDS / 1e6


@pytest.mark.parametrize(
    ("photos", "faces", "shards", "overlap", "expected"),
    [
        pytest.param(75, 10, SHARDS, OVERLAP, 265, id="a large upload"),
        pytest.param(25, 5, SHARDS, OVERLAP, 1_170, id="a usual one"),
        pytest.param(75, 10, 4, OVERLAP, 140, id="a large one into an event of 0.1.0"),
        pytest.param(75, 10, 4, 30, 13, id="a large one in 0.1.0"),
        pytest.param(25, 5, 4, 30, 69, id="a usual one in 0.1.0"),
    ],
)
def test_searches_a_second_while_photos_arrive(
    photos: int, faces: int, shards: int, overlap: float, expected: int
) -> None:
    """These are the numbers of ADR 20 and of the runbook."""
    searches, _ = looks_a_second(photos, faces, shards, overlap + SEARCH_SECONDS)
    assert searches == pytest.approx(expected, rel=0.03)


def test_the_table_as_a_whole_gives_as_much() -> None:
    searches, each = looks_a_second(75, 10, SHARDS, OVERLAP + SEARCH_SECONDS)
    assert searches >= 200
    assert each == pytest.approx(85, rel=0.02)
    assert 200 * (each + ANSWERS_UNITS) <= TABLE_UNITS


def test_pages_of_a_gallery_a_second_while_photos_arrive() -> None:
    pages, _ = looks_a_second(75, 10, SHARDS, OVERLAP + PAGE_SECONDS)
    assert pages == pytest.approx(380, rel=0.03)


def test_a_look_without_an_upload_is_a_unit_a_shard_and_one_round_trip() -> None:
    assert looks_a_second(0, 0, SHARDS, 1) == (COLLECTION_UNITS, SHARDS)
    assert SHARDS <= IO_THREADS


def test_an_event_keeps_the_shards_that_it_was_made_with() -> None:
    with moto():
        client = boto3.client("dynamodb")
        create_table(client)
        admin = DynamoAdmin(Table(client, TABLE))
        event_id = admin.create_event(admin.create_org("o"), "e")
        event = admin.event(event_id)
        assert event is not None
        assert event.shards == SHARDS
        Table(client, TABLE).write(update(schema.event_key(event_id), "SET shards = :four", four=4))
        admin.update_event(event_id, name="another")
        event = admin.event(event_id)
        assert event is not None
        assert event.shards == 4
