"""Vector items in memory; they pass the same contract tests as DynamoDB's."""

import uuid
from collections.abc import Iterable
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.faces.index.vectors import DIMENSIONS, cosines, probe_of
from facesearch.faces.packing import values_of
from facesearch.faces.sets import PhotoFaces
from facesearch.faces.vector_items import TOP_K, FacePlace, ShardFaces, VectorItemStore


class MemoryVectorItems(VectorItemStore):
    """Vector items in dictionaries. Its own search is exact and always up to date."""

    name: str = ""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.reads = 0
        self._faces: dict[tuple[FacePlace, int], dict[uuid.UUID, NDArray[np.int8]]] = {}

    @override
    def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
        written = 0
        for photo in photos:
            values = values_of(photo.faces)
            shard = self._faces.setdefault((place, place.shard_of(photo.image_id)), {})
            surplus = shard.get(photo.image_id, values)[len(values) :]
            if len(values):
                shard[photo.image_id] = np.concatenate([values, surplus])
            written += len(values)
        return written

    @override
    def delete(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> int:
        shard = self._faces.get((place, place.shard_of(image_id)), {})
        values = shard.pop(image_id, np.empty((0, DIMENSIONS), np.int8))
        if beyond and len(values):
            shard[image_id] = values[:beyond]
        return len(values[beyond:])

    @override
    def delete_all(self, place: FacePlace, pool: Executor) -> int:
        gone = [self._faces.pop((place, shard), {}) for shard in range(place.shards)]
        return sum(len(values) for photos in gone for values in photos.values())

    @override
    def count(self, place: FacePlace, image_id: uuid.UUID) -> int:
        return len(self._faces.get((place, place.shard_of(image_id)), {}).get(image_id, ()))

    @override
    def counts(self, place: FacePlace, pool: Executor) -> dict[uuid.UUID, int]:
        shards = [self._faces.get((place, shard), {}) for shard in range(place.shards)]
        return {image_id: len(values) for photos in shards for image_id, values in photos.items()}

    @override
    def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
        every = self._read(place, shard)
        order = np.argsort(-cosines(every.values, probe_of(vector)), kind="stable")[:TOP_K]
        return ShardFaces([every.photos[row] for row in order], every.values[order])

    @override
    def read(self, place: FacePlace, shard: int, most: int | None = None) -> ShardFaces:
        """Count whole partitions in `reads`."""
        self.reads += most is None
        every = self._read(place, shard)
        return ShardFaces(every.photos[:most], every.values[:most])

    def _read(self, place: FacePlace, shard: int) -> ShardFaces:
        photos = dict(sorted(self._faces.get((place, shard), {}).items()))
        values = [np.empty((0, DIMENSIONS), np.int8), *photos.values()]
        return ShardFaces([image_id for image_id, own in photos.items() for _ in own], np.concatenate(values))
