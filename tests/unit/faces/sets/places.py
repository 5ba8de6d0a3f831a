"""Places in which faces are kept, in memory."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from facesearch.adapters.rekognition import RekognitionFaces
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.exact_set import ExactFaces
from facesearch.faces.sets import FaceSets
from facesearch.faces.vector_items import VectorFaces, VectorItemStore
from facesearch.models import Event, FaceSet

PREFIX = "stack."


def face_sets(
    photos: Any,
    snapshots: Any = None,
    items: VectorItemStore | None = None,
    rekognition: Any = None,
    *,
    pool: Executor,
    table: str = "memory",
    clock: Callable[[], float] = lambda: 0.0,
    sleep: Callable[[float], None] = lambda seconds: None,
) -> FaceSets:
    """Face sets over stores, and a client of Rekognition; without one of them there is no such kind."""

    def exact(event: Event, face_set: FaceSet) -> ExactFaces:
        builder = None if snapshots is None else SnapshotBuilder(photos=photos, snapshots=snapshots, pool=pool)
        return ExactFaces(event=event, face_set=face_set, photos=photos, snapshots=snapshots, builder=builder)

    def vectors(event: Event, face_set: FaceSet) -> VectorFaces:
        assert items is not None
        return VectorFaces(
            event=event, face_set=face_set, items=items, photos=photos, pool=pool, clock=clock, sleep=sleep
        )

    def collection(event: Event, face_set: FaceSet) -> RekognitionFaces:
        return RekognitionFaces(rekognition, PREFIX, event.event_id)

    return FaceSets(
        exact=exact,
        vectors=None if items is None else vectors,
        vector_table="" if items is None else table,
        rekognition=None if rekognition is None else collection,
    )
