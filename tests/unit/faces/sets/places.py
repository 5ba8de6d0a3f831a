"""Places in which faces are kept, in memory."""

from concurrent.futures import Executor
from typing import Any

from facesearch.adapters import face_sets as wiring
from facesearch.faces.distributed import ChosenIndexes
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.index.event import IndexCache
from facesearch.faces.index.port import IndexOf
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


def matcher_over(
    engines: Any, photos: Any, snapshots: Any, items: Any = None, events: Any = None, *, pool: Executor
) -> EmbeddedMatcher:
    """The matcher of an environment that has just started; without `items` that of a stack with exact sets alone."""
    indexes: IndexOf = IndexCache(photos, snapshots, 100, pool).current
    if items is not None:
        indexes = ChosenIndexes(exact=indexes, items=items, photos=photos, event_now=events.event, network=pool).current
    return EmbeddedMatcher(engines=engines, indexes=indexes, background=pool, pool=pool)
