"""A race made of portraits: `python -m tools.bench.race PEOPLE FOLDER`, for `make accuracy-bibs FOLDER=…`.

PEOPLE is a folder of a folder a person. They run, each with a number. Of who has three photos or more, one is the
selfie. Each of the others is one race photo's runner, on a drawn torso with a drawn bib. Where bibs are, how large, how
many can be read and how many an arm hides in part is as in real race photos. Of some runners the face is hidden, behind
sunglasses and a cap, or because the head is turned away. The same plan makes the same race.
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facesearch.faces.engine import RgbImage
from facesearch.photos.imaging import read_image
from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import SILENT, Watcher, progress_bar, results, say
from tools.bench.bib_gain import PEOPLE, SELFIES, WEARERS
from tools.bench.bibs import LABELS
from tools.bench.dataset import Dataset, read_dataset
from tools.bench.embeddings import Seen, look_at
from tools.bench.spoil import Subject, covered

SIZE = (2048, 1152)
QUALITY = 90
FACE = (60, 150)
"""Pixels of a face's height."""
GRAIN = 48
"""Pixels of a blotch of the background."""
MOST = 3
"""Runners in a photo, at most."""
SELFIE_FROM = 3
"""Photos of a person of whom one is the selfie."""
BELOW = (1.5, 2.8)
"""Face heights from a face's middle to its bib's: of 219 bibs that people had linked to faces nearly all lay so."""
WIDE = (0.6, 1.25)
"""Face widths that a number is wide."""
ASIDE, MOST_ASIDE = 0.15, 0.4
"""Face widths from below the face, standard deviation and at most."""
TILT = 10
"""Degrees, at most."""


class Shown(StrEnum):
    """How a runner's face, or bib, is seen."""

    CLEAR = "clear"
    WORN = "behind sunglasses and a cap"
    AWAY = "turned away"
    HALF = "half behind an arm"
    NOT = "not at all"


@dataclass(frozen=True)
class Plan:
    """What the race is like.

    Attributes:
        people: so many have a selfie.
        others: so many further people run whom nobody looks for.
        hidden: share of the faces that are hidden, half of them turned away.
        readable, half: shares of the bibs that can be read, and that an arm hides in part; the others are not seen.
    """

    people: int = 200
    others: int = 200
    hidden: float = 0.2
    readable: float = 0.68
    half: float = 0.17
    seed: int = 7


@dataclass(frozen=True)
class Runner:
    """One runner on one photo: who, by which picture of the dataset, with which number, and what is seen of both."""

    person: int
    picture: int
    bib: str
    face: Shown
    number: Shown


@dataclass(frozen=True)
class Race:
    """The selfie's picture of each person who has one, everybody's number, and the runners on each photo."""

    selfies: dict[int, int]
    bibs: dict[int, str]
    photos: list[list[Runner]]


def draw_up(pictures: Sequence[Sequence[int]], clear: Sequence[bool], plan: Plan) -> Race:
    """Who runs, and is seen where.

    Args:
        pictures: of each person, by their numbers.
        clear: of each picture, whether it may be a selfie.
        plan: see there.
    """
    rng = np.random.default_rng(plan.seed)
    order = rng.permutation(len(pictures)).tolist()
    fit = [p for p in order if len(pictures[p]) >= SELFIE_FROM and any(clear[n] for n in pictures[p])][: plan.people]
    others = [person for person in order if person not in fit and pictures[person]][: plan.others]
    bibs = dict(zip([*fit, *others], _numbers(len(fit) + len(others), rng), strict=True))
    selfies = {person: int(rng.choice([n for n in pictures[person] if clear[n]])) for person in fit}
    runners = [
        Runner(person, picture, bib, _face(rng, plan), _number(rng, plan))
        for person, bib in bibs.items()
        for picture in pictures[person]
        if picture != selfies.get(person)
    ]
    return Race(selfies, bibs, _together([runners[n] for n in rng.permutation(len(runners))], rng))


