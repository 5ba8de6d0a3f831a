"""How well bibs are read, and what that costs: `python -m tools.bench.bibs FOLDER`.

FOLDER holds photos and `bibs.csv`, a line a photo: its file's name, then the bibs that can be read in it, with
semicolons between. Labels are taken as they are: a bib that is read and not listed counts as wrong, although it may be
one that nobody has listed. The start list is all bibs of the file; with it, other numbers do not count.

Where it is also known who is on each photo (see `tools.bench.bib_gain`), everybody's selfie is searched with, by the
face alone and with the help of bibs.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from facesearch.adapters.opencv.bib_reader import OpenCvBibReader
from facesearch.adapters.opencv.face_engine import OpenCvEngine
from facesearch.bibs.reader import BibReader, ReadBib
from facesearch.bibs.texts import bib_of
from facesearch.errors import UnusableImage
from facesearch.faces.engine import Face, FaceEngine
from facesearch.photos.imaging import read_image
from facesearch.photos.looking import ENOUGH_PIXELS
from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import Watcher, progress_bar, results, say
from tools.bench import bib_gain
from tools.bench.bib_gain import Gain, Shown
from tools.bench.embeddings import MODELS

LABELS = "bibs.csv"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Labelled:
    """A photo, and the bibs that it is known to show."""

    path: Path
    bibs: frozenset[str]


@dataclass(frozen=True)
class Looked:
    """What was read in a photo, and the CPU seconds of one core for finding its faces and for reading."""

    photo: Labelled
    faces: Sequence[Face]
    read: list[ReadBib]
    face_seconds: float
    read_seconds: float

    @property
    def ratio(self) -> float:
        """Of reading to the face pass."""
        return self.read_seconds / self.face_seconds


@dataclass(frozen=True)
class Counts:
    """Bibs over all photos: listed ones that were read, and all that were listed, and read."""

    right: int
    listed: int
    read: int

    @property
    def precision(self) -> float | None:
        """None where nothing was read."""
        return self.right / self.read if self.read else None

    @property
    def recall(self) -> float | None:
        """None where nothing is listed."""
        return self.right / self.listed if self.listed else None

    def line(self) -> str:
        """The columns of a table."""
        shares = (f"{share:.3f}" if share is not None else "-" for share in (self.precision, self.recall))
        return "  ".join([f"{self.listed:6}  {self.right:5}  {self.read - self.right:5}", *(f"{s:>9}" for s in shares)])


def read_labels(folder: Path) -> list[Labelled]:
    """The photos of a folder with their bibs, in the file's order.

    Raises:
        CommandError: there is no such file, a photo of it is missing, or what it lists cannot be a bib.
    """
    file = folder / LABELS
    if not file.is_file():
        raise CommandError(f"There is no {file}: a line a photo, file;bib;bib…")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=";")]
    return [_labelled(folder, row) for row in rows if any(row)]


def _labelled(folder: Path, row: Sequence[str]) -> Labelled:
    path, *listed = folder / row[0], *filter(None, row[1:])
    if not path.is_file():
        raise CommandError(f"{LABELS} lists {row[0]}, which is not in {folder}.")
    bibs = [bib_of(text) for text in listed]
    if None in bibs:
        raise CommandError(f"{LABELS} lists a bib of {row[0]} that none can be: {listed[bibs.index(None)]!r}.")
    return Labelled(path, frozenset(bib for bib in bibs if bib is not None))


def look(photo: Labelled, engine: FaceEngine, reader: BibReader) -> Looked | None:
    """A photo's bibs; None, with a word, where it cannot be read."""
    try:
        image = np.asarray(read_image(photo.path.read_bytes(), enough=ENOUGH_PIXELS).image)
    except UnusableImage as error:
        say(f"{photo.path.name} cannot be read: {error}")
        return None
    face_seconds, faces = _timed(lambda: engine.faces(image))
    read_seconds, read = _timed(lambda: reader.read(image, faces))
    return Looked(photo, faces, read, face_seconds, read_seconds)


def _timed(run: Callable[[], Result]) -> tuple[float, Result]:
    began = time.process_time()
    result = run()
    return time.process_time() - began, result


