"""How much bibs help selfies, where it is known who is on each photo: searches by the product's own matcher, and the
same with the runner's number and with the one that the surest faces wear.

Beside the photos lie `people.csv`, a line a photo: its file's name, then everybody who is on it; `wearers.csv`, a line
a runner: the name, then the bib; and `selfies`, a picture a runner, `NAME.jpg`. Semicolons stand between.
"""

import csv
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facesearch.adapters.memory.stores import MemoryPhotoStore, MemoryReader
from facesearch.bibs.reader import ReadBib
from facesearch.bibs.texts import bib_of
from facesearch.errors import NoFaceFound, UnusableImage
from facesearch.faces.embedded import EmbeddedMatcher, EmbeddedProbe
from facesearch.faces.engine import Face, FaceEngine
from facesearch.faces.index.event import EventIndex
from facesearch.faces.packing import pack
from facesearch.models import DEFAULT_MODEL, BibRules, Event
from facesearch.records import Bib, Photo
from facesearch.search.bib_help import BibHelp
from facesearch_cli.errors import CommandError
from facesearch_cli.pictures import scan
from facesearch_cli.terminal import results
from tools.bench.identification import COLUMNS, Counts, Found, Wanted

PEOPLE, WEARERS, SELFIES = "people.csv", "wearers.csv", "selfies"
CONFIDENCES = (60, 80, 90, 95)
_NAMESPACE = uuid.UUID("0b9a4f0e-3c53-5b0b-8f0c-7a4f1a2d6c11")


@dataclass(frozen=True, eq=False)
class Shown:
    """What was found and read in a photo."""

    name: str
    faces: Sequence[Face]
    bibs: Sequence[ReadBib]


@dataclass(frozen=True)
class Runner:
    """Who searches: a selfie, and the bib that this runner would type, empty where nobody knows it."""

    name: str
    selfie: Path
    bib: str


@dataclass(frozen=True)
class Labels:
    """Who searches, and who is on each photo, by its file's name."""

    runners: Sequence[Runner]
    people: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Gain:
    """The same searches at one confidence.

    Attributes:
        refused: selfies that the product refuses; they are not among the searches.
        found: by `WAYS`.
    """

    confidence: int
    refused: int
    found: Mapping[str, Found]

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        rows = {way: found.figures() for way, found in self.found.items()}
        return {"confidence": self.confidence, "refused": self.refused, "found": rows}


WAYS = ("face alone", "bib typed", "typed, no drop", "bib of faces", "another's typed")
"""By the face alone; with the bib that the runner types; the same with all that faces have found; with the bib of the
surest faces; with the next runner's bib typed by mistake."""


def read_labels(folder: Path) -> Labels | None:
    """Who is on the photos of a folder; None if nobody has labelled them.

    Raises:
        CommandError: a part of the labels is missing or wrong.
    """
    if not (folder / PEOPLE).is_file():
        return None
    for part in (WEARERS, SELFIES):
        if not (folder / part).exists():
            raise CommandError(f"There is a {PEOPLE}, but no {part} in {folder}.")
    bibs = {name: bib for name, *rest in _rows(folder / WEARERS) for text in rest if (bib := bib_of(text)) is not None}
    runners = [Runner(path.stem, path, bibs.get(path.stem, "")) for path in scan(folder / SELFIES).pictures]
    people = {name: frozenset(filter(None, rest)) for name, *rest in _rows(folder / PEOPLE)}
    on_photos = frozenset[str]().union(*people.values())
    for runner in runners:
        if runner.name not in on_photos:
            raise CommandError(f"{PEOPLE} has no photo of {runner.name}, whose selfie is in {folder / SELFIES}.")
    return Labels(runners, people)


def _rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=";")]
    return [row for row in rows if any(row)]


