"""Searches offline: a dataset's faces in an index, found by the matcher that the search function runs."""

import random
import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from facesearch.embedded import SECOND_PASS, SecondPass, match_faces
from facesearch.engine import DEFAULT_MODEL
from facesearch.index import EventIndex
from facesearch.packing import pack
from facesearch.photos import PhotoChange
from tools.bench.embeddings import Seen


@dataclass(frozen=True)
class Found:
    """Outcomes of searches, counted in photos; a selfie's own photo does not count.

    Attributes:
        with_strangers: searches that returned at least one stranger.
    """

    searches: int = 0
    right: int = 0
    strangers: int = 0
    missed: int = 0
    with_strangers: int = 0

    @property
    def precision(self) -> float | None:
        """None if nothing was found at all."""
        return self.right / (self.right + self.strangers) if self.right + self.strangers else None

    @property
    def recall(self) -> float | None:
        """None if there was nothing to find."""
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    def line(self) -> str:
        """Under `COLUMNS`."""
        shares = ["-" if share is None else f"{share:.4f}" for share in (self.precision, self.recall)]
        return f"{self.searches:8}  {shares[0]:>9}  {shares[1]:>6}  {self.with_strangers:14}"


COLUMNS = "searches  precision  recall  with strangers"


def index_of(seen: Sequence[Seen]) -> EventIndex:
    """An event's index of these photos; photo number n is image_id UUID(int=n)."""
    index = EventIndex(0, DEFAULT_MODEL)
    index.apply(
        PhotoChange(uuid.UUID(int=number), 1, "indexed", DEFAULT_MODEL, pack(each.faces), 1, 1)
        for number, each in enumerate(seen)
    )
    return index


def search_all(
    index: EventIndex,
    seen: Sequence[Seen],
    wanted: Mapping[int, Collection[int]],
    minimum: float,
    pool: Executor,
    again: SecondPass | None = SECOND_PASS,
    *,
    inside: bool = True,
) -> Found:
    """Search with some photos as selfies.

    Args:
        index: of the photos among which is searched.
        seen: what the selfies are taken from.
        wanted: by the number of a selfie in `seen`, the numbers of the index's photos that it should find.
        minimum: cosine.
        pool: scans.
        again: the second pass; None = none.
        inside: the index is of the photos of `seen`; a selfie that finds its own photo has found nothing.
    """
    right = strangers = missed = with_strangers = 0
    for number, theirs in wanted.items():
        selfie = seen[number].selfie
        found = set()
        if selfie is not None:
            found = {match.image_id.int for match in match_faces(index, selfie, minimum, pool, again)}
        hit = len(found.intersection(theirs))
        wrong = len(found.difference(theirs, {number} if inside else ()))
        right, strangers, missed = right + hit, strangers + wrong, missed + len(theirs) - hit
        with_strangers += wrong > 0
    return Found(len(wanted), right, strangers, missed, with_strangers)


def others_of(people: Sequence[str | None], most: int | None = None, seed: int = 2) -> dict[int, Collection[int]]:
    """Photos of people who have several, each as a selfie with its person's other photos.

    Args:
        people: whom each photo shows; None = nobody known.
        most: so many people, one photo of each; None = every photo.
        seed: draws them.
    """
    counts = Counter(person for person in people if person is not None)
    eligible = sorted(person for person, count in counts.items() if count > 1)
    photos = {person: [number for number, whose in enumerate(people) if whose == person] for person in eligible}
    chosen = photos
    if most is not None:
        chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
        drawn = sorted(chance.sample(eligible, min(most, len(eligible))))
        chosen = {person: [chance.choice(photos[person])] for person in drawn}
    return {
        number: [other for other in photos[person] if other != number]
        for person, selfies in chosen.items()
        for number in selfies
    }
