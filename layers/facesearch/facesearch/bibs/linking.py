"""Whose a bib is, and which readings of a photo count. Pure functions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from facesearch.bibs.reader import MAX_BIBS, ReadBib
from facesearch.faces.engine import Face

BELOW = 2.6
"""Face heights from the middle of a face to that of its bib, in the middle of 219 that people had linked."""
SPREAD = 2.5
"""By so many face heights more or less is a bib as unlikely as one face width to the side."""
WIDEST, HIGHEST, LOWEST = 2.0, 0.6, 5.0
"""No bib is farther to the side, higher or lower; of those 219 99 % lay within .7, 1.3 and 3.2."""
DOUBT = 0.4
"""A face or bib that is farther by less competes with the nearest one."""


class Placed(NamedTuple):
    """A bib's text and score, and the middle, width and height of its box in the picture."""

    text: str
    score: float
    x: float
    y: float
    width: float
    height: float

    def covers(self, other: "Placed") -> bool:
        """Whether the other one's middle lies in the box."""
        return 2 * abs(self.x - other.x) <= self.width and 2 * abs(self.y - other.y) <= self.height


def one_per_place(bibs: Iterable[Placed]) -> list[Placed]:
    """Of readings of one place the longest, and of these the surest: "432" is what another look has left of "1432"."""
    kept: list[Placed] = []
    for bib in sorted(bibs, key=lambda bib: (-len(bib.text), -bib.score)):
        if not any(other.covers(bib) or bib.covers(other) for other in kept):
            kept.append(bib)
    return kept


def distance(face: Face, x: float, y: float) -> float | None:
    """How far a place is from where the face's bib would be, in face units; None where it cannot be its bib."""
    left, top, width, height = face.box
    dx, dy = abs(x - left - width / 2) / width, (y - top - height / 2) / height
    if dx > WIDEST or not HIGHEST <= dy <= LOWEST:
        return None
    return dx + abs(dy - BELOW) / SPREAD


def linked(bibs: Sequence[Placed], faces: Sequence[Face]) -> list[ReadBib]:
    """The surest bibs with their wearers, each text once.

    A bib and a face belong together where each is nearest to the other, and no further face or other number competes:
    one that is nearly as near, and has nothing nearer itself. A number that two people seem to wear is nobody's.
    """
    near = _Nearness(bibs, faces)
    wearers: dict[str, set[int]] = {}
    scores: dict[str, float] = {}
    for number, bib in enumerate(bibs):
        scores[bib.text] = max(bib.score, scores.get(bib.text, 0))
        wearers.setdefault(bib.text, set()).update(near.wearers(number))
    surest = sorted(scores, key=lambda text: -scores[text])[:MAX_BIBS]
    return [ReadBib(text, scores[text], _only(wearers[text])) for text in surest]


def _only(wearers: set[int]) -> int | None:
    return next(iter(wearers)) if len(wearers) == 1 else None


class _Nearness:
    """How far each bib is from where each face's would be."""

    def __init__(self, bibs: Sequence[Placed], faces: Sequence[Face]) -> None:
        self._bibs = bibs
        self._distances: list[dict[int, float]] = [{} for _ in bibs]  # by bib, then by face
        self._nearest_bib: dict[int, int] = {}
        for each, face in enumerate(faces):
            for number, bib in enumerate(bibs):
                if (apart := distance(face, bib.x, bib.y)) is not None:
                    self._distances[number][each] = apart
            nearest = min(self._of_face(each), key=lambda number: self._distances[number][each], default=None)
            if nearest is not None:
                self._nearest_bib[each] = nearest

    def _of_face(self, face: int) -> list[int]:
        return [number for number, distances in enumerate(self._distances) if face in distances]

    def _nearest_face(self, number: int) -> int | None:
        distances = self._distances[number]
        return min(distances, key=lambda face: distances[face], default=None)

    def wearers(self, number: int) -> set[int]:
        """The bib's wearer, alone or not at all."""
        face = self._nearest_face(number)
        if face is None or not self._same(self._nearest_bib[face], number):
            return set()
        limit = self._distances[number][face] + DOUBT
        faces = any(
            apart < limit and other != face and self._same(self._nearest_bib[other], number)
            for other, apart in self._distances[number].items()
        )
        numbers = any(
            self._distances[other][face] < limit and not self._same(other, number) and self._nearest_face(other) == face
            for other in self._of_face(face)
        )
        return set() if faces or numbers else {face}

    def _same(self, number: int, other: int) -> bool:
        return self._bibs[number].text == self._bibs[other].text
