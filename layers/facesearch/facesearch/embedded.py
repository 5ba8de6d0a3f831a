"""The embedded matcher: our own engine, and an exact scan over the event's faces in memory."""

from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesearch.confidence import threshold
from facesearch.engine import Embedding, EngineOf
from facesearch.index import EventIndex, IndexCache, probe_of
from facesearch.index.event import Hits
from facesearch.index.vectors import cosines
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
    """`Matcher` over a `FaceEngine` and the index in memory, both of the event's model."""

    def __init__(self, engines: EngineOf, indexes: IndexCache, background: Executor, pool: Executor) -> None:
        """Take the parts; `background` brings indexes up to date, `pool` scans them."""
        self._engines = engines
        self._indexes = indexes
        self._background = background
        self._pool = pool

    def probe(self, event: Event, selfie: bytes) -> EmbeddedProbe:
        """See `Matcher.probe`. Embedding is CPU and the index's refresh is network: they run side by side."""
        engine = self._engines(event.model)
        index = self._background.submit(self._indexes.current, event)
        try:
            return EmbeddedProbe(engine.probe(selfie), index)
        except BaseException:
            wait([index])  # the next search of this environment must not meet a half-done refresh
            raise

    def match(self, event: Event, probe: EmbeddedProbe) -> list[PhotoMatch]:
        """See `Matcher.match`."""
        return match_faces(probe.index.result(), probe.embedding, threshold(event.confidence), self._pool)


def match_faces(index: EventIndex, embedding: Embedding, minimum: float, pool: Executor) -> list[PhotoMatch]:
    """Every photo with a face at or above `minimum` cosine, most similar to the selfie first, ties by image_id.

    A second probe, the normalised mean of the selfie and its surest matches, finds the photos that show the person in
    another pose or light. One match per photo, by its best face.
    """
    probe = probe_of(embedding)
    # The second pass looks only at faces from its floor on, so one scan serves both.
    hits = index.search(probe, min(minimum, SECOND_PASS_FLOOR), pool)
    best = _best_by_photo(hits, hits.cosines, minimum)
    sure = sorted(_best_by_photo(hits, hits.cosines, SURE).values(), key=lambda row: -hits.cosines[row])
    if sure:
        surest = hits.values[sure[:SURE_AT_MOST]].astype(np.float64)
        surest /= np.linalg.norm(surest, axis=1, keepdims=True)
        again = cosines(hits.values, probe_of(probe.exact + surest.sum(axis=0)))
        again[hits.cosines < SECOND_PASS_FLOOR] = -1
        for photo, row in _best_by_photo(hits, again, max(minimum, SECOND_PASS_THRESHOLD)).items():
            best.setdefault(photo, row)
    found = [(-hits.cosines[row], index.photo(photo)) for photo, row in best.items()]
    return [photo for _, photo in sorted(found, key=lambda each: (each[0], each[1].image_id))]


def _best_by_photo(hits: Hits, scores: NDArray[np.float64], minimum: float) -> dict[int, int]:
    """The row of each photo's best face, of those that reach the minimum."""
    rows = np.flatnonzero(scores >= minimum)
    rows = rows[np.argsort(scores[rows], kind="stable")]  # ascending, so that the best is written last
    return dict(zip(hits.photos[rows].tolist(), rows.tolist(), strict=True))
