"""Groups of people: how often strangers of one match, what searches find inside it and in the mixture of all."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from facesearch.faces.confidence import threshold
from facesearch.faces.index.vectors import probe_of
from tools.bench.dataset import Dataset
from tools.bench.embeddings import Seen
from tools.bench.identification import Found, Photos, index_of, others_of, search_all
from tools.bench.verification import Calibration, Rate, calibration, pairs_of, rates


@dataclass(frozen=True)
class GroupSearches:
    """The same selfies of a group, among the group's photos and among everybody's."""

    confidence: int
    inside: Found
    mixture: Found


@dataclass(frozen=True)
class Group:
    """One group.

    Attributes:
        same, strangers: pairs inside the group.
        calibration: false and true match rates at the published cosines, by bare cosines.
        levelled: the same by scores that the group's own cohort has levelled, as in an event of the group alone.
    """

    name: str
    photos: int
    people: int
    same: int
    strangers: int
    rates: list[Rate]
    calibration: list[Calibration]
    levelled: list[Calibration]
    searches: list[GroupSearches]


def measure(
    dataset: Dataset,
    seen: Sequence[Seen],
    mixture: Photos,
    probes: int | None,
    confidences: Sequence[int],
    pool: Executor,
) -> list[Group]:
    """Every group.

    Args:
        dataset: of groups.
        seen: of its photos.
        mixture: the index of all of them.
        probes: so many people of each group, one photo of each, as selfies; None = every photo.
        confidences: percents to search at.
        pool: scans.
    """
    return [_group(name, dataset, seen, mixture, probes, confidences, pool) for name in dataset.groups]


def _group(
    name: str,
    dataset: Dataset,
    seen: Sequence[Seen],
    mixture: Photos,
    probes: int | None,
    confidences: Sequence[int],
    pool: Executor,
) -> Group:
    places = [place for place, label in enumerate(dataset.labels) if label.group == name]
    inside = index_of([seen[place] for place in places])
    drawn = others_of([dataset.people[place] for place in places], probes)
    # The same selfies in the mixture, where namesakes of other groups count neither way.
    everywhere = others_of(dataset.people, folders=dataset.folders)
    selfies = [each.selfie for each in seen]
    searches = [
        GroupSearches(
            percent,
            search_all(inside, [selfies[place] for place in places], drawn, threshold(percent), pool),
            search_all(mixture, selfies, {places[n]: everywhere[places[n]] for n in drawn}, threshold(percent), pool),
        )
        for percent in confidences
    ]
    usable = [place for place in places if seen[place].selfie is not None]
    embeddings = np.array([selfies[place] for place in usable], np.float32).reshape(-1, 128)
    people = [dataset.people[place] for place in usable]
    pairs, cohort = pairs_of(embeddings, people), inside.index.cohort
    taken_off = np.array([cohort.of_probe(probe_of(each)) for each in embeddings])
    return Group(
        name=name,
        photos=len(places),
        people=len({dataset.people[place] for place in places}),
        same=len(pairs.same),
        strangers=len(pairs.strangers),
        rates=rates(pairs),
        calibration=calibration(pairs),
        levelled=calibration(pairs_of(embeddings, people, taken_off=taken_off)),
        searches=searches,
    )
