"""The kinds of face sets over what a deployment has."""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.exact_set import ExactFaces
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.sets import FaceSets
from facesearch.faces.vector_items import VectorItemStore
from facesearch.faces.vector_set import VectorFaces
from facesearch.models import Event, FaceSet
from facesearch.records import PhotoStore

if TYPE_CHECKING:
    from facesearch.adapters.rekognition.collections import RekognitionFaces


def face_sets(
    *,
    photos: PhotoStore,
    pool: Executor,
    snapshots: SnapshotStore | None = None,
    items: VectorItemStore | None = None,
    rekognition: Callable[[], Any] | None = None,
    prefix: str = "",
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> FaceSets:
    """Face sets over the photos' records, and over vector items and Rekognition where there are such.

    Args:
        photos: the records.
        pool: runs requests side by side.
        snapshots: None where nobody may touch any.
        items: for sets of kind `vectors`.
        rekognition: makes a boto3 client when one is needed.
        prefix: of the collections' names.
        clock, sleep: for waiting.
    """

    def exact(event: Event, face_set: FaceSet) -> ExactFaces:
        builder = SnapshotBuilder(photos=photos, snapshots=snapshots, pool=pool) if snapshots is not None else None
        return ExactFaces(event=event, face_set=face_set, photos=photos, builder=builder)

    def vectors(event: Event, face_set: FaceSet) -> VectorFaces:
        if items is None:
            raise AssertionError
        return VectorFaces(
            event=event, face_set=face_set, items=items, photos=photos, pool=pool, clock=clock, sleep=sleep
        )

    def collection(event: Event, face_set: FaceSet) -> "RekognitionFaces":
        from facesearch.adapters.rekognition.collections import RekognitionFaces

        if rekognition is None:
            raise AssertionError
        return RekognitionFaces(rekognition(), prefix, event.event_id)

    return FaceSets(
        exact=exact,
        vectors=None if items is None else vectors,
        vector_table="" if items is None else items.name,
        rekognition=None if rekognition is None else collection,
    )
