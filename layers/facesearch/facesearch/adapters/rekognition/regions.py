"""Parts of photos with more faces than one call takes, and which of the faces found in them are one. Pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from facesearch.faces.sets import WHOLE, Region

SHARE = 0.55
"""Of each side, that a quarter has: two neighbours share a tenth. A face of less is whole in one of them; one of more
is among the largest, which the call before has found."""
EDGE = 0.005
"""A face that comes this near to an inner edge of its part was cut by it."""
SAME_FACE = 0.5
SAME_FACE_CUT = 0.6
"""Boxes of two looks are one face from so much of their union on, or, if an edge has cut the smaller one, of that."""


@dataclass(frozen=True)
class FoundFace:
    """One face of one look."""

    face_id: str  # the service's
    box: Region  # its place in the whole photo
    look: Region = WHOLE  # the part of the photo that was looked at

    @property
    def is_cut(self) -> bool:
        """Whether an edge that is none of the photo's runs through it."""
        box, look = self.box, self.look
        return (
            (look.left > 0 and box.left <= look.left + EDGE)
            or (look.top > 0 and box.top <= look.top + EDGE)
            or (look.left + look.width < 1 - EDGE and box.left + box.width >= look.left + look.width - EDGE)
            or (look.top + look.height < 1 - EDGE and box.top + box.height >= look.top + look.height - EDGE)
        )


def quarters(region: Region) -> list[Region]:
    """Four parts that cover a region and overlap."""
    width, height = region.width * SHARE, region.height * SHARE
    lefts = (region.left, region.left + region.width - width)
    tops = (region.top, region.top + region.height - height)
    return [Region(left, top, width, height) for top in tops for left in lefts]


def placed(box: Region, look: Region) -> Region:
    """A box in fractions of a part, in fractions of the photo."""
    return Region(
        look.left + box.left * look.width,
        look.top + box.top * look.height,
        box.width * look.width,
        box.height * look.height,
    )


def one_per_face(found: Iterable[FoundFace]) -> tuple[list[FoundFace], list[FoundFace]]:
    """The faces, whole ones before cut ones and larger before smaller, and those that are further looks at them.

    Two faces of one look are two people, however near; the same look again gives the same ids.
    """
    faces = sorted({face.face_id: face for face in found}.values(), key=lambda each: (each.is_cut, -_area(each.box)))
    kept: list[FoundFace] = []
    again: list[FoundFace] = []
    for face in faces:
        is_known = any(_same(face, other) for other in kept)
        (again if is_known else kept).append(face)
    return kept, again


def is_among(box: Region, others: Sequence[Region]) -> bool:
    """Whether a face lies where one of the others does; two detectors draw its box more or less generously."""
    return any(_shared(box, other) >= SAME_FACE * min(_area(box), _area(other)) for other in others)


def _same(face: FoundFace, other: FoundFace) -> bool:
    if face.look == other.look:
        return False
    shared = _shared(face.box, other.box)
    areas = _area(face.box), _area(other.box)
    if shared >= SAME_FACE * (sum(areas) - shared):
        return True
    smaller = face if areas[0] <= areas[1] else other
    return smaller.is_cut and shared >= SAME_FACE_CUT * min(areas)


def _area(box: Region) -> float:
    return box.width * box.height


def _shared(one: Region, other: Region) -> float:
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return max(0.0, across) * max(0.0, down)
