"""The embedded matcher: our own engine, and an exact scan over the event's faces in memory."""

from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass

import numpy as np

from facesearch.confidence import threshold
from facesearch.engine import Embedding, FaceEngine
from facesearch.index import EventIndex, IndexCache
from facesearch.models import Event, PhotoMatch

SURE = 0.55
"""Cosine from which a match is taken as a further picture of the probe: false match rate below 1e-6."""
SURE_AT_MOST = 20
SECOND_PASS_THRESHOLD = 0.50
"""The second pass is never laxer than the default confidence."""
SECOND_PASS_FLOOR = 0.42
"""The selfie itself must be at least this close (false match rate 1e-4) to a photo that only the second pass finds:
a wrong picture among the sure ones must not pull in its own person."""


@dataclass(frozen=True, eq=False)
class EmbeddedProbe:
    """The selfie's embedding, shape (128,), and the event's index, which is brought up to date meanwhile."""

    embedding: Embedding
    index: Future[EventIndex]


class EmbeddedMatcher:
    """`Matcher` over a `FaceEngine` and the index in memory."""

    def __init__(self, engine: FaceEngine, indexes: IndexCache, background: Executor) -> None:
        self._engine = engine
        self._indexes = indexes
        self._background = background

    def probe(self, event: Event, selfie: bytes) -> EmbeddedProbe:
        """See `Matcher.probe`. Embedding is CPU and the index's refresh is network: they run side by side."""
        index = self._background.submit(self._indexes.current, event)
        try:
            return EmbeddedProbe(self._engine.probe(selfie), index)
        except BaseException:
            wait([index])  # the next search of this environment must not meet a half-done refresh
            raise

    def match(self, event: Event, probe: EmbeddedProbe) -> list[PhotoMatch]:
        """See `Matcher.match`."""
        return match_faces(probe.index.result(), probe.embedding, threshold(event.confidence))


def match_faces(index: EventIndex, probe: Embedding, minimum: float) -> list[PhotoMatch]:
    """Every photo with a face at or above `minimum` cosine, most similar to the selfie first, ties by image_id.

    A second probe, the normalised mean of the selfie and its surest matches, finds the photos that show the person in
    another pose or light. One match per photo, by its best face.
    """
    if not len(index.vectors):
        return []
    scores = index.vectors @ probe
    best = {number: score for number, (score, _) in index.best_by_photo(scores, minimum).items()}
    sure = sorted((row for _, row in index.best_by_photo(scores, SURE).values()), key=lambda row: -scores[row])
    if sure:
        wider = probe + index.vectors[sure[:SURE_AT_MOST]].sum(axis=0)
        again = index.vectors @ (wider / np.linalg.norm(wider))
        again[scores < SECOND_PASS_FLOOR] = -1
        for number, (_, row) in index.best_by_photo(again, max(minimum, SECOND_PASS_THRESHOLD)).items():
            best.setdefault(number, float(scores[row]))
    ranked = sorted(best, key=lambda number: (-best[number], index.photo(number).image_id))
    return [index.photo(number) for number in ranked]