def measure(
    labels: Labels, shown: Sequence[Shown], engine: FaceEngine, confidences: Sequence[int] = CONFIDENCES
) -> list[Gain]:
    """Everybody's searches among these photos; those that nobody has labelled count as of others."""
    race = _Race(shown)
    with ThreadPoolExecutor(1) as background, ThreadPoolExecutor(2) as pool:
        matcher = EmbeddedMatcher(
            engines=lambda model: engine, indexes=lambda event: race.index, background=background, pool=pool
        )
        help_ = BibHelp(photos=race.photos, reader=race.reader, pool=pool)
        probes = {runner: _probe(runner, matcher) for runner in labels.runners}
        others = [*labels.runners[1:], *labels.runners[:1]]
        gains = []
        for percent in confidences:
            event = replace(_EVENT, confidence=percent)
            rows = [
                _search(labels, runner, another.bib, race, event, matcher, probe, help_)
                for (runner, probe), another in zip(probes.items(), others, strict=True)
                if probe is not None
            ]
            found = {way: Found(column) for way, column in zip(WAYS, zip(*rows, strict=True), strict=True)}
            gains.append(Gain(percent, len(probes) - len(rows), found))
        return gains


_EVENT = Event(
    event_id=1,
    org_id=1,
    name="race",
    selfie_search=True,
    event_enabled=True,
    confidence=90,
    shards=1,
    slug="race",
    date="2026-01-01",
    bib_search=True,
)


class _Race:
    """An event of the photos, which are known by their numbers. Their ids are hashes, as real ones are."""

    def __init__(self, shown: Sequence[Shown]) -> None:
        self.names = {uuid.uuid5(_NAMESPACE, each.name): each.name for each in shown}
        self.numbers = {name: number for number, name in enumerate(self.names.values())}
        self.photos, self.reader = MemoryPhotoStore(), MemoryReader()
        self.reader.photo_store, self.reader.events[_EVENT.event_id] = self.photos, _EVENT
        self.index = EventIndex(_EVENT.event_id, DEFAULT_MODEL)
        records = [_record(image_id, each) for image_id, each in zip(self.names, shown, strict=True)]
        self.index.apply(records)
        for photo in records:
            self.photos.add(_EVENT.event_id, _EVENT.shards, photo)


def _record(image_id: uuid.UUID, shown: Shown) -> Photo:
    faces = np.array([face.embedding for face in shown.faces], np.float32).reshape(-1, 128)
    bibs = tuple(Bib(bib.text, bib.face) for bib in shown.bibs)
    return Photo(
        image_id, "indexed", "", 1, 1, DEFAULT_MODEL, pack(faces), bibs=bibs, bib_model="measured", changed_at=1
    )


def _probe(runner: Runner, matcher: EmbeddedMatcher) -> EmbeddedProbe | None:
    """None if the product refuses the selfie."""
    try:
        return matcher.probe(_EVENT, [runner.selfie.read_bytes()])
    except (NoFaceFound, UnusableImage):
        return None


def _search(
    labels: Labels,
    runner: Runner,
    mistyped: str,
    race: _Race,
    event: Event,
    matcher: EmbeddedMatcher,
    probe: EmbeddedProbe,
    help_: BibHelp,
) -> tuple[Counts, ...]:
    """The outcomes by `WAYS`."""
    found, likeness = matcher.match(event, probe), matcher.likeness(event, probe)
    typed, mistaken = (help_.widen(event, found, bib, lambda: likeness) for bib in (runner.bib, mistyped))
    derived = help_.widen(replace(event, bibs=BibRules(from_faces=True)), found, "", lambda: likeness)
    theirs = [race.numbers[name] for name, people in labels.people.items() if runner.name in people]
    wanted = Wanted(runner.name, theirs)
    return tuple(
        wanted.counts({race.numbers[race.names[photo.image_id]] for photo in photos})
        for photos in (found, typed, [*found, *typed], derived, mistaken)
    )


def show(gains: Sequence[Gain]) -> None:
    """Print the table."""
    out = results()
    out.print(f"\nBibs help selfies ({gains[0].refused} selfies refused)\nconfidence               by  {COLUMNS}")
    for gain in gains:
        for way, found in gain.found.items():
            out.print(f"{gain.confidence:10}  {way:>15}  {found.line()}")
