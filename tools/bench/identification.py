"""Searches offline: a dataset's faces in an index, found by the matcher that the search function runs."""

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from facesearch.faces.embedded import SECOND_PASS, SecondPass, match_faces
from facesearch.faces.engine import Embedding
from facesearch.faces.index.event import EventIndex
from facesearch.faces.packing import pack
from facesearch.models import DEFAULT_MODEL
from facesearch.records import Photo
from tools.bench.bootstrap import Estimate, Sums, estimate, never_seen, resampled, sums_by_person
from tools.bench.embeddings import Seen

_NAMESPACE = uuid.UUID("6c0e5b4c-6f0b-5d0c-9a54-0d1b8b9f3a57")


class Counts(NamedTuple):
    """One search's outcome in photos; what counts neither way is left out.

    Attributes:
        person: whose selfie it was.
    """

    person: str
    right: int
    strangers: int
    missed: int


@dataclass(frozen=True)
class Found:
    """Outcomes of searches."""

    counts: tuple[Counts, ...] = ()

    @property
    def searches(self) -> int:
        """How many there were."""
        return len(self.counts)

    @property
    def right(self) -> int:
        """Photos of the selfies' owners that were found."""
        return sum(each.right for each in self.counts)

    @property
    def strangers(self) -> int:
        """Photos of others that were found."""
        return sum(each.strangers for each in self.counts)

    @property
    def missed(self) -> int:
        """Photos of the selfies' owners that were not found."""
        return sum(each.missed for each in self.counts)

    @property
    def with_strangers(self) -> int:
        """Searches that returned at least one stranger."""
        return sum(each.strangers > 0 for each in self.counts)

    @property
    def precision(self) -> float | None:
        """None if nothing was found at all."""
        return self.right / (self.right + self.strangers) if self.right + self.strangers else None

    @property
    def recall(self) -> float | None:
        """None if there was nothing to find."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Precision, recall and strangers a search, with their intervals."""
        figures = {"precision": _precision, "recall": _recall, "strangers_a_search": _strangers}
        if not self.counts:
            return dict.fromkeys(figures, Estimate(None, None, None))
        people = np.unique([each.person for each in self.counts], return_inverse=True)[1]
        sums = sums_by_person(people, np.array([(1, *each[1:]) for each in self.counts]))
        draws = resampled(sums)
        found = {name: estimate(sums.sum(axis=0), draws, figure) for name, figure in figures.items()}
        if not self.strangers:
            found["strangers_a_search"] = never_seen(len(sums))
        return found

    def figures(self) -> dict[str, Any]:
        """For JSON: totals, precision, recall, strangers a search, and the intervals of these three."""
        totals = ("searches", "right", "strangers", "missed", "with_strangers", "precision", "recall")
        spans = {f"{name}_interval": [each.low, each.high] for name, each in self.estimates.items()}
        return (
            {name: getattr(self, name) for name in totals}
            | {"strangers_a_search": self.estimates["strangers_a_search"].value}
            | spans
        )

    def line(self) -> str:
        """Under `COLUMNS`."""
        of = self.estimates
        return (
            f"{self.searches:8}  {cell(of['precision'].value):>9}  {cell(of['recall'].value):>6} "
            f"{span(of['recall'], '.3f'):>13}  {cell(of['strangers_a_search'].value):>18} "
            f"{span(of['strangers_a_search'], '.3f'):>15}  {self.with_strangers:14}"
        )


COLUMNS = "searches  precision  recall        [95 %]  strangers a search          [95 %]  with strangers"


def cell(value: float | None, form: str = ".4f") -> str:
    """A table's cell; "-" for what has no value."""
    return "-" if value is None else format(value, form)


def span(of: Estimate, form: str) -> str:
    """An interval as a table's cell."""
    return "-" if of.low is None or of.high is None else f"[{of.low:{form}} {of.high:{form}}]"


def _strangers(sums: Sums) -> Sums:
    """Sums are searches, right, strangers, missed."""
    return np.asarray(sums[..., 2] / sums[..., 0])