def _numbers(count: int, rng: np.random.Generator) -> list[str]:
    """Different numbers, for small fields of three and four digits. Each second one is another with a digit before or
    behind it: half behind an arm it reads as another runner's, as in a field that has given all its numbers out."""
    short = [str(number) for number in rng.permutation(np.arange(100, max(1000, 100 + count)))[: (count + 1) // 2]]
    numbers = list(short)
    for each in short[: count // 2]:
        digits = [f"{digit}{each}" for digit in range(1, 10)] + [f"{each}{digit}" for digit in range(10)]
        numbers.append(str(rng.choice([number for number in digits if number not in numbers])))
    return [numbers[place] for place in rng.permutation(count)]


def _face(rng: np.random.Generator, plan: Plan) -> Shown:
    chance = rng.random()
    if chance < plan.hidden:
        return Shown.AWAY if chance < plan.hidden / 2 else Shown.WORN
    return Shown.CLEAR


def _number(rng: np.random.Generator, plan: Plan) -> Shown:
    chance = rng.random()
    if chance < plan.readable:
        return Shown.CLEAR
    return Shown.HALF if chance < plan.readable + plan.half else Shown.NOT


def _together(runners: Sequence[Runner], rng: np.random.Generator) -> list[list[Runner]]:
    """Photos of one to three runners, nobody twice on one."""
    photos: list[list[Runner]] = []
    room = 0
    for runner in runners:
        if room == 0 or any(other.person == runner.person for other in photos[-1]):
            photos.append([])
            room = int(rng.integers(1, MOST + 1))
        photos[-1].append(runner)
        room -= 1
    return photos


@dataclass(frozen=True)
class _Place:
    """Where a runner is: the face's middle, width and height in the photo's pixels."""

    x: float
    y: float
    width: float
    height: float


def photo_of(
    runners: Sequence[Runner], pictures: Sequence[Subject], boxes: Sequence[Sequence[float]], seed: Sequence[int]
) -> Image.Image:
    """One photo. `pictures`, `boxes`: of each runner, the face's box as x, y, width, height."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (SIZE[1] // GRAIN, SIZE[0] // GRAIN, 3), dtype=np.uint8)
    photo = Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)
    places = _places(boxes, rng)
    for place in places:
        _torso(photo, place, rng)
    for runner, picture, box, place in zip(runners, pictures, boxes, places, strict=True):
        _head(photo, runner.face, picture, box, place)
    for runner, place in zip(runners, places, strict=True):
        if runner.number is not Shown.NOT:
            _bib(photo, runner, place, rng)
    return photo


def _places(boxes: Sequence[Sequence[float]], rng: np.random.Generator) -> list[_Place]:
    usual = rng.uniform(*FACE)
    heights = [float(np.clip(usual * rng.uniform(0.85, 1.15), *FACE)) for _ in boxes]
    widths = [height * box[2] / box[3] for height, box in zip(heights, boxes, strict=True)]
    gaps = [rng.uniform(2.3, 3.5) * max(widths) for _ in boxes]
    left = rng.uniform(1.5 * max(widths), SIZE[0] - sum(gaps))
    level = rng.uniform(1.3 * max(heights), SIZE[1] - 4.3 * max(heights))
    return [
        _Place(left + sum(gaps[:n]), level + rng.uniform(-0.3, 0.3) * height, width, height)
        for n, (width, height) in enumerate(zip(widths, heights, strict=True))
    ]


def _torso(photo: Image.Image, at: _Place, rng: np.random.Generator) -> None:
    colour = tuple(rng.integers(30, 226, 3).tolist())
    box = (at.x - at.width, at.y + 0.75 * at.height, at.x + at.width, at.y + 4.4 * at.height)
    ImageDraw.Draw(photo).rounded_rectangle(box, 0.4 * at.width, fill=colour)


def _head(photo: Image.Image, face: Shown, picture: Subject, box: Sequence[float], at: _Place) -> None:
    x, y, width, height = box
    if face is Shown.WORN:
        picture = covered(picture, "sunglasses+cap")
    scale = at.height / height
    around = (x - 0.5 * width, y - 0.5 * height, x + 1.5 * width, y + 1.5 * height)
    part = Image.fromarray(picture.pixels).crop(around)
    part = part.resize((round(part.width * scale), round(part.height * scale)), Image.Resampling.LANCZOS)
    photo.paste(part, (round(at.x - at.width), round(at.y - at.height)))
    if face is Shown.AWAY:
        hair = (at.x - 0.8 * at.width, at.y - 0.85 * at.height, at.x + 0.8 * at.width, at.y + 0.75 * at.height)
        ImageDraw.Draw(photo).ellipse(hair, fill=(59, 42, 32))


def _bib(photo: Image.Image, runner: Runner, at: _Place, rng: np.random.Generator) -> None:
    across = rng.uniform(*WIDE) * at.width
    x = at.x + float(np.clip(rng.normal(0, ASIDE), -MOST_ASIDE, MOST_ASIDE)) * at.width
    y = at.y + rng.uniform(*BELOW) * at.height
    paper = _paper(runner.bib, across).rotate(rng.uniform(-TILT, TILT), Image.Resampling.BICUBIC, expand=True)
    photo.paste(paper, (round(x - paper.width / 2), round(y - paper.height / 2)), paper)
    if runner.number is Shown.HALF:
        _arm(photo, x, y, across, len(runner.bib), rng)


def _paper(bib: str, across: float) -> Image.Image:
    """A bib whose number is so many pixels wide, under a coloured strip."""
    font = ImageFont.load_default(100)
    font = ImageFont.load_default(100 * across / font.getlength(bib))
    left, top, right, bottom = font.getbbox(bib, anchor="mm", stroke_width=1)
    width, height = round(1.35 * (right - left)), round(1.9 * (bottom - top))
    paper = Image.new("RGBA", (width, height), (245, 245, 240, 255))
    canvas = ImageDraw.Draw(paper)
    canvas.rectangle((0, 0, width, 0.22 * height), fill=(27, 94, 140))
    canvas.text(
        (width / 2, 0.6 * height), bib, (15, 15, 20), font, anchor="mm", stroke_width=max(1, round(across / 80))
    )
    return paper


def _arm(photo: Image.Image, x: float, y: float, across: float, digits: int, rng: np.random.Generator) -> None:
    """One or two digits from the left or from the right are behind it."""
    side = rng.choice([-1, 1])
    hidden = int(rng.integers(1, digits - 1)) / digits
    wide = (hidden + 0.25) * across  # with the paper's margin
    middle = x + side * (across / 2 - hidden * across + wide / 2)
    ends = (middle + 0.1 * wide, y - across, middle - 0.1 * wide, y + across)
    ImageDraw.Draw(photo).line(ends, fill=(196, 150, 122), width=round(wide))


def make(dataset: Dataset, seen: Sequence[Seen], plan: Plan, folder: Path, watcher: Watcher = SILENT) -> Race:
    """Draw the race into a folder that is made.

    Args:
        dataset: of people, who are numbered in the race.
        seen: what the engine finds in its photos; one in which it finds no selfie's owner is left out.
        plan: see there.
        folder: must not be there yet.
    """
    people = sorted({person for person in dataset.people if person is not None})
    usable = [each.subject is not None for each in seen]
    pictures = [[n for n, who in enumerate(dataset.people) if who == person and usable[n]] for person in people]
    race = draw_up(pictures, usable, plan)
    (folder / SELFIES).mkdir(parents=True)
    for person, picture in race.selfies.items():
        path = dataset.paths[picture]
        shutil.copyfile(path, folder / SELFIES / f"{_name(person)}{path.suffix}")
    stage = watcher.stage("Drawing", len(race.photos))
    names = [f"{number:05}.jpg" for number in range(1, len(race.photos) + 1)]
    for number, (name, runners) in enumerate(zip(names, race.photos, strict=True)):
        subjects = [_subject(dataset.paths[each.picture], seen[each.picture]) for each in runners]
        boxes = [seen[each.picture].boxes[seen[each.picture].subject].tolist() for each in runners]
        photo_of(runners, subjects, boxes, (plan.seed, number)).save(folder / name, quality=QUALITY)
        stage.advance()
    photos = list(zip(names, race.photos, strict=True))
    _write(folder / LABELS, ([name, *(r.bib for r in on if r.number is Shown.CLEAR)] for name, on in photos))
    _write(folder / PEOPLE, ([name, *(_name(runner.person) for runner in on)] for name, on in photos))
    _write(folder / WEARERS, ([_name(person), bib] for person, bib in race.bibs.items()))
    return race


def pixels_of(path: Path) -> RgbImage:
    """A picture as the engine sees it."""
    return np.asarray(read_image(path.read_bytes()).image)


def _subject(path: Path, seen: Seen) -> Subject:
    if seen.landmarks is None or seen.subject is None:
        raise ValueError(f"no face was found in {path}")
    return Subject(pixels_of(path), seen.landmarks[seen.subject], float(seen.boxes[seen.subject][2:].max()))


def _name(person: int) -> str:
    return f"{person + 1:04}"


def _write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)


def main() -> int:
    """Draw; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.race", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("people", type=Path, help="a folder of photos a person")
    parser.add_argument("folder", type=Path, help="where the race is drawn; must not be there yet")
    for field in fields(Plan):
        if field.name != "people":
            parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    parser.add_argument("--selfies", type=int, default=Plan.people, help="so many people are looked for")
    options = vars(parser.parse_args())
    people, folder = options.pop("people"), options.pop("folder")
    try:
        if folder.exists():
            raise CommandError(f"{folder} is there already.")
        with progress_bar() as watcher:
            dataset = read_dataset(people)
            plan = Plan(people=options.pop("selfies"), **options)
            race = make(dataset, look_at(dataset.paths, watcher=watcher), plan, folder, watcher)
    except (CommandError, OSError) as error:
        say(f"Not drawn: {error}")
        return 1
    results().print(f"{len(race.photos)} photos of {len(race.bibs)} runners, {len(race.selfies)} of them with a selfie")
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
