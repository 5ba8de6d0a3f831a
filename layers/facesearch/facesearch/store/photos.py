"""Photo records in the table: one item per photo, followed through the local index `by-change`."""

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from facesearch.photos import Photo, PhotoChange
from facesearch.store import schema
from facesearch.store.batch import batch_get

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoPhotoStore:
    """`PhotoStore` over DynamoDB."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        """See `PhotoStore.get`."""
        key = schema.photo_key(event_id, shards, image_id)
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _photo(answer["Item"]) if "Item" in answer else None

    def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        """See `PhotoStore.get_many`; 100 to a round trip."""
        keys = [schema.photo_key(event_id, shards, image_id) for image_id in dict.fromkeys(image_ids)]
        photos = [_photo(item) for item in batch_get(self._dynamodb, self._table, keys)]
        return {photo.image_id: photo for photo in photos}

    def add(self, event_id: int, shards: int, photo: Photo) -> bool:
        """See `PhotoStore.add`."""
        item = schema.photo_key(event_id, shards, photo.image_id) | {
            "status": schema.s(photo.status),
            "key": schema.s(photo.key),
            "changed_at": schema.n(time.time_ns() // 1000),
            "width": schema.n(photo.width),
            "height": schema.n(photo.height),
        }
        if photo.status == "indexed":
            item |= {"model": schema.s(photo.model), "faces": schema.b(photo.faces)}
        if photo.taken_at is not None:
            item["taken_at"] = schema.s(photo.taken_at.isoformat())
        if photo.reason:
            item["reason"] = schema.s(photo.reason)
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[PhotoChange]:
        """See `PhotoStore.changes`; one Query a page of 1 MB."""
        attributes = {"sk", "changed_at", "status", "model", "faces", "width", "height", "taken_at"}
        names = {f"#{name}": name for name in attributes - (set() if faces else {"faces"})}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=schema.BY_CHANGE,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND changed_at >= :since",
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":pk": schema.s(schema.photos_pk(event_id, shard)), ":since": schema.n(since)},
        )
        for page in pages:
            yield from map(_change, page["Items"])


def _change(item: "schema.Item") -> PhotoChange:
    return PhotoChange(
        image_id=uuid.UUID(schema.text(item, "sk")),
        changed_at=schema.number(item, "changed_at"),
        status=schema.text(item, "status"),
        model=schema.text(item, "model"),
        faces=schema.blob(item, "faces"),
        width=schema.number(item, "width"),
        height=schema.number(item, "height"),
        taken_at=schema.moment(item, "taken_at"),
    )


def _photo(item: "schema.Item") -> Photo:
    return Photo(
        image_id=uuid.UUID(schema.text(item, "sk")),
        status="indexed" if schema.text(item, "status") == "indexed" else "failed",
        key=schema.text(item, "key"),
        width=schema.number(item, "width"),
        height=schema.number(item, "height"),
        model=schema.text(item, "model"),
        faces=schema.blob(item, "faces"),
        taken_at=schema.moment(item, "taken_at"),
        reason=schema.text(item, "reason"),
    )
