"""The embedded matcher: our own engine over the event's index, whichever it has."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.errors import OtherPerson
from facesearch.faces.confidence import threshold
from facesearch.faces.engine import Embedding, EngineOf, FaceEngine, SelfieProbe
from facesearch.faces.index.cohort import Cohort
from facesearch.faces.index.port import FaceIndex, Hits, IndexMovedError, IndexOf
from facesearch.faces.index.vectors import Probe, cosines, probe_of
from facesearch.faces.matching import Likeness, StoredProbe, StoringMatcher
from facesearch.faces.packing import values_of
from facesearch.faces.several import naming
from facesearch.models import Event, PhotoMatch, SearchKey, SearchSummary


@dataclass(frozen=True)
class SecondPass:
    """How a second probe is made of the selfie and its surest matches, and what it may add. Cosines are relative to the
    event's threshold, or to `least` if that is higher: the second pass is never laxer than the default confidence.

    Attributes:
        sure: above the threshold; a match from here on is taken as a further picture of the selfie's owner.
        most: so many of them, the surest.
        margin: above the threshold; what the second probe finds must reach it. A mean of pictures is nearer to
            everybody, strangers included, and a stranger among the sure ones pulls in its own pictures.
        floor: below the threshold; so close must the selfie itself be to a photo that only the second probe finds.
        rounds: how often a probe is made; from the second time on of what the one before has found and is sure of.
    """

    least: float = 0.50
    sure: float = 0.02
    most: int = 20
    margin: float = 0.03
    floor: float = 0.14
    rounds: int = 2

    def base(self, minimum: float) -> float:
        """What the others are relative to, for an event's threshold."""
        return max(minimum, self.least)


SECOND_PASS = SecondPass()
"""Chosen by `python -m tools.bench.second_pass` (ADR 4). At the default confidence a match is sure from .52, false
match rate about 2e-6, and whatever is found has at least .36 to the selfie itself, false match rate 1e-3."""

SAME_PERSON = 60
"""Percent that every two selfies must reach. Laxer than any search (false match rate 1e-3): it need only notice a
picture of somebody else, and should accept two pictures of one person in different light and pose."""

_STORED = np.dtype("<f4")


@dataclass(frozen=True, eq=False)
class EmbeddedProbe:
    """The selfie's embedding, shape (128,), and the event's index, which is brought up to date meanwhile. `faces`: how
    many the selfie shows, of several the one with the most; None of a stored probe."""

    embedding: Embedding
    index: Future[FaceIndex]
    faces: int | None = None


@dataclass(frozen=True, kw_only=True)
class EmbeddedMatcher(StoringMatcher[EmbeddedProbe]):
    """`StoringMatcher` over a `FaceIndex` and the engine that made its faces: `background` brings indexes up to date,
    `pool` scans them."""

    engines: EngineOf
    indexes: IndexOf
    background: Executor
    pool: Executor

    @override
    def probe(
        self,
        event: Event,
        selfies: Sequence[bytes],
        search: SearchKey | None = None,
        seconds: float = math.inf,
        accepted: Callable[[], None] = lambda: None,
    ) -> EmbeddedProbe:
        """Embedding is CPU and the index's refresh is network: they run side by side."""
        engine = self.engines(event.model)
        index = self.background.submit(self.indexes, event)
        try:
            person = _person(engine, event.model, selfies, accepted)
            return EmbeddedProbe(person.embedding, index, person.faces)
        except BaseException:
            wait([index])  # the next search of this environment must not meet a half-done refresh
            raise

    @override
    def match(self, event: Event, probe: EmbeddedProbe) -> list[PhotoMatch]:
        index = probe.index.result()
        while True:
            try:
                return match_faces(index, probe.embedding, threshold(event.confidence, event.model), self.pool)
            except IndexMovedError as moved:
                index = self.indexes(moved.event)

    @override
    def likeness(self, event: Event, probe: EmbeddedProbe) -> Likeness:
        """By the selfie's own embedding; what levelling takes off its scores is added to what is enough."""
        minimum, by = threshold(event.confidence, event.model), probe_of(probe.embedding)
        taken_off = probe.index.result().cohort.of_probe(by)
        sure = SECOND_PASS.base(minimum) + SECOND_PASS.sure
        return Likeness(
            event.model,
            minimum + taken_off,
            sure + taken_off,
            is_alike=taken_off > 0,
            cosines=lambda faces: cosines(values_of(faces), by),
        )

    @override
    def summary(self, event: Event, probe: EmbeddedProbe, photos: Sequence[PhotoMatch]) -> SearchSummary:
        return replace(super().summary(event, probe, photos), selfie_faces=probe.faces)

    def shows(self, event: Event, probe: EmbeddedProbe, selfies: Sequence[bytes], picture: bytes) -> bool:
        """See `deletion.person.PersonMatcher`. Bare, not levelled: rather a search too many goes."""
        found = self.engines(event.model).probe(picture).embedding
        return float(np.dot(found, probe.embedding)) >= threshold(event.confidence, event.model)

    @override
    def keepable(self, event: Event, selfies: Sequence[bytes]) -> StoredProbe:
        """512 bytes."""
        person = _person(self.engines(event.model), event.model, selfies)
        return StoredProbe(event.model, person.embedding.astype(_STORED).tobytes())

    @override
    def recall(self, event: Event, kept: Sequence[StoredProbe]) -> list[EmbeddedProbe]:
        """The index is brought up to date once for all of them."""
        index: Future[FaceIndex] = Future()
        index.set_result(self.indexes(event))
        return [EmbeddedProbe(embedding_of(each), index) for each in kept]


