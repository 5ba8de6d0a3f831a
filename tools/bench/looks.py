"""How selfies are found, and at which cost: `python -m tools.bench.looks PORTRAITS`.

PORTRAITS has pictures of one person each. Their heads are pasted into made-up selfies: small and large, turned without
saying so, dark, cut out along the face, tiny. A row for each kind says how many still have a face, how alike the
selfie is to the portrait itself, and what that takes: decodes, looks of the detector, and CPU time over that of a good
selfie, which is the first row.
"""

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image
from typing_extensions import override

from facesearch.adapters.opencv import face_engine
from facesearch.adapters.opencv.detections import Detections
from facesearch.errors import NoFaceFound, UnusableImage
from facesearch.faces.engine import RgbImage
from facesearch.photos import imaging
from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.pictures import scan
from facesearch_cli.terminal import SILENT, Watcher, progress_bar, results, say
from tools.bench.bounds import between
from tools.bench.embeddings import MODELS

PEOPLE = 24
SIZE = (1632, 1224)
LARGE = (4032, 3024)
QUALITY = 90
GRAIN = 48
"""Pixels of a blotch of the background."""
SURROUNDINGS = 0.5
"""Of a face's long side, on each side of the head that is pasted."""
DARK = 0.08


@dataclass(frozen=True)
class Head:
    """A head with its surroundings, the face's box in it, and the portrait as it was."""

    image: Image.Image
    box: tuple[float, float, float, float]
    portrait: bytes


@dataclass(frozen=True)
class Row:
    """Means of one kind of selfie; `cosine` of those that were found, NaN if none was."""

    kind: str
    found: float
    cosine: float
    decodes: float
    looks: float
    cpu: float


class Counting(face_engine.OpenCvEngine):
    """Counts its detector's looks."""

    looks = 0

    @override
    def _detect(self, image: RgbImage, *rest: Any) -> Detections:
        self.looks += 1
        return super()._detect(image, *rest)


def heads_of(engine: face_engine.OpenCvEngine, paths: Sequence[Path], most: int) -> list[Head]:
    """The first portraits in which one face is found, as many as wanted."""
    heads = list[Head]()
    for path in paths:
        portrait = path.read_bytes()
        image = imaging.read_image(portrait).image
        faces = engine.faces(np.asarray(image))
        if len(faces) == 1:
            x, y, width, height = faces[0].box
            margin = SURROUNDINGS * max(width, height)
            left, top = max(0, round(x - margin)), max(0, round(y - margin))
            head = image.crop(
                (left, top, min(image.width, round(x + width + margin)), min(image.height, round(y + height + margin)))
            )
            heads.append(Head(head, (x - left, y - top, width, height), portrait))
        if len(heads) == most:
            break
    return heads


def selfie(
    head: Head, share: float, *, size: tuple[int, int] = SIZE, turns: int = 0, light: float = 1, kind: str = "JPEG"
) -> bytes:
    """A picture with a face whose long side is that share of its own, right of the middle."""
    scale = share * max(size) / max(head.box[2:])
    pasted = head.image.resize([max(1, round(side * scale)) for side in head.image.size], Image.Resampling.LANCZOS)
    picture = background(size)
    picture.paste(pasted, (round(size[0] * 0.55 - pasted.width / 2), round(size[1] * 0.5 - pasted.height / 2)))
    return file_of(picture.point(lambda value: value * light).rotate(90 * turns, expand=True), kind)


