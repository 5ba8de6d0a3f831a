"""Places in which faces are kept, in memory."""

from concurrent.futures import Executor
from typing import Any

from facesearch.adapters.rekognition.collections import RekognitionFaces
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.exact_set import ExactFaces
from facesearch.faces.sets import FaceSets
from facesearch.faces.vector_set import VectorFaces

PREFIX = "stack."


def face_sets(
    photos: Any, snapshots: Any = None, items: Any = None, rekognition: Any = None, *, pool: Executor, **waiting: Any
) -> FaceSets:
    """Face sets over stores, and a client of Rekognition; without one of them there is no such kind."""
    builder = None if snapshots is None else SnapshotBuilder(photos=photos, snapshots=snapshots, pool=pool)
    return FaceSets(
        exact=lambda event, face_set: ExactFaces(event=event, face_set=face_set, photos=photos, builder=builder),
        vectors=None
        if items is None
        else lambda event, face_set: VectorFaces(
            event=event, face_set=face_set, items=items, photos=photos, pool=pool, **waiting
        ),
        vector_table="" if items is None else items.name,
        rekognition=None
        if rekognition is None
        else lambda event, _: RekognitionFaces(rekognition, PREFIX, event.event_id),
    )
