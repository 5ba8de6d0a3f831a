"""Event health: what an event's records say about how well searches in it can do, and about when not to promise that.

The confidence scale was measured on adults. Two faces of one photo are surely two people, so an event tells by itself
how alike its strangers are; and of levelled scores of any two faces (`index.cohort`), nearly all of strangers, those
that reach a threshold are too few to be counted, but as many as a normal law through their body says.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.confidence import threshold
from facesearch.faces.index.cohort import SAME_PERSON
from facesearch.faces.index.event import EventIndex
from facesearch.faces.index.vectors import Values, inverse_norms
from facesearch.faces.packing import FACE_BYTES
from facesearch.faces.qualities import BLURRED, QUALITY_BYTES, unpack_qualities
from facesearch.models import Event
from facesearch.records import Photo, PhotoStore

CONFIDENCES = (60, 70, 80, 90, 95, 99)
SMALL, TINY = 40, 32
"""Pixels. Of faces of 40 px nine in ten are found, of 32 px eight, of 24 px, the smallest that are indexed, five."""
KEPT_FACES = 200_000
"""Vectors that are looked at, 26 MB. They are those of the first photos by image_id, a hash: a random sample."""
SAMPLED_FACES = 5_000
"""The same where it must not take long: some 10 ms."""
PAIRS = 20_000
"""Drawn of each kind. A rate of 1e-6 by a law through so many is right within a third."""
ENOUGH_PAIRS = 100
"""That there must be, for quantiles of them to mean something."""
ENOUGH_FOR_A_LAW = 1_000
"""That there must be of two photos, 46 faces, for what lies far above them to be told."""
ALIKE_TOGETHER = 0.36
"""The 90 % quantile of cosines of two faces of one photo from which an event is unusual: midway between a road race of
adults and a race of children."""
ALIKE_APART = 0.28
"""The same of faces of two photos: midway between adults at a race, many of them blurred and so more alike than in
portraits, and children's portraits."""
BODY = 0.95
"""The quantile that the normal law is laid through, beside the median. As far as rates can be counted, it is right
within a half for adults and for children; beyond 1e-6 strangers are more frequent than it says."""

_NORMAL = NormalDist()
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Alikeness:
    """How near to each other faces of different people are: quantiles of the cosines of these pairs, of which at most
    `PAIRS` were drawn."""

    pairs: int
    q75: float
    q90: float


@dataclass(frozen=True)
class Looks:
    """How the faces look that were measured, which those of re-indexed photos were not: the median of their boxes' long
    sides, and the shares below `SMALL` and `TINY` pixels, and of large ones without detail."""

    faces: int
    median_pixels: int
    small: float
    tiny: float
    blurred: float


@dataclass(frozen=True)
class Health:
    """What an event's records say.

    Attributes:
        photos: failed ones included; `unseen` ones have no faces by the event's model yet.
        looks: None if no face was measured.
        together: of faces of one photo; None if there are too few pairs.
        apart: of faces of two photos, the nearest left out, which may be one person's; None if there are too few.
        strangers: by confidence, how many strangers' faces a search may be expected to find by the selfie alone; None
            if there are too few faces to tell. The event's own confidence is among them.
        alike: whether the faces are unusually alike; None if nobody can tell.
    """

    photos: int
    without_faces: int
    failed: int
    unseen: int
    faces: int
    looks: Looks | None
    together: Alikeness | None
    apart: Alikeness | None
    strangers: dict[int, float] | None
    alike: bool | None


