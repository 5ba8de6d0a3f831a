"""An event's faces in DynamoDB's vector index: found by the service, counted by the photos' own records.

What it promises: of the faces that the service's search can see, none at or above the threshold is missed, however many
one person has; every score is float64 over the stored vector, equal to the exact index's; a photo whose record is gone
is never returned, not even while its vector items are still there.

What it cannot promise, because the service's search is approximate and follows writes some time later: that its 100
nearest of a partition are the 100 nearest, and that a photo is found in the moment after it was indexed. Who needs
either stays with the exact index.
"""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
from typing_extensions import override

from facesearch.faces.engine import is_default
from facesearch.faces.index.cohort import LOOKED_AT, NOBODY, Cohort, draw
from facesearch.faces.index.port import FaceIndex, Hits, IndexMovedError, IndexOf
from facesearch.faces.index.vectors import DIMENSIONS, Probe, Values, cosines
from facesearch.faces.packing import values_of
from facesearch.faces.vector_items import TOP_K, FacePlace, VectorItemStore, place_of
from facesearch.models import Event, FaceSet, FaceSetKind, PhotoMatch
from facesearch.observability import count
from facesearch.records import Photo, PhotoStore, read_photos

MARGIN = 0.01
"""How far below the threshold the farthest of a full answer must be for the rest of its partition to be left unread:
what an approximate order and the service's float32 may hide."""
COHORTS_KEPT = 100
"""Events; 0.4 MB each, and 1 MB once searched."""


COHORT_SECONDS = 60.0


@dataclass(frozen=True)
class VectorIndex(FaceIndex):
    """`FaceIndex` for one search over vector items. `event_now` reads an event strongly consistent, `network` runs
    requests side by side."""

    event: Event
    items: VectorItemStore
    photos: PhotoStore
    event_now: Callable[[int], Event | None]
    network: Executor
    cohort: Cohort = NOBODY
    _seen: list[PhotoMatch] = field(default_factory=list)

    @override
    def search(self, probe: Probe, minimum: float, pool: Executor) -> Hits:
        """Every partition is asked at once; about one round trip and a half in all."""
        place, whole = place_of(self.event), list[int]()

        def nominate(shard: int) -> set[uuid.UUID]:
            """Name the photos of a partition with a face that reaches the minimum."""
            faces = self.items.nearest(place, shard, probe.exact)
            scores = cosines(faces.values, probe)
            if len(scores) >= TOP_K and scores.min() >= minimum - MARGIN:
                whole.append(shard)
                faces = self.items.read(place, shard)
                scores = cosines(faces.values, probe)
            return {faces.photos[row] for row in np.flatnonzero(scores >= minimum)}

        records = self._records(sorted(set().union(*self.network.map(nominate, range(place.shards)))))
        if whole:
            count("VectorShardsRead", len(whole))
        self._check_still_complete()
        first = len(self._seen)
        self._seen.extend(PhotoMatch(photo.image_id, photo.width, photo.height) for photo in records)
        blobs: list[Values] = [values_of(photo.faces_by(self.event.model) or b"") for photo in records]
        owners = np.repeat(np.arange(first, len(self._seen), dtype=np.int32), [len(blob) for blob in blobs])
        return Hits.of(owners, np.concatenate([np.empty((0, DIMENSIONS), np.int8), *blobs]), probe, minimum)

    @override
    def photo(self, number: int) -> PhotoMatch:
        return self._seen[number]

    def _records(self, image_ids: list[uuid.UUID]) -> list[Photo]:
        """The photos' own records, read strongly consistent after the search began: those that count."""
        event = self.event
        found = read_photos(self.photos, event.event_id, event.shards, image_ids, self.network)
        return [photo for photo in found.values() if photo.faces_by(event.model) is not None]

    def _check_still_complete(self) -> None:
        """A rebuild deletes vector items only after the event says that it has another live face set. What was found is
        never stored; only by the same model can it be looked for once more."""
        event = self.event_now(self.event.event_id)
        if event is not None and event.faces == FaceSet(self.event.model):
            raise IndexMovedError(event)


@dataclass(frozen=True, eq=False)
class _Kept:
    """A cohort, what it was drawn from, and until when it need not be read again unless the event's model or number of
    deletions is another."""

    of: tuple[str, int]
    until: float
    faces: Values
    cohort: Cohort


@dataclass(frozen=True, kw_only=True)
class ChosenIndexes:
    """Opens the index that an event has, `exact` or `VectorIndex`.

    The exact one is made of the photos' records alone, so it is complete at any time, also for an event whose vector
    items were in a table that this stack has no more.

    The cohort of vector items is read beside the selfie's embedding, so that a search waits no longer for it, and kept
    for a minute: 16 small queries. An event of fewer faces than a cohort is drawn from is read by every search: there,
    each upload counts.
    """

    exact: IndexOf
    items: VectorItemStore
    photos: PhotoStore
    event_now: Callable[[int], Event | None]
    network: Executor
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[int, _Kept] = field(default_factory=OrderedDict, repr=False)

    def current(self, event: Event) -> FaceIndex:
        """The event's index, with everything that was written before the event was read."""
        if event.faces.kind is not FaceSetKind.VECTORS or event.vector_table != self.items.name:
            return self.exact(event)
        return VectorIndex(event, self.items, self.photos, self.event_now, self.network, self.cohort(event))

    def cohort(self, event: Event) -> Cohort:
        """The event's cohort: that of the exact index, as of a minute ago at most, and after every deletion."""
        if not is_default(event.model):
            return NOBODY
        now = self.clock()
        kept = self._kept.pop(event.event_id, None)
        if kept is None or kept.of != (event.model, event.erasures) or now >= kept.until:
            faces = self._first(place_of(event))
            same = kept is not None and np.array_equal(kept.faces, faces)
            cohort = kept.cohort if kept is not None and same else draw(faces)[0]
            until = now + COHORT_SECONDS if len(faces) == LOOKED_AT else now
            kept = _Kept((event.model, event.erasures), until, faces, cohort)
        self._kept[event.event_id] = kept
        while len(self._kept) > COHORTS_KEPT:
            self._kept.popitem(last=False)
        return kept.cohort

    def _first(self, place: FacePlace) -> Values:
        """The first `LOOKED_AT` faces by image_id, of all partitions."""
        most = 2 * -(-LOOKED_AT // place.shards)
        while True:
            parts = list(self.network.map(self.items.read, repeat(place), range(place.shards), repeat(most)))
            # A partition may have more behind its last photo, or of it.
            ends = [part.photos[-1].bytes for part in parts if len(part.photos) == most]
            end = min(ends, default=b"\xff" * 17)
            keys = [photo.bytes for part in parts for photo in part.photos]
            order = sorted((row for row, key in enumerate(keys) if key < end), key=lambda row: keys[row])
            if len(order) >= LOOKED_AT or not ends:
                values = np.concatenate([part.values for part in parts])
                return values[np.array(order[:LOOKED_AT], np.int64)]
            most *= 2
