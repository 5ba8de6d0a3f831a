"""Verification: are two photos of one person? Over all pairs of a dataset, and the confidence scale that follows.

"True accept rate at a false match rate" is how such models are compared: at the cosine that so many pairs of strangers
reach, which share of the pairs of one person reaches it. Labels are taken as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesearch.faces.confidence import TABLE
from facesearch.faces.engine import Embedding

RATES = (1e-2, 1e-3, 1e-4, 1e-5)
ENOUGH = 10
"""Pairs of strangers that must reach a threshold for its rate to mean something: the error is a third then."""
MOST_PHOTOS = 12_000
"""72 million pairs, 300 MB. Of a larger dataset so many photos are drawn."""

Cosines = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Cosines of every two photos, each ascending."""

    same: Cosines
    strangers: Cosines


@dataclass(frozen=True)
class Rate:
    """One false match rate. `threshold` and `true_accept_rate` are None if the dataset is too small to tell."""

    false_match_rate: float
    threshold: float | None
    true_accept_rate: float | None


@dataclass(frozen=True)
class Calibration:
    """A row of the published table beside what the dataset says; None = not published, or not to be told from so few.

    Attributes:
        measured: false match rate at the published cosine.
        accepted: true match rate at the published cosine.
        cosine_here: where the published false match rate lies in the dataset.
    """

    percent: int
    cosine: float
    published: float | None
    measured: float | None
    cosine_here: float | None
    accepted: float | None = None

    @property
    def strangers_per_100_000(self) -> float | None:
        """Expected faces of strangers in a search among 100,000 faces, as measured."""
        return None if self.measured is None else self.measured * 100_000


def pairs_of(
    embeddings: Embedding,
    people: Sequence[str | None],
    folders: Sequence[str | None] | None = None,
    taken_off: NDArray[np.float64] | None = None,
    seed: int = 3,
) -> Pairs:
    """The pairs of photos whose people are known.

    Args:
        embeddings: shape (n, 128).
        people: whom each photo shows.
        folders: names of their folders; two people under one name are in no pair, they may be one person.
        taken_off: shape (n,), what levelling takes off each one's scores; None = bare cosines.
        seed: draws `MOST_PHOTOS` of more.
    """
    known = np.flatnonzero([person is not None for person in people])
    if len(known) > MOST_PHOTOS:
        known = np.sort(np.random.default_rng(seed).choice(known, MOST_PHOTOS, replace=False))
    vectors = np.ascontiguousarray(embeddings[known], np.float32)
    lower = np.zeros(len(known), np.float32) if taken_off is None else taken_off[known].astype(np.float32)
    numbers, names = (
        np.unique([str(labels[each]) for each in known.tolist()], return_inverse=True)[1]
        for labels in (people, folders or people)
    )
    same, strangers = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for row in range(len(vectors) - 1):
        cosines = vectors[row + 1 :] @ vectors[row] - lower[row + 1 :] - lower[row]
        alike = numbers[row + 1 :] == numbers[row]
        same.append(cosines[alike])
        strangers.append(cosines[names[row + 1 :] != names[row]])
    return Pairs(np.sort(np.concatenate(same)), np.sort(np.concatenate(strangers)))


def namesakes_of(embeddings: Embedding, people: Sequence[str | None], folders: Sequence[str | None]) -> Cosines:
    """Cosines, ascending, of the pairs of photos of two groups that lie in folders of one name: one person as a child
    and as an adult, a parent and a child, however the folders were laid out."""
    numbers, names = (np.unique([str(each) for each in labels], return_inverse=True)[1] for labels in (people, folders))
    found = [np.empty(0, np.float32)]
    for row in range(len(embeddings) - 1):
        namesake = (names[row + 1 :] == names[row]) & (numbers[row + 1 :] != numbers[row])
        found.append(embeddings[row + 1 :][namesake] @ embeddings[row])
    return np.sort(np.concatenate(found))


@dataclass(frozen=True)
class Namesakes:
    """Pairs of photos in folders of one name in two groups, and the share that reaches each confidence's cosine."""

    pairs: int
    reach: dict[int, float]


def namesakes(embeddings: Embedding, people: Sequence[str | None], folders: Sequence[str | None]) -> Namesakes:
    """What `namesakes_of` finds, at the published cosines."""
    found = namesakes_of(embeddings, people, folders)
    percents = [anchor for anchor in TABLE if 0 < anchor.percent < 100]
    return Namesakes(len(found), {each.percent: share_from(found, each.cosine) for each in percents if len(found)})


def threshold_at(strangers: Cosines, rate: float) -> float | None:
    """The lowest cosine that at most this share of the strangers reaches; None if fewer than `ENOUGH` would."""
    allowed = int(rate * len(strangers) + 1e-9)  # 1e-3 of 10,000 is 10, whatever binary fractions say
    if allowed < ENOUGH or allowed >= len(strangers):
        return None
    return float(np.nextafter(strangers[-allowed - 1], np.float32(2)))


def share_from(cosines: Cosines, threshold: float) -> float:
    """The share that reaches the threshold; `cosines` ascending, at least one."""
    return 1 - float(np.searchsorted(cosines, np.float32(threshold))) / len(cosines)


def rates(pairs: Pairs) -> list[Rate]:
    """True accept rates at `RATES`."""
    rows = []
    for rate in RATES:
        threshold = threshold_at(pairs.strangers, rate)
        known = threshold is not None and len(pairs.same) > 0
        rows.append(Rate(rate, threshold, share_from(pairs.same, threshold) if known and threshold else None))
    return rows


def calibration(pairs: Pairs) -> list[Calibration]:
    """The published table's rows between 0 and 100 percent, measured."""
    rows = []
    for anchor in TABLE:
        if 0 < anchor.percent < 100:
            reached = share_from(pairs.strangers, anchor.cosine) if len(pairs.strangers) else 0.0
            rows.append(
                Calibration(
                    anchor.percent,
                    anchor.cosine,
                    anchor.false_match_rate,
                    reached if reached * len(pairs.strangers) >= ENOUGH else None,
                    threshold_at(pairs.strangers, anchor.false_match_rate) if anchor.false_match_rate else None,
                    share_from(pairs.same, anchor.cosine) if len(pairs.same) else None,
                )
            )
    return rows


@dataclass(frozen=True)
class Distribution:
    """How many pairs have which cosine, in `BINS` bins from -1 to 1: what curves are drawn of."""

    same: list[int]
    strangers: list[int]


BINS = 200


def distribution(pairs: Pairs) -> Distribution:
    """Both kinds of pairs, counted."""
    edges = np.linspace(-1, 1, BINS + 1)
    return Distribution(*(_counted(each, edges) for each in (pairs.same, pairs.strangers)))


def _counted(cosines: Cosines, edges: NDArray[np.float64]) -> list[int]:
    counts: list[int] = np.histogram(np.clip(cosines, -1, 1), edges)[0].tolist()
    return counts