def health_of(
    event: Event, store: PhotoStore, pool: Executor, advance: Callable[[int], None] = lambda _: None
) -> Health:
    """Read the event's records once, every shard at once, and say what they tell. `advance` is called with how many
    more photos were read, from any thread."""
    most = -(-KEPT_FACES // event.shards)

    def read(shard: int) -> tuple[Counter[str], bytearray, list[Photo]]:
        counts, qualities, kept = Counter[str](), bytearray(), list[Photo]()
        for photo in store.records(event.event_id, shard):
            packed = photo.faces_by(event.model)
            faces, failed = len(packed or b"") // FACE_BYTES, photo.status == "failed"
            if packed and counts["faces"] < most:
                kept.append(photo)
            counts.update(
                photos=1, faces=faces, failed=failed, unseen=not failed and packed is None, without_faces=packed == b""
            )
            if photo.model == event.model and len(photo.qualities) == faces * QUALITY_BYTES:
                qualities += photo.qualities
            advance(1)
        return counts, qualities, kept

    read_counts, qualities, kept = zip(*pool.map(read, range(event.shards)), strict=True)
    counts = sum(read_counts, Counter[str]())
    index = EventIndex(event.event_id, event.model)
    index.apply(chain.from_iterable(kept))
    percents = sorted({*CONFIDENCES, event.confidence})
    together, (apart, rate) = alike_together(index, KEPT_FACES), _apart(index)
    told = [each for each in (together and is_alike(together), apart and apart.q90 >= ALIKE_APART) if each is not None]
    return Health(
        photos=counts["photos"],
        without_faces=counts["without_faces"],
        failed=counts["failed"],
        unseen=counts["unseen"],
        faces=counts["faces"],
        looks=_looks(b"".join(qualities)),
        together=together,
        apart=apart,
        strangers=rate and {each: counts["faces"] * rate(threshold(each, event.model)) for each in percents},
        alike=any(told) if told else None,
    )


def alike_together(index: EventIndex, faces: int = SAMPLED_FACES) -> Alikeness | None:
    """How alike two faces of one photo are, of the first so many faces; None if there are too few pairs."""
    values, photos = index.first_faces(faces)
    photos = np.cumsum(np.diff(photos, prepend=photos[:1]) != 0)  # ascending, as their numbers are not
    begins, ends = (np.searchsorted(photos, photos, side) for side in ("left", "right"))
    others = ends - begins - 1
    pairs = int(others.sum()) // 2
    if pairs < ENOUGH_PAIRS:
        return None
    rng = np.random.default_rng(0)
    # A face of the event and another one beside it: so a crowd counts by its faces, not by its pairs.
    one = np.flatnonzero(others)[rng.integers(0, np.count_nonzero(others), PAIRS)]
    other = begins[one] + (one - begins[one] + 1 + rng.integers(0, others[one])) % (others[one] + 1)
    return Alikeness(pairs, *np.quantile(_cosines(values, one, other), [0.75, 0.9]).tolist())


def is_alike(together: Alikeness) -> bool:
    """Whether faces of one photo are so alike that the event is unusual."""
    return together.q90 >= ALIKE_TOGETHER


def _looks(packed: bytes) -> Looks | None:
    if not packed:
        return None
    found = unpack_qualities(packed)
    return Looks(
        faces=len(found.pixels),
        median_pixels=round(float(np.median(found.pixels))),
        small=float((found.pixels < SMALL).mean()),
        tiny=float((found.pixels < TINY).mean()),
        blurred=float(((found.sharpness < BLURRED) & (found.pixels >= SMALL)).mean()),
    )


def _apart(index: EventIndex) -> tuple[Alikeness | None, Callable[[float], float] | None]:
    """How alike faces of two photos are, and the share of strangers' levelled scores that reach a threshold."""
    values, photos = index.first_faces(KEPT_FACES)
    counts = np.unique(photos, return_counts=True)[1]
    pairs = (len(values) ** 2 - int((counts**2).sum())) // 2
    if pairs < ENOUGH_PAIRS:
        return None, None
    one, other = np.random.default_rng(1).integers(0, len(values), (2, PAIRS))
    cosines = _cosines(values, one, other)
    # Of an event of ten people, a tenth of the pairs are one person's, and most of those are as near as that.
    counted = (photos[one] != photos[other]) & (cosines < SAME_PERSON)
    # Few faces are drawn again and again: what counts is how many pairs there are.
    distinct = np.unique(np.minimum(one, other)[counted] * len(values) + np.maximum(one, other)[counted])
    if len(distinct) < ENOUGH_PAIRS:
        return None, None
    cosines, one, other = cosines[counted], one[counted], other[counted]
    alikeness = Alikeness(pairs, *np.quantile(cosines, [0.75, 0.9]).tolist())
    if pairs < ENOUGH_FOR_A_LAW:
        return alikeness, None
    rows, where = np.unique(np.concatenate([one, other]), return_inverse=True)
    taken_off = index.cohort.of_faces(values[rows])[where].reshape(2, -1).sum(axis=0)
    return alikeness, _law(cosines - taken_off)


def _law(scores: NDArray[np.float64]) -> Callable[[float], float]:
    """The share of scores that reach a threshold, by the normal law that has their median and their `BODY` quantile."""
    median, high = np.quantile(scores, [0.5, BODY]).tolist()
    deviation = max(high - median, 1e-6) / _NORMAL.inv_cdf(BODY)  # copies of one face have none
    return lambda least: _NORMAL.cdf((median - least) / deviation)


def _cosines(values: Values, one: Rows, other: Rows) -> NDArray[np.float64]:
    """Of each pair of rows."""
    norms = inverse_norms(values).astype(np.float64)
    dots = np.einsum("ij,ij->i", values[one], values[other], dtype=np.int32)
    return np.asarray(dots * norms[one] * norms[other], np.float64)
