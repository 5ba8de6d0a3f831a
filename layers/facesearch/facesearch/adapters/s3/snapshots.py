"""Snapshots in S3, under a new key each, and in the table which of them is current."""

import io
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.adapters.aws import reading
from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import query_all
from facesearch.faces.index.snapshot import Snapshot, SnapshotError, SnapshotInfo, SnapshotStore, decode, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

ORPHAN_SECONDS = 3600
"""A file that is not current is left behind by a writer that was killed, or is about to become current."""
SUFFIX = ".fsindex"
READ_BYTES = 2**18
"""botocore reads into memory of its own first. By whole parts that is 8 MiB a thread, which malloc keeps (see
`make bench-index`, resident)."""


@dataclass(frozen=True)
class S3SnapshotStore(SnapshotStore):
    """Over a bucket and the table. A file is written whole by one PUT, then made current by one conditional write; a
    crash between the two leaves a file that nobody reads and the next save deletes."""

    s3: "S3Client"
    bucket: str
    dynamodb: "DynamoDBClient"
    table: str

    @override
    def current(self, event_id: int, model: str) -> SnapshotInfo | None:
        key = schema.snapshot_key(event_id, model)
        item = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        return _info(item) if item is not None else None

    @override
    def load(self, info: SnapshotInfo, pool: Executor) -> Snapshot:
        """One ranged GET for each part of 8 MiB."""
        try:
            head = self.s3.head_object(Bucket=self.bucket, Key=info.key)

            def read(start: int, buffer: memoryview) -> None:
                wanted = f"bytes={start}-{start + len(buffer) - 1}"
                response = self.s3.get_object(Bucket=self.bucket, Key=info.key, Range=wanted, IfMatch=head["ETag"])
                with reading(response) as body:
                    filled = 0
                    while filled < len(buffer):
                        count = body.readinto(buffer[filled : filled + READ_BYTES])
                        if not count:
                            raise SnapshotError("cut short")
                        filled += count

            return decode(read, head["ContentLength"], info, pool)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 412, 416):
                raise SnapshotError("gone, or replaced meanwhile") from error
            raise

    @override
    def save(self, snapshot: Snapshot, replaces: SnapshotInfo | None) -> SnapshotInfo | None:
        info = SnapshotInfo(
            event_id=snapshot.event_id,
            model=snapshot.model,
            key=f"{snapshot_prefix(snapshot.event_id)}{uuid.uuid4()}{SUFFIX}",
            watermark=snapshot.watermark,
            photos=len(snapshot.ids),
            faces=len(snapshot.faces),
        )
        self.s3.put_object(Bucket=self.bucket, Key=info.key, Body=io.BytesIO(encode(snapshot)))
        if not self._make_current(info, replaces):
            self.s3.delete_object(Bucket=self.bucket, Key=info.key)
            return None
        self._sweep(info, replaces)
        return info

    @override
    def count(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        return len(self._others(event_id, keep))

    @override
    def delete(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        """First nothing is current, then nothing is there."""
        for item in self._items(event_id):
            if keep is None or schema.text(item, "key") != keep.key:
                self.dynamodb.delete_item(TableName=self.table, Key={"pk": item["pk"], "sk": item["sk"]})
        keys = self._others(event_id, keep)
        for key in keys:
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        return len(keys)

    def _others(self, event_id: int, keep: SnapshotInfo | None) -> list[str]:
        """Files but the one to keep and what was written after it: a later one's writer has begun with that one, or
        will find that it may not replace it."""
        files = dict(self._files(event_id))
        end = files.get(keep.key, 0.0) if keep is not None else float("inf")
        return [key for key, modified in files.items() if modified <= end and (keep is None or key != keep.key)]

    def _make_current(self, info: SnapshotInfo, replaces: SnapshotInfo | None) -> bool:
        item = schema.snapshot_key(info.event_id, info.model) | {
            "key": schema.s(info.key),
            "watermark": schema.n(info.watermark),
            "photos": schema.n(info.photos),
            "faces": schema.n(info.faces),
        }
        still_there: Any = {"ConditionExpression": "attribute_not_exists(pk)"}
        if replaces is not None:
            still_there = {
                "ConditionExpression": "#key = :replaced",
                "ExpressionAttributeNames": {"#key": "key"},
                "ExpressionAttributeValues": {":replaced": schema.s(replaces.key)},
            }
        try:
            self.dynamodb.put_item(TableName=self.table, Item=item, **still_there)
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _sweep(self, current: SnapshotInfo, replaced: SnapshotInfo | None) -> None:
        """Whoever reads the replaced one at this moment finds it gone, and opens the current one."""
        in_use = {schema.text(item, "key") for item in self._items(current.event_id)}
        end = time.time() - ORPHAN_SECONDS
        for key, modified in self._files(current.event_id):
            was_replaced = replaced is not None and key == replaced.key
            if was_replaced or (key not in in_use and modified < end):
                self.s3.delete_object(Bucket=self.bucket, Key=key)

    def _items(self, event_id: int) -> "Iterator[schema.Item]":
        """The event's current snapshots, one a model."""
        return query_all(self.dynamodb, self.table, f"SNAPSHOT#{event_id}")

    def _files(self, event_id: int) -> list[tuple[str, float]]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=snapshot_prefix(event_id))
        return [(file["Key"], file["LastModified"].timestamp()) for page in pages for file in page.get("Contents", [])]


def snapshot_prefix(event_id: int) -> str:
    """What the S3 keys of an event's snapshots begin with."""
    return f"snapshots/{event_id}/"


def _info(item: "schema.Item") -> SnapshotInfo:
    return SnapshotInfo(
        event_id=int(schema.text(item, "pk").partition("#")[2]),
        model=schema.text(item, "sk"),
        key=schema.text(item, "key"),
        watermark=schema.number(item, "watermark"),
        photos=schema.number(item, "photos"),
        faces=schema.number(item, "faces"),
    )