def _precision(sums: Sums) -> Sums:
    return np.asarray(sums[..., 1] / (sums[..., 1] + sums[..., 2]))


def _recall(sums: Sums) -> Sums:
    return np.asarray(sums[..., 1] / (sums[..., 1] + sums[..., 3]))


def summed(found: Iterable[Found]) -> Found:
    """All searches together."""
    return Found(tuple(counts for each in found for counts in each.counts))


@dataclass(frozen=True, eq=False)
class Photos:
    """An event's index of photos that are known here by their numbers."""

    index: EventIndex
    numbers: Mapping[uuid.UUID, int]

    def search(
        self, selfie: Embedding, minimum: float, pool: Executor, again: SecondPass | None = SECOND_PASS
    ) -> set[int]:
        """The numbers of the photos that the product's matcher finds."""
        return {self.numbers[match.image_id] for match in match_faces(self.index, selfie, minimum, pool, again)}


def index_of(seen: Sequence[Seen]) -> Photos:
    """An event's index of these photos. Their ids are hashes, as real ones are, in an order that says nothing."""
    index = EventIndex(0, DEFAULT_MODEL)
    ids = [uuid.uuid5(_NAMESPACE, str(place)) for place in range(len(seen))]
    index.apply(
        Photo(image_id, "indexed", "", 1, 1, DEFAULT_MODEL, pack(each.faces), changed_at=1)
        for image_id, each in zip(ids, seen, strict=True)
    )
    return Photos(index, {image_id: place for place, image_id in enumerate(ids)})


@dataclass(frozen=True)
class Wanted:
    """What one selfie should find.

    Attributes:
        person: whose selfie it is.
        theirs: numbers of the photos that it should find.
        neither: numbers that count neither way: the selfie's own photo, the person's under the same name elsewhere.
    """

    person: str
    theirs: Collection[int]
    neither: Collection[int] = ()

    def counts(self, found: Collection[int]) -> Counts:
        """The outcome of a search that found these photos."""
        right = len(set(found).intersection(self.theirs))
        strangers = len(set(found).difference(self.theirs, self.neither))
        return Counts(self.person, right, strangers, len(self.theirs) - right)


def search_all(
    photos: Photos,
    selfies: Sequence[Embedding | None],
    wanted: Mapping[int, Wanted],
    minimum: float,
    pool: Executor,
    again: SecondPass | None = SECOND_PASS,
) -> Found:
    """Search with some selfies.

    Args:
        photos: among which is searched.
        selfies: embeddings; None for one that the product refuses, which finds nothing.
        wanted: by the number of a selfie, what it should find.
        minimum: cosine.
        pool: scans.
        again: the second pass; None = none.
    """
    outcomes = []
    for place, each in wanted.items():
        selfie = selfies[place]
        outcomes.append(each.counts(() if selfie is None else photos.search(selfie, minimum, pool, again)))
    return Found(tuple(outcomes))


def others_of(
    people: Sequence[str | None], most: int | None = None, seed: int = 2, folders: Sequence[str | None] | None = None
) -> dict[int, Wanted]:
    """Photos of people who have several, each as a selfie with its person's other photos.

    Args:
        people: whom each photo shows; None = nobody known.
        most: so many people, one photo of each; None = every photo.
        seed: draws them.
        folders: the name of each person's folder; photos of another person under the same name count neither way.
    """
    counts = Counter(person for person in people if person is not None)
    eligible = sorted(person for person, count in counts.items() if count > 1)
    photos, namesakes = _places(people), _places(folders or people)
    chosen = {person: photos[person] for person in eligible}
    if most is not None:
        chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
        drawn = sorted(chance.sample(eligible, min(most, len(eligible))))
        chosen = {person: [chance.choice(photos[person])] for person in drawn}
    return {
        place: Wanted(
            person,
            [other for other in photos[person] if other != place],
            {place, *namesakes[(folders or people)[place]]}.difference(set(photos[person]) - {place}),
        )
        for person, selfies in chosen.items()
        for place in selfies
    }


def _places(names: Sequence[str | None]) -> dict[str | None, list[int]]:
    places: dict[str | None, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        places[name].append(place)
    return places
