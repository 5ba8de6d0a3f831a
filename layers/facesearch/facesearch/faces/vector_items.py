"""Vector items, one a face: what DynamoDB's vector index is made of, and the face sets that are kept in it."""

import uuid
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.sets import PhotoFaces
from facesearch.models import Event, FaceSet, FaceSetKind

TOP_K = 100
"""The most that one SearchVectors call returns."""


@dataclass(frozen=True)
class FacePlace:
    """Where the vector items of one event lie that one model made: vectors of two models are never in one partition.

    Attributes:
        shards: number of partitions; all faces of a photo are in one.
    """

    event_id: int
    model: str
    shards: int

    def shard_of(self, image_id: uuid.UUID) -> int:
        """The partition of a photo's faces."""
        return image_id.int % self.shards


@dataclass(frozen=True, eq=False)
class ShardFaces:
    """Faces of one partition.

    Attributes:
        photos: of each face its photo.
        values: shape (n, 128), int8, the stored vectors.
    """

    photos: list[uuid.UUID]
    values: NDArray[np.int8]


class VectorItemStore(Protocol):
    """Vector items."""

    @property
    def name(self) -> str:
        """Tells this store from another that took its place, and so lacks what was written before."""

    def put(self, place: FacePlace, photos: Iterable[PhotoFaces]) -> int:
        """Write these photos' faces; again is the same. Returns their number."""

    def delete(self, place: FacePlace, image_id: uuid.UUID, beyond: int = 0) -> int:
        """Delete a photo's faces from number `beyond` on. Returns how many there were."""

    def delete_all(self, place: FacePlace, pool: Executor) -> int:
        """Delete every face. Returns how many there were."""

    def count(self, place: FacePlace, image_id: uuid.UUID) -> int:
        """How many faces of that photo are there, read strongly consistent."""

    def counts(self, place: FacePlace, pool: Executor) -> dict[uuid.UUID, int]:
        """How many faces of which photos are there, read strongly consistent."""

    def nearest(self, place: FacePlace, shard: int, vector: NDArray[np.float64]) -> ShardFaces:
        """The `TOP_K` faces of a partition that the store's own search finds nearest by cosine, nearest first.

        It may be approximate, and some time behind what was written.
        """

    def read(self, place: FacePlace, shard: int, most: int | None = None) -> ShardFaces:
        """The faces of a partition by image_id and number, all or the first `most`, read strongly consistent."""


def searches_items(event: Event, store_name: str) -> bool:
    """Whether searches of the event are answered from vector items in that store."""
    return event.faces.kind is FaceSetKind.VECTORS and event.vector_table == store_name


def place_of(event: Event, face_set: FaceSet | None = None) -> FacePlace:
    """Where the vector items of a face set of the event lie; of its live one unless given."""
    return FacePlace(event.event_id, (face_set or event.faces).model, event.face_shards)
