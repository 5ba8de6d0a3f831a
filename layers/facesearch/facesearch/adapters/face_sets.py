"""The kinds of face sets over what a deployment has."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from facesearch.adapters.rekognition.collections import RekognitionFaces
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.exact_set import ExactFaces
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.sets import FaceSets
from facesearch.faces.vector_items import VectorItemStore
from facesearch.faces.vector_set import VectorFaces
from facesearch.records import PhotoStore


def face_sets(
    *,
    photos: PhotoStore,
    pool: Executor,
    snapshots: SnapshotStore | None,
    items: VectorItemStore | None,
    rekognition: Callable[[], Any] | None,
    prefix: str,
) -> FaceSets:
    """Face sets over the photos' records, and over vector items and Rekognition where there are such.

    Args:
        pool: runs requests side by side.
        snapshots: None where nobody may touch any.
        rekognition: makes a boto3 client when one is needed.
        prefix: of the collections' names.
    """
    builder = SnapshotBuilder(photos=photos, snapshots=snapshots, pool=pool) if snapshots is not None else None
    return FaceSets(
        exact=lambda event, face_set: ExactFaces(event=event, face_set=face_set, photos=photos, builder=builder),
        vectors=None
        if items is None
        else lambda event, face_set: VectorFaces(event=event, face_set=face_set, items=items, photos=photos, pool=pool),
        vector_table="" if items is None else items.name,
        rekognition=None
        if rekognition is None
        else lambda event, _: RekognitionFaces(rekognition(), prefix, event.event_id),
    )
