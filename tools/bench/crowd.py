"""Crowd photos made of portraits: `python -m tools.bench.crowd PORTRAITS`.

24 MP pictures full of small faces, of which it is known who is where, searched with the portraits as selfies.

Each picture shows some of the people on a background of soft blotches. A portrait is pasted with its own surroundings,
shrunk until its face's box is so many pixels high; no two overlap.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import SECOND_PASS
from facesearch.photos.imaging import read_image
from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.pictures import scan
from facesearch_cli.terminal import SILENT, Watcher, progress_bar, results, say
from tools.bench.embeddings import ROOT, Seen, look_at
from tools.bench.identification import COLUMNS, Found, Wanted, index_of, search_all

SIZE = (6000, 4000)
QUALITY = 85
GRAIN = 40
"""Pixels of a blotch, about a face's size."""


@dataclass(frozen=True)
class Crowd:
    """One picture, and the numbers of the portraits in it."""

    path: Path
    people: frozenset[int]


@dataclass(frozen=True)
class Plan:
    """What the pictures are like.

    Attributes:
        times: how many of them show each person.
        face: pixels of a face's box, its long side.
    """

    pictures: int = 8
    times: int = 4
    face: int = 40
    seed: int = 4


def compose(portraits: Sequence[Path], seen: Sequence[Seen], plan: Plan, folder: Path) -> list[Crowd]:
    """The pictures, made once for the same portraits and plan.

    Args:
        portraits: one file a person.
        seen: what the engine finds in each; the largest face is the person's, a portrait without one is left out.
        plan: see there.
        folder: where the pictures are kept.
    """
    usable = [number for number, each in enumerate(seen) if len(each.faces)]
    groups = deal(len(usable), plan)
    mark = hashlib.sha256(repr((plan, SIZE, QUALITY, GRAIN)).encode())
    for path in portraits:
        mark.update(hashlib.sha256(path.read_bytes()).digest())
    place = folder / mark.hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    crowds = []
    for picture, group in enumerate(groups):
        people = [usable[person] for person in group]
        crowd = Crowd(place / f"{picture}.jpg", frozenset(people))
        if not crowd.path.exists():
            sides = [float(seen[person].boxes[0, 2:4].max()) for person in people]
            made = _picture([portraits[person] for person in people], sides, plan, picture)
            partial = crowd.path.with_suffix(".partial")
            made.save(partial, "JPEG", quality=QUALITY)
            partial.replace(crowd.path)
        crowds.append(crowd)
    return crowds


def deal(people: int, plan: Plan) -> list[list[int]]:
    """Who is in which picture: everybody in `times` of them, the pictures about equally full."""
    rng = np.random.default_rng(plan.seed)
    groups: list[list[int]] = [[] for _ in range(plan.pictures)]
    for person in range(people):
        emptiest = sorted(range(plan.pictures), key=lambda picture: (len(groups[picture]), rng.random()))
        for picture in emptiest[: plan.times]:
            groups[picture].append(person)
    return groups


def _picture(portraits: Sequence[Path], sides: Sequence[float], plan: Plan, number: int) -> Image.Image:
    rng = np.random.default_rng([plan.seed, number])
    coarse = rng.integers(60, 200, (SIZE[1] // GRAIN, SIZE[0] // GRAIN, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)
    small = [_shrunk(path, plan.face / side) for path, side in zip(portraits, sides, strict=True)]
    cell = max(max(each.size) for each in small)
    columns, rows = SIZE[0] // cell, SIZE[1] // cell
    if columns * rows < len(small):
        raise ValueError(f"{len(small)} faces of {plan.face} px do not fit into one picture")
    for each, place in zip(small, rng.permutation(columns * rows)[: len(small)].tolist(), strict=True):
        # Anywhere in its cell, so that faces lie on the seams of tiles as well.
        x = place % columns * cell + int(rng.integers(0, cell - each.width + 1))
        y = place // columns * cell + int(rng.integers(0, cell - each.height + 1))
        picture.paste(each, (x, y))
    return picture


def _shrunk(path: Path, scale: float) -> Image.Image:
    portrait = read_image(path.read_bytes()).image
    size = (max(1, round(portrait.width * scale)), max(1, round(portrait.height * scale)))
    return portrait.resize(size, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Recall:
    """Searches with the portraits as selfies at one confidence."""

    confidence: int
    one_pass: Found
    two_pass: Found


@dataclass(frozen=True)
class Measured:
    """Faces pasted into all pictures, found in them, and the searches."""

    people: int
    left_out: int
    pictures: int
    pasted: int
    found: int
    rows: list[Recall]


def measure(portraits: Sequence[Path], plan: Plan, confidences: Sequence[int], watcher: Watcher = SILENT) -> Measured:
    """Compose, look, and search by the real engine and matcher."""
    seen = look_at(portraits, watcher=watcher)
    crowds = compose(portraits, seen, plan, ROOT / ".cache" / "crowds")
    looks = look_at([crowd.path for crowd in crowds], selfies=False, watcher=watcher)
    photos, selfies = index_of(looks), [each.selfie for each in seen]
    pasted = sorted(frozenset[int]().union(*(crowd.people for crowd in crowds)))
    wanted = {
        person: Wanted(str(person), [n for n, crowd in enumerate(crowds) if person in crowd.people])
        for person in pasted
    }
    rows = []
    with ThreadPoolExecutor(2) as pool:
        for percent in confidences:
            one, two = (
                search_all(photos, selfies, wanted, threshold(percent), pool, again) for again in (None, SECOND_PASS)
            )
            rows.append(Recall(percent, one, two))
    return Measured(
        people=len(pasted),
        left_out=len(portraits) - len(pasted),
        pictures=len(crowds),
        pasted=sum(len(crowd.people) for crowd in crowds),
        found=sum(len(look.faces) for look in looks),
        rows=rows,
    )


def main() -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.crowd", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("portraits", type=Path, help="a folder of portraits, one a person")
    parser.add_argument("--face", type=int, default=Plan.face, help="pixels of a face's box (default 40)")
    parser.add_argument("--pictures", type=int, default=Plan.pictures, help="how many pictures (default 8)")
    parser.add_argument("--times", type=int, default=Plan.times, help="in how many of them everybody is (default 4)")
    parser.add_argument("--confidence", type=int, nargs="+", default=(80, 90, 95), help="percents to measure at")
    options = parser.parse_args()
    plan = Plan(options.pictures, min(options.times, options.pictures), options.face)
    try:
        with progress_bar() as watcher:
            measured = measure(scan(options.portraits).pictures, plan, options.confidence, watcher)
    except (CommandError, OSError, ValueError) as error:
        say(f"Not measured: {error}")
        return 1
    out = results()
    out.print(
        f"{measured.people} people ({measured.left_out} portraits without a face) in {measured.pictures} pictures of "
        f"{SIZE[0] * SIZE[1] / 1e6:g} MP, faces of {plan.face} px: {measured.pasted} pasted, {measured.found} found"
    )
    out.print(f"confidence  passes  {COLUMNS}")
    for row in measured.rows:
        for name, found in (("one", row.one_pass), ("two", row.two_pass)):
            out.print(f"{row.confidence:10}  {name:>6}  {found.line()}")
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
