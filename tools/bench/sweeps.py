"""How hard an event's photos may be: searches by clean selfies among photos that are spoilt step by step.

Of some people one photo is the selfie and another one the event's. The latter is spoilt as a whole,
everybody else in it included.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from facesearch.faces.confidence import threshold
from facesearch_cli.terminal import SILENT, Watcher
from tools.bench.dataset import Dataset
from tools.bench.embeddings import Job, Seen, look_at_spoilt
from tools.bench.identification import Found, Wanted, index_of, search_all
from tools.bench.spoil import SWEEPS, Spoiler

PEOPLE = 150
CONFIDENCES = (80, 90)
SEED = 7


@dataclass(frozen=True)
class Searches:
    """Searches at one confidence."""

    confidence: int
    found: Found


@dataclass(frozen=True)
class LevelRow:
    """One level.

    Attributes:
        level: as the sweep's unit counts; None = photos as they are.
        found: faces that were detected, of those that the photos are looked at for.
    """

    level: str | None
    photos: int
    found: int
    searches: list[Searches]


@dataclass(frozen=True)
class SweepRows:
    """One sweep, from photos as they are to the worst."""

    name: str
    unit: str
    levels: list[LevelRow]


@dataclass(frozen=True)
class Swept:
    """All sweeps.

    Attributes:
        face_pixels: long sides of the faces' boxes before anything is done: the 10th, 50th and 90th percentile.
    """

    people: int
    face_pixels: list[float]
    sweeps: list[SweepRows]


@dataclass(frozen=True)
class Couple:
    """Numbers of a person's selfie and event photo."""

    selfie: int
    photo: int


def couples(people: Sequence[str | None], usable: Sequence[bool], most: int = PEOPLE, seed: int = SEED) -> list[Couple]:
    """Two usable photos each of up to `most` people."""
    rng = np.random.default_rng(seed)
    photos: dict[str, list[int]] = {}
    for place, person in enumerate(people):
        if person is not None and usable[place]:
            photos.setdefault(person, []).append(place)
    several = [photos[person] for person in sorted(photos) if len(photos[person]) > 1]
    drawn = sorted(rng.permutation(len(several))[:most].tolist())
    return [Couple(*(several[each][n] for n in rng.permutation(len(several[each]))[:2].tolist())) for each in drawn]


def measure(
    dataset: Dataset, seen: Sequence[Seen], most: int, pool: Executor, watcher: Watcher = SILENT
) -> Swept | None:
    """Every sweep; None if nobody has two photos that are usable as a selfie."""
    chosen = couples(dataset.people, [each.selfie is not None and each.subject is not None for each in seen], most)
    if not chosen:
        return None
    jobs = [_job(dataset, seen, couple.photo) for couple in chosen]
    spoilers = [Spoiler(name, level) for name, sweep in SWEEPS.items() for level in sweep.levels]
    spoilt = iter(
        look_at_spoilt(
            [Job(job.path, spoiler, job.points, job.face) for spoiler in spoilers for job in jobs], watcher=watcher
        )
    )
    clean = _row(None, dataset, chosen, seen, [seen[couple.photo] for couple in chosen], pool)
    rows = {
        spoiler: _row(str(spoiler.level), dataset, chosen, seen, [next(spoilt) for _ in chosen], pool)
        for spoiler in spoilers
    }
    return Swept(
        len(chosen),
        np.percentile([job.face for job in jobs], (10, 50, 90)).tolist(),
        [
            SweepRows(name, sweep.unit, [clean, *(rows[Spoiler(name, level)] for level in sweep.levels)])
            for name, sweep in SWEEPS.items()
        ],
    )


def _job(dataset: Dataset, seen: Sequence[Seen], place: int) -> Job:
    each = seen[place]
    if each.landmarks is None or each.subject is None:
        raise ValueError("the photo's face is not known")
    return Job(dataset.paths[place], None, each.landmarks[each.subject], float(each.boxes[each.subject, 2:4].max()))


def _row(
    level: str | None,
    dataset: Dataset,
    chosen: Sequence[Couple],
    seen: Sequence[Seen],
    event: Sequence[Seen],
    pool: Executor,
) -> LevelRow:
    photos = index_of(event)
    folders = [dataset.folders[couple.photo] for couple in chosen]
    wanted = {
        place: Wanted(
            str(dataset.people[couple.photo]),
            [place],
            {other for other, folder in enumerate(folders) if folder == folders[place] and other != place},
        )
        for place, couple in enumerate(chosen)
    }
    selfies = [seen[couple.selfie].selfie for couple in chosen]
    searches = [
        Searches(percent, search_all(photos, selfies, wanted, threshold(percent), pool)) for percent in CONFIDENCES
    ]
    return LevelRow(level, len(event), sum(each.subject is not None for each in event), searches)
