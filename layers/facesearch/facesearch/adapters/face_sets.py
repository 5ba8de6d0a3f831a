"""The kinds of face sets over what a deployment has."""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from facesearch.faces.exact_set import ExactFaces, SnapshotBuilder
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.sets import FaceSets, FaceSetStore
from facesearch.faces.vector_items import VectorFaces, VectorItemStore
from facesearch.models import Event, FaceSet, FaceSetKind
from facesearch.records import PhotoStore


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

    builder = None if snapshots is None else SnapshotBuilder(photos=photos, snapshots=snapshots, pool=pool)
    openers: dict[FaceSetKind, Callable[[Event, FaceSet], FaceSetStore]] = {
        FaceSetKind.EXACT: lambda event, face_set: ExactFaces(
            event=event, face_set=face_set, photos=photos, builder=builder
        )
    }
    if items is not None:
        openers[FaceSetKind.VECTORS] = lambda event, face_set: VectorFaces(
            event=event, face_set=face_set, items=items, photos=photos, pool=pool, clock=clock, sleep=sleep
        )
    if rekognition is not None:

        def collection(event: Event, face_set: FaceSet) -> FaceSetStore:
            from facesearch.adapters.rekognition.collections import RekognitionFaces

            return RekognitionFaces(rekognition(), prefix, event.event_id)

        openers[FaceSetKind.REKOGNITION] = collection
    return FaceSets(openers, "" if items is None else items.name)
