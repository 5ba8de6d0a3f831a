"""Places in which faces are kept, in memory."""

from concurrent.futures import Executor
from typing import Any

from facesearch.adapters import face_sets as wiring
from facesearch.faces.sets import FaceSets

PREFIX = "stack."


def face_sets(
    photos: Any, snapshots: Any = None, items: Any = None, rekognition: Any = None, *, pool: Executor, **waiting: Any
) -> FaceSets:
    """Face sets over stores, and a client of Rekognition; without one of them there is no such kind."""
    return wiring.face_sets(
        photos=photos,
        pool=pool,
        snapshots=snapshots,
        items=items,
        rekognition=None if rekognition is None else lambda: rekognition,
        prefix=PREFIX,
        **waiting,
    )