def _person(
    engine: FaceEngine, model: str, selfies: Sequence[bytes], accepted: Callable[[], None] = lambda: None
) -> SelfieProbe:
    """The one person that all selfies show, alike by the scale of the event's model, and the most faces in one.

    A single selfie is `accepted` once it shows a face; of several nobody knows before the end whether they are alike.
    """
    if len(selfies) == 1:
        return engine.probe(selfies[0], accepted)
    seen = []
    for number, selfie in enumerate(selfies, 1):
        with naming(number, len(selfies)):
            seen.append(engine.probe(selfie))
    return SelfieProbe(averaged([each.embedding for each in seen], model), max(each.faces for each in seen))


def averaged(embeddings: Sequence[Embedding], model: str) -> Embedding:
    """The normalised mean of a model's embeddings, each of shape (128,); of a single one, that one as it is.
    `OtherPerson`: two of them are not alike."""
    if len(embeddings) == 1:
        return embeddings[0]
    rows = np.array(embeddings, np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T
    least = threshold(SAME_PERSON, model)
    if any(cosines[one, other] < least for one, other in combinations(range(len(rows)), 2)):
        raise OtherPerson(_who(cosines, least))
    mean = rows.sum(axis=0)
    unit: Embedding = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit


def _who(cosines: NDArray[np.float64], least: float) -> str:
    if len(cosines) == 2:
        return "Selfie 2 does not show the same person as selfie 1."
    odd = int(cosines.sum(axis=0).argmin())  # with itself each is 1
    others = [number for number in range(len(cosines)) if number != odd]
    if all(cosines[one, other] >= least for one, other in combinations(others, 2)):
        return f"Selfie {odd + 1} does not show the same person as the others."
    return "The selfies show different people. Send pictures of one person."


def embedding_of(kept: StoredProbe) -> Embedding:
    """The embedding, shape (128,), that was kept."""
    return np.frombuffer(kept.values, _STORED).astype(np.float32)


def match_faces(
    index: FaceIndex, embedding: Embedding, minimum: float, pool: Executor, again: SecondPass | None = SECOND_PASS
) -> list[PhotoMatch]:
    """Every photo with a face whose levelled score reaches `minimum`, most similar first, ties by image_id.

    A face's score is its cosine to the probe less what the event's cohort takes off both (see `index.cohort`). A second
    probe, the normalised mean of the selfie and its surest matches, finds the photos that show the person in another
    pose or light. One match per photo, by its best face. `again` None: the selfie alone.
    """
    probe = probe_of(embedding)
    # The second pass looks only at faces from its floor on, so one scan serves both.
    hits = index.search(probe, minimum if again is None else min(minimum, again.base(minimum) - again.floor), pool)
    levelled = _Levelled(hits, index.cohort)
    taken_off = index.cohort.of_probe(probe)
    best = levelled.best_by_photo(hits.cosines, minimum + taken_off)
    if again is not None:
        for photo, row in _second_pass(levelled, probe, taken_off, minimum, again).items():
            best.setdefault(photo, row)
    found = [(-hits.cosines[row], index.photo(photo)) for photo, row in best.items()]
    return [photo for _, photo in sorted(found, key=lambda each: (each[0], each[1].image_id))]


def _second_pass(
    levelled: "_Levelled", probe: Probe, taken_off: float, minimum: float, settings: SecondPass
) -> dict[int, int]:
    """What the second probe finds, as `best_by_photo` says it. `taken_off`: of the first probe's scores."""
    found: dict[int, int] = {}
    hits, base = levelled.hits, settings.base(minimum)
    sure, enough = base + settings.sure, base + settings.margin
    scores, pictures_before = hits.cosines, list[int]()
    for _ in range(settings.rounds):
        surest = levelled.best_by_photo(scores, sure + taken_off).values()
        rows = sorted(surest, key=lambda row: -scores[row])[: settings.most]
        if rows == pictures_before:  # none, or the same again
            break
        pictures = hits.values[rows].astype(np.float64)
        pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
        by = probe_of(probe.exact + pictures.sum(axis=0))
        scores, taken_off = cosines(hits.values, by), levelled.cohort.of_probe(by)
        scores[hits.cosines < base - settings.floor] = -1
        found |= levelled.best_by_photo(scores, enough + taken_off)
        sure, pictures_before = max(sure, enough), rows
    return found


class _Levelled:
    """Hits, and which of them reach a minimum once the cohort has taken off what it does."""

    def __init__(self, hits: Hits, cohort: Cohort) -> None:
        self.hits = hits
        self.cohort = cohort
        self._taken_off = np.full(len(hits.cosines), np.nan)
        """Of each hit's scores; NaN where it has not mattered yet. Someone on a third of the photos has thousands."""

    def best_by_photo(self, scores: NDArray[np.float64], minimum: float) -> dict[int, int]:
        """The row of each photo's best face, of those whose cosine to a probe, shape (hits,), less what is taken off
        the face's scores reaches the minimum; what is off the probe's is added to it."""
        rows = np.flatnonzero(scores >= minimum)
        unsure = rows[scores[rows] < minimum + self.cohort.most]
        unknown = unsure[np.isnan(self._taken_off[unsure])]
        self._taken_off[unknown] = self.cohort.of_faces(self.hits.values[unknown])
        below = unsure[scores[unsure] - self._taken_off[unsure] < minimum]
        rows = np.setdiff1d(rows, below, assume_unique=True)
        rows = rows[np.argsort(scores[rows], kind="stable")]  # ascending, so that the best is written last
        return dict(zip(self.hits.photos[rows].tolist(), rows.tolist(), strict=True))
