"""What a second and a third selfie bring: searches by several, made one probe as the product does, of the same people
among the same photos. Selfies that the product refuses as of two people find nothing."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from facesearch.errors import OtherPerson
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import averaged
from facesearch.faces.engine import Embedding
from facesearch.models import DEFAULT_MODEL
from tools.bench.dataset import Dataset
from tools.bench.embeddings import Seen
from tools.bench.identification import Found, Wanted, index_of, search_all

MOST = 3
SEED = 6


@dataclass(frozen=True)
class Taken:
    """Searches at one confidence by so many selfies of each person.

    Attributes:
        refused: the share of people whose selfies are refused as not all of one person.
    """

    selfies: int
    confidence: int
    refused: float
    found: Found


def held_out(
    people: Sequence[str | None], usable: Sequence[bool], most: int = MOST, seed: int = SEED
) -> list[list[int]]:
    """Numbers of each person's selfies: `most` photos that are usable as such, of all who have further photos; if
    nobody has so many, one fewer, down to two."""
    rng = np.random.default_rng(seed)
    photos: dict[str, list[int]] = {}
    for place, person in enumerate(people):
        if person is not None:
            photos.setdefault(person, []).append(place)
    drawn = []
    for person in sorted(photos):
        fit = [place for place in photos[person] if usable[place]]
        if len(fit) >= most and len(photos[person]) > most:
            drawn.append([fit[each] for each in rng.permutation(len(fit))[:most].tolist()])
    return drawn if drawn or most <= 2 else held_out(people, usable, most - 1, seed)


def one_probe(selfies: Sequence[Embedding]) -> Embedding | None:
    """What the product searches with, shape (128,); None if it refuses these selfies as of two people."""
    try:
        return averaged(selfies, DEFAULT_MODEL)
    except OtherPerson:
        return None


def measure(dataset: Dataset, seen: Sequence[Seen], confidences: Sequence[int], pool: Executor) -> list[Taken]:
    """Searches among all photos but the selfies; nothing if nobody has three photos."""
    drawn = held_out(dataset.people, [each.selfie is not None for each in seen])
    taken = {place for theirs in drawn for place in theirs}
    rest = [place for place in range(len(seen)) if place not in taken]
    photos = index_of([seen[place] for place in rest])
    wanted = {}
    for number, (first, *_) in enumerate(drawn):
        label = dataset.labels[first]
        same = [here for here, place in enumerate(rest) if dataset.people[place] == label.person]
        named = [here for here, place in enumerate(rest) if dataset.folders[place] == label.folder]
        wanted[number] = Wanted(str(label.person), same, set(named).difference(same))
    rows = []
    for count in range(1, 1 + max((len(theirs) for theirs in drawn), default=0)):
        probes = [
            one_probe([selfie for place in theirs[:count] if (selfie := seen[place].selfie) is not None])
            for theirs in drawn
        ]
        refused = sum(probe is None for probe in probes) / len(probes)
        rows += [
            Taken(count, percent, refused, search_all(photos, probes, wanted, threshold(percent), pool))
            for percent in confidences
        ]
    return rows
