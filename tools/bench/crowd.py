"""Crowd photos made of portraits: 24 MP pictures full of small faces, of which it is known who is where.

Each picture shows some of the people on a background of soft blotches. A portrait is pasted with its own surroundings,
shrunk until its face's box is so many pixels high; no two overlap.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tools.bench.embeddings import Seen

SIZE = (6000, 4000)
QUALITY = 90
GRAIN = 40
"""Pixels of a blotch, about a face's size."""


@dataclass(frozen=True)
class Crowd:
    """One picture, and the numbers of the portraits in it."""

    path: Path
    people: frozenset[int]


@dataclass(frozen=True)
class Plan:
    """What the pictures are like. `times`: how many of them show each person; `face`: pixels of a face's box, long side."""

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
    with Image.open(path) as file:
        portrait = file.convert("RGB")
    size = (max(1, round(portrait.width * scale)), max(1, round(portrait.height * scale)))
    return portrait.resize(size, Image.Resampling.LANCZOS)
