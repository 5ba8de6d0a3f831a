"""What `make accuracy` measures without the stack, by the engine and the matcher alone."""

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import SECOND_PASS
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import SILENT, Watcher
from tools.bench import dlib_pipeline, groups, selfies, sweeps
from tools.bench.dataset import Dataset
from tools.bench.dlib_pipeline import DlibRow
from tools.bench.embeddings import Seen, look_at
from tools.bench.groups import Group
from tools.bench.identification import Found, Photos, Wanted, index_of, others_of, search_all
from tools.bench.selfies import Taken
from tools.bench.speed import EngineSpeed, engine_speed, search_speed
from tools.bench.sweeps import Swept
from tools.bench.verification import (
    Calibration,
    Distribution,
    Namesakes,
    Rate,
    calibration,
    distribution,
    namesakes,
    pairs_of,
    rates,
)


@dataclass(frozen=True)
class Passes:
    """Searches at one confidence, by the selfie alone and with the second pass."""

    confidence: int
    one_pass: Found
    two_pass: Found


@dataclass(frozen=True)
class Speed:
    """CPU time; `search_milliseconds` of one search at the default confidence among all faces."""

    engine: EngineSpeed | None
    search_milliseconds: float | None


@dataclass(frozen=True)
class Offline:
    """What was measured without the stack; nobody's name is in it but the groups'.

    Attributes:
        faceless: photos without a face; `refused`: photos that would be no selfie.
        same, strangers: pairs.
        sweeps, dlib: None if it was not asked for, or is not installed.
    """

    photos: int
    people: int
    faces: int
    unreadable: int
    faceless: int
    refused: int
    same: int
    strangers: int
    speed: Speed
    rates: list[Rate]
    calibration: list[Calibration]
    distribution: Distribution
    identification: list[Passes]
    selfies: list[Taken]
    groups: list[Group]
    namesakes: Namesakes
    sweeps: Swept | None = None
    dlib: list[DlibRow] | None = None


@dataclass(frozen=True)
class Wish:
    """What is to be measured.

    Attributes:
        probes: so many people, one photo of each, as selfies; None = every photo of everybody who has others.
        confidences: percents to search at.
        swept: so many people in the sweeps; None = no sweeps.
    """

    probes: int | None
    confidences: Sequence[int]
    swept: int | None = None


def measure(dataset: Dataset, wish: Wish, watcher: Watcher = SILENT) -> Offline:
    """Measure with the engine and the matcher alone.

    Raises:
        CommandError: nobody has two photos.
    """
    people = dataset.people
    wanted = others_of(people, wish.probes, folders=dataset.folders)
    if not wanted:
        raise CommandError("Nobody has more than one photo: there is nothing to find.")
    engine = engine_speed(dataset.paths)
    with ThreadPoolExecutor(2) as pool:
        seen = look_at(dataset.paths, watcher=watcher)
        known = [place for place, each in enumerate(seen) if each.selfie is not None]
        embeddings = np.array([seen[place].selfie for place in known], np.float32).reshape(-1, 128)
        labels = [people[place] for place in known], [dataset.folders[place] for place in known]
        pairs = pairs_of(embeddings, *labels)
        photos, probes = index_of(seen), [each.selfie for each in seen]
        return Offline(
            photos=len(seen),
            people=len({person for person in people if person is not None}),
            faces=sum(len(each.faces) for each in seen),
            unreadable=sum(not each.readable for each in seen),
            faceless=sum(each.readable and not len(each.faces) for each in seen),
            refused=len(seen) - len(known),
            same=len(pairs.same),
            strangers=len(pairs.strangers),
            speed=Speed(engine, search_speed(photos, probes, threshold(90), pool)),
            rates=rates(pairs),
            calibration=calibration(pairs),
            distribution=distribution(pairs),
            identification=_passes(photos, seen, wanted, wish.confidences, pool),
            selfies=selfies.measure(dataset, seen, wish.confidences, pool),
            groups=groups.measure(dataset, seen, photos, wish.probes, wish.confidences, pool),
            namesakes=namesakes(embeddings, *labels),
            sweeps=None if wish.swept is None else sweeps.measure(dataset, seen, wish.swept, pool, watcher),
            dlib=_dlib(dataset, wanted, watcher),
        )


def _passes(
    photos: Photos, seen: Sequence[Seen], wanted: dict[int, Wanted], confidences: Sequence[int], pool: Executor
) -> list[Passes]:
    probes = [each.selfie for each in seen]
    return [
        Passes(
            percent,
            *(search_all(photos, probes, wanted, threshold(percent), pool, again) for again in (None, SECOND_PASS)),
        )
        for percent in confidences
    ]


def _dlib(dataset: Dataset, wanted: dict[int, Wanted], watcher: Watcher) -> list[DlibRow] | None:
    package = dlib_pipeline.installed()
    if package is None:
        return None
    return dlib_pipeline.search_all(dlib_pipeline.encode(package, dataset.paths, watcher), wanted)
