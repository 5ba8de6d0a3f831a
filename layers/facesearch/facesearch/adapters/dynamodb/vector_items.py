"""Vector items in a table of their own, under DynamoDB's vector index."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import Item, Table, decode, encode
from facesearch.faces.index.vectors import DIMENSIONS, Values
from facesearch.faces.packing import values_of
from facesearch.faces.sets import PhotoFaces
from facesearch.faces.vector_items import TOP_K, FacePlace, ShardFaces, VectorItemStore


def vector_items(place: FacePlace, photo: PhotoFaces) -> Iterator[Item]:
    """The items of a photo's faces, about 0.7 KB each, one write unit: the only maker of what has a vector. DynamoDB
    keeps an item without vector or without the index's HASH, and leaves it out of the index without a word.

    The vector is the stored bytes as whole numbers: cosine knows no scale, float32 holds them exactly, and an item is
    half as large as with fractions. The bytes come once more, for whoever reads many of them. A vector of zeros has no
    direction, so nothing is similar to it and the index would refuse it: it is left out.
    """
    key = _key(place, place.shard_of(photo.image_id))
    for number, values in enumerate(values_of(photo.faces)):
        if values.any():
            face = {"vector": values.tolist(), "face": values.tobytes(), "width": photo.width, "height": photo.height}
            yield key | face | {"sk": schema.face_sk(photo.image_id, number)}


@dataclass(frozen=True)
class DynamoVectorItems(VectorItemStore):
    table: Table

    @property
    @override
    def name(self) -> str:
        return self.table.name

    @override
    def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
        """25 faces to a round trip."""
        items = [item for photo in photos for item in vector_items(place, photo)]
        self.table.batch_put(items)
        return len(items)

    @override
    def delete(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> int:
        return self.table.batch_delete(list(self._of(place, image_id, beyond)))

    @override
    def delete_all(self, place: FacePlace, pool: Executor) -> int:
        deleted = pool.map(lambda shard: self.table.batch_delete(list(self._shard(place, shard))), range(place.shards))
        return sum(deleted)

    @override
    def count(self, place: FacePlace, image_id: uuid.UUID) -> int:
        return sum(1 for _ in self._of(place, image_id))

    @override
    def counts(self, place: FacePlace, pool: Executor) -> dict[uuid.UUID, int]:
        shards = pool.map(lambda shard: Counter(map(_photo_of, self._shard(place, shard))), range(place.shards))
        return {image_id: number for photos in shards for image_id, number in photos.items()}

    @override
    def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
        response = self.table.client.search_vectors(
            TableName=self.table.name,
            IndexName=schema.BY_FACE,
            SearchVector=[{"N": f"{value:.9g}"} for value in vector.astype(np.float32).tolist()],
            SearchConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": _key(place, shard)["pk"]}),
            ProjectionExpression="sk, face",
            TopK=TOP_K,
        )
        return _faces(decode(result["Item"]) for result in response["SearchResults"])

    @override
    def read(self, place: FacePlace, shard: int, most: int | None = None) -> ShardFaces:
        """One Query a page of 1 MB, about 1,400 faces."""
        return _faces(self.table.query(_key(place, shard), projection="sk, face", most=most))

    def _of(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> Iterator[Item]:
        """Keys of a photo's faces from number `beyond` on."""
        key = _key(place, place.shard_of(image_id))
        first, last = schema.face_sk(image_id, beyond), f"{image_id}$"  # $ comes after #
        return self.table.query(key, "sk BETWEEN :first AND :last", projection="pk, sk", first=first, last=last)

    def _shard(self, place: FacePlace, shard: int) -> Iterator[Item]:
        return self.table.query(_key(place, shard), projection="pk, sk")


def _key(place: FacePlace, shard: int) -> Item:
    return schema.faces_key(place.event_id, place.model, shard)


def _faces(items: Iterable[Item]) -> ShardFaces:
    photos: list[uuid.UUID] = []
    joined = bytearray()
    for item in items:
        photos.append(_photo_of(item))
        joined += item["face"]
    values: Values = np.frombuffer(bytes(joined), np.int8).reshape(-1, DIMENSIONS)
    return ShardFaces(photos, values)


def _photo_of(item: Item) -> uuid.UUID:
    return uuid.UUID(item["sk"].partition("#")[0])