def background(size: tuple[int, int]) -> Image.Image:
    """Soft blotches, always the same."""
    coarse = np.random.default_rng(4).integers(60, 200, (size[1] // GRAIN, size[0] // GRAIN, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def filling(head: Head, side: int) -> bytes:
    """Nothing but the face, cut along its box."""
    x, y, width, height = head.box
    part = head.image.crop((round(x), round(y), round(x + width), round(y + height)))
    return file_of(part.resize((side, round(side * height / width)), Image.Resampling.BICUBIC))


def tiny(head: Head, face: int) -> bytes:
    """The head alone, its face of so many pixels."""
    scale = face / max(head.box[2:])
    small = head.image.resize([max(1, round(side * scale)) for side in head.image.size], Image.Resampling.LANCZOS)
    return file_of(small, "PNG")


def file_of(picture: Image.Image, kind: str = "JPEG") -> bytes:
    """As a file."""
    file = io.BytesIO()
    picture.save(file, kind, quality=QUALITY)
    return file.getvalue()


KINDS: dict[str, Callable[[Head], bytes]] = {
    "good, 2 MP": partial(selfie, share=0.4),
    "good, 12 MP": partial(selfie, share=0.4, size=LARGE),
    "good, 2 MP PNG": partial(selfie, share=0.4, kind="PNG"),
    "portrait itself": lambda head: head.portrait,
    **{f"{share:.1%} of the side": partial(selfie, share=share) for share in (0.2, 0.1, 0.05, 0.025, 0.02)},
    **{
        f"{share:.1%}, turned {90 * turns}": partial(selfie, share=share, turns=turns)
        for share in (0.4, 0.1, 0.05, 0.035, 0.025, 0.02)
        for turns in (1, 2, 3)
    },
    "dark": lambda head: selfie(head, 0.4, light=DARK),
    "filling, 300 px": lambda head: filling(head, 300),
    "filling, 1,200 px": lambda head: filling(head, 1200),
    "filling, 3,000 px": lambda head: filling(head, 3000),
    "tiny, face of 40 px": lambda head: tiny(head, 40),
    "tiny, face of 20 px": lambda head: tiny(head, 20),
    "no face, 2 MP": lambda _: file_of(background(SIZE)),
    "no face, 12 MP": lambda _: file_of(background(LARGE)),
}


def measure(paths: Sequence[Path], people: int, models: Path = MODELS, watcher: Watcher = SILENT) -> list[Row]:
    """A row for each kind.

    Raises:
        CommandError: no portrait shows one face.
    """
    engine = Counting(models, threads=1)
    heads = heads_of(engine, paths, people)
    if not heads:
        raise CommandError("No portrait shows one face.")
    probes = [engine.probe(head.portrait).embedding for head in heads]
    stage = watcher.stage("Looking", len(KINDS))
    rows = list[Row]()
    for kind, make in KINDS.items():
        rows.append(_row(engine, kind, [make(head) for head in heads], probes))
        stage.advance()
    return rows


def _row(engine: Counting, kind: str, files: Sequence[bytes], probes: Sequence[Any]) -> Row:
    decodes, engine.looks = 0, 0

    def read_image(*args: Any, **wishes: Any) -> imaging.Picture:
        nonlocal decodes
        decodes += 1
        return imaging.read_image(*args, **wishes)

    times, cosines = list[float](), list[float]()
    with patch.object(face_engine, "read_image", read_image):
        for file, probe in zip(files, probes, strict=True):
            start = time.process_time()
            with suppress(NoFaceFound, UnusableImage):
                cosines.append(float(engine.probe(file).embedding @ probe))
            times.append(time.process_time() - start)
    mean = statistics.fmean(cosines) if cosines else float("nan")
    count = len(files)
    return Row(kind, len(cosines) / count, mean, decodes / count, engine.looks / count, statistics.median(times))


def main() -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.looks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("portraits", type=Path, help="a folder of pictures of one person each")
    parser.add_argument("--people", type=between(1, 100_000), default=PEOPLE, help="how many (default %(default)s)")
    options = parser.parse_args()
    try:
        with progress_bar() as watcher:
            rows = measure(scan(options.portraits).pictures, options.people, watcher=watcher)
    except (CommandError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    out = results()
    out.print(f"{'selfie':24}  found  cosine  decodes  looks  CPU over a good one")
    for row in rows:
        out.print(
            f"{row.kind:24}  {row.found:5.2f}  {row.cosine:6.4f}  {row.decodes:7.2f}  {row.looks:5.2f}  "
            f"{row.cpu / rows[0].cpu:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