def counts(looks: Iterable[Looked], start_list: frozenset[str] | None = None) -> Counts:
    """How much was read rightly; where there is a start list, of what is on it."""
    right = listed = read = 0
    for each in looks:
        texts = {bib.text for bib in each.read if start_list is None or bib.text in start_list}
        right += len(texts & each.photo.bibs)
        listed += len(each.photo.bibs)
        read += len(texts)
    return Counts(right, listed, read)


def show(looks: Sequence[Looked]) -> None:
    """Print the tables."""
    out = results()
    start_list = frozenset[str]().union(*(each.photo.bibs for each in looks))
    out.print(
        f"{len(looks)} photos, {sum(len(each.faces) for each in looks)} faces, {len(start_list)} bibs on the start list"
    )
    out.print("start list  listed  right  wrong  precision     recall")
    out.print(f"{'without':>10}  {counts(looks).line()}")
    out.print(f"{'with':>10}  {counts(looks, start_list).line()}")
    linked = sum(bib.face is not None for each in looks for bib in each.read)
    out.print(f"{linked} of {counts(looks).read} that were read are linked to a face")
    reading, finding = (
        sum(seconds) for seconds in zip(*((x.read_seconds, x.face_seconds) for x in looks), strict=True)
    )
    out.print(
        f"CPU seconds a photo, one core: reading {reading / len(looks):.2f}, faces {finding / len(looks):.2f}; "
        f"ratio {reading / finding:.2f}, of one photo at most {max(each.ratio for each in looks):.2f}"
    )


def show_photos(looks: Iterable[Looked]) -> None:
    """Print what each photo lacks, and what was read in it besides."""
    for each in looks:
        texts = {bib.text for bib in each.read}
        missed, more = sorted(each.photo.bibs - texts), sorted(texts - each.photo.bibs)
        results().print(
            f"{each.photo.path.name}: {len(each.faces)} faces, ratio {each.ratio:.2f}, "
            f"missed {' '.join(missed) or '-'}, not listed {' '.join(more) or '-'}"
        )


def as_json(looks: Sequence[Looked], gains: Sequence[Gain]) -> str:
    """The tables' figures."""
    start_list = frozenset[str]().union(*(each.photo.bibs for each in looks))
    rows = {"without": counts(looks), "with": counts(looks, start_list)}
    return json.dumps(
        {"photos": len(looks), "faces": sum(len(each.faces) for each in looks)}
        | {"read_seconds": sum(x.read_seconds for x in looks), "face_seconds": sum(x.face_seconds for x in looks)}
        | {"start_list": {n: vars(row) | {"precision": row.precision, "recall": row.recall} for n, row in rows.items()}}
        | {"searches": [gain.figures() for gain in gains]}
    )


def measure(folder: Path, watcher: Watcher) -> tuple[list[Looked], list[Gain]]:
    """Look at a folder's photos by the real engine and reader, in this process, by one thread; and search among them if
    people are labelled.

    Raises:
        CommandError: see both `read_labels`, or none of the photos can be read.
    """
    photos, labels = read_labels(folder), bib_gain.read_labels(folder)
    engine, reader = OpenCvEngine(MODELS, threads=1), OpenCvBibReader(MODELS, threads=1)
    stage, looks = watcher.stage("Photos", len(photos)), []
    for number, photo in enumerate(photos):
        if number == 0:
            look(photo, engine, reader)  # the first run of a network prepares it
        if (looked := look(photo, engine, reader)) is not None:
            looks.append(looked)
        stage.advance()
    if not looks:
        raise CommandError(f"No photo of {folder} can be read.")
    if labels is None:
        return looks, []
    return looks, bib_gain.measure(labels, [Shown(x.photo.path.name, x.faces, x.read) for x in looks], engine)


def main() -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.bibs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help=f"photos, and {LABELS}: file;bib;bib…")
    parser.add_argument("--photos", action="store_true", help="also say what each photo lacks and has besides")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        with progress_bar() as watcher:
            looks, gains = measure(options.folder, watcher)
    except (CommandError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    if options.json:
        print(as_json(looks, gains))
        return 0
    show(looks)
    if options.photos:
        show_photos(looks)
    if gains:
        bib_gain.show(gains)
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
