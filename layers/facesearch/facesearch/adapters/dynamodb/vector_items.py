"""Vector items in a table of their own, under DynamoDB's vector index."""

import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_delete, batch_put
from facesearch.faces.index.vectors import DIMENSIONS, Values
from facesearch.faces.packing import values_of
from facesearch.faces.sets import PhotoFaces
from facesearch.faces.vector_items import TOP_K, FacePlace, ShardFaces, VectorItemStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, eq=False)
class VectorItem:
    """One face, with all that an indexed item must have: DynamoDB keeps an item without vector or without the index's
    HASH, and leaves it out of the index without a word.

    Attributes:
        pk: partition key of the table and HASH of the index.
        values: shape (128,), int8.
    """

    pk: str
    sk: str
    values: NDArray[np.int8]
    width: int
    height: int

    def to_item(self) -> "schema.Key":
        """The item; about 0.7 KB, one write unit.

        The vector is the stored bytes as whole numbers: cosine knows no scale, float32 holds them exactly, and an item
        is half as large as with fractions. The bytes come once more, for whoever reads many of them.
        """
        if not self.pk or self.values.shape != (DIMENSIONS,) or not self.values.any():
            raise ValueError("no face that the index would take")
        return schema.key(self.pk, self.sk) | {
            "vector": schema.numbers(self.values.tolist()),
            "face": schema.b(self.values.tobytes()),
            "width": schema.n(self.width),
            "height": schema.n(self.height),
        }


def vector_items(place: FacePlace, photo: PhotoFaces) -> Iterator[VectorItem]:
    """The items of a photo's faces: the only maker of what has a vector.

    A vector of zeros has no direction, so nothing is similar to it and the index would refuse it: it is left out.
    """
    pk = schema.faces_pk(place.event_id, place.model, place.shard_of(photo.image_id))
    for number, values in enumerate(values_of(photo.faces)):
        if values.any():
            yield VectorItem(pk, schema.face_sk(photo.image_id, number), values, photo.width, photo.height)


class DynamoVectorItems(VectorItemStore):
    """Vector items in DynamoDB."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    @property
    @override
    def name(self) -> str:
        return self._table

    @override
    def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
        """25 faces to a round trip."""
        items = [item.to_item() for photo in photos for item in vector_items(place, photo)]
        batch_put(self._dynamodb, self._table, items)
        return len(items)

    @override
    def delete(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> int:
        pk = schema.faces_pk(place.event_id, place.model, place.shard_of(image_id))
        return self._delete(pk, self._of(pk, image_id, beyond))

    @override
    def delete_all(self, place: FacePlace, pool: Executor) -> int:
        def delete(shard: int) -> int:
            pk = schema.faces_pk(place.event_id, place.model, shard)
            return self._delete(pk, self._query("sk", "pk = :pk", pk))

        return sum(pool.map(delete, range(place.shards)))

    @override
    def count(self, place: FacePlace, image_id: uuid.UUID) -> int:
        pk = schema.faces_pk(place.event_id, place.model, place.shard_of(image_id))
        return sum(1 for _ in self._of(pk, image_id))

    @override
    def counts(self, place: FacePlace, pool: Executor) -> dict[uuid.UUID, int]:
        def count(shard: int) -> dict[uuid.UUID, int]:
            found: dict[uuid.UUID, int] = {}
            for item in self._query("sk", "pk = :pk", schema.faces_pk(place.event_id, place.model, shard)):
                image_id = _photo_of(item)
                found[image_id] = found.get(image_id, 0) + 1
            return found

        return {
            image_id: number for found in pool.map(count, range(place.shards)) for image_id, number in found.items()
        }

    @override
    def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
        """One SearchVectors, which has no pages."""
        answer = self._dynamodb.search_vectors(
            TableName=self._table,
            IndexName=schema.BY_FACE,
            SearchVector=[{"N": f"{value:.9g}"} for value in vector.astype(np.float32).tolist()],
            SearchConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": schema.s(schema.faces_pk(place.event_id, place.model, shard))},
            ProjectionExpression="sk, face",
            TopK=TOP_K,
        )
        return _faces(result["Item"] for result in answer["SearchResults"])

    @override
    def read(self, place: FacePlace, shard: int, most: int | None = None) -> ShardFaces:
        """One Query a page of 1 MB, about 1,400 faces."""
        pk = schema.faces_pk(place.event_id, place.model, shard)
        return _faces(self._query("sk, face", "pk = :pk", pk, most))

    def _of(self, pk: str, image_id: uuid.UUID, beyond: int = 0) -> "Iterator[schema.Item]":
        """Sort keys of a photo's faces from number `beyond` on."""
        first, last = schema.face_sk(image_id, beyond), f"{image_id}$"  # $ comes after #
        return self._query("sk", "pk = :pk AND sk BETWEEN :first AND :last", pk, first=first, last=last)

    def _query(
        self, wanted: str, condition: str, pk: str, most: int | None = None, **values: str
    ) -> "Iterator[schema.Item]":
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression=condition,
            ProjectionExpression=wanted,
            PaginationConfig={} if most is None else {"MaxItems": most, "PageSize": most},
            ExpressionAttributeValues={
                ":pk": schema.s(pk),
                **{f":{name}": schema.s(value) for name, value in values.items()},
            },
        )
        for page in pages:
            yield from page["Items"]

    def _delete(self, pk: str, items: "Iterable[schema.Item]") -> int:
        keys = [schema.key(pk, schema.text(item, "sk")) for item in items]
        batch_delete(self._dynamodb, self._table, keys)
        return len(keys)


def _faces(items: "Iterable[schema.Item]") -> ShardFaces:
    photos: list[uuid.UUID] = []
    joined = bytearray()
    for item in items:
        photos.append(_photo_of(item))
        joined += schema.blob(item, "face")
    values: Values = np.frombuffer(bytes(joined), np.int8).reshape(-1, DIMENSIONS)
    return ShardFaces(photos, values)


def _photo_of(item: Any) -> uuid.UUID:
    return uuid.UUID(schema.text(item, "sk").partition("#")[0])
