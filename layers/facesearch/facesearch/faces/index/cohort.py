"""Levelling: what the event's own faces say about how near to each other strangers are in it.

A cosine means little by itself: two children who never met are as near as two pictures of one adult. So each face and
each probe is compared with a *cohort*, faces of the event that are surely different people. How much nearer it is to
them than an adult is to adults, its *excess*, is taken off its scores. That is cohort score normalisation (T- and
Z-norm of speaker verification; adaptive in that only the nearest of the cohort count: Sturim and Reynolds, 2005),
one-sided: nobody's scores are ever raised.

The cohort is drawn from the vectors that are there whenever they change, and kept nowhere: it is the same whatever the
order of uploads was, and a deleted face is out of it as soon as the deletion is read.
"""

from functools import cached_property

import numpy as np
import simsimd
from numpy.typing import NDArray

from facesearch.faces.index.vectors import DIMENSIONS, Block, Probe, Values, inverse_norms

LOOKED_AT = 2_048
"""A cohort is drawn from so many faces, the first by image_id, which is a hash: a fixed random sample of the event."""
LARGEST = 1_024
"""Members. 256 do as well for an event of one kind; a few children among adults need some of their own in it."""
APART = 0.45
"""A face joins if its cosine to every member is below: 2e-5 of adult strangers are not, and most pairs of one person's
pictures. With .40 a cohort of children is too small to tell how alike they are."""
SAME_PERSON = 0.50
"""What is as near as this to a face is taken for the same person, so that nobody's own pictures raise their excess."""
NEAREST = 8
"""Members whose mean cosine counts; a quarter of a cohort that has fewer than 32. The mean of 20 is surer, but knows
nothing of a minority that has fewer than 20 in the cohort."""
REFERENCE = (
    (2, 0.134, 0.077),
    (4, 0.174, 0.065),
    (8, 0.183, 0.047),
    (16, 0.192, 0.036),
    (32, 0.192, 0.029),
    (64, 0.226, 0.028),
    (128, 0.255, 0.026),
    (256, 0.280, 0.025),
    (512, 0.303, 0.024),
    (1024, 0.322, 0.023),
)
"""Size of a cohort of adults, mean and standard deviation of other adults' mean cosine to its nearest members, on the
pictures that the confidence scale was measured on (`make scale`). Between two sizes linear in the logarithm."""
SLACK = 1.2
"""Standard deviations above the mean that are nobody's excess yet."""
SHARE = 0.9
"""Of the excess, taken off. A probe's and a face's both count, so that two of a kind lose nearly twice theirs."""
SHRINK = 16
"""A cohort of m says m^2 / (m^2 + 16^2) of it: eight people tell little about how alike everybody is, some of them may
be one person's unlike pictures, and there are few strangers among them."""

ROWS = 1_024
"""Faces at a time: their cosines to a whole cohort are 8 MB."""


class Cohort(Block):
    """Faces of surely different people."""

    @cached_property
    def most(self) -> float:
        """No excess is larger: the nearest members are below `SAME_PERSON`."""
        return float(self._taken_off(np.array([SAME_PERSON]))[0]) if len(self) else 0.0

    def of_probe(self, probe: Probe) -> float:
        """What is taken off a probe's scores."""
        if not len(self):
            return 0.0
        # Not BLAS, see `vectors.cosines`: both kinds of index must come to the same.
        near = np.einsum("ij,j->i", self._units, probe.exact)[None]
        return float(self._taken_off(self.nearness(near))[0])

    def of_faces(self, faces: Values) -> NDArray[np.float64]:
        """What is taken off the scores of each face, shape (n,), for stored vectors of shape (n, 128)."""
        taken_off = np.zeros(len(faces))
        for start in range(0, len(faces) if len(self) else 0, ROWS):
            rows = faces[start : start + ROWS]
            # Whole numbers, exact in any order; and no BLAS, whose threads cost more than these few products.
            dots = np.asarray(simsimd.cdist(rows, self.values, metric="dot"), np.float64)
            near = dots * self.inverse_norms * inverse_norms(rows)[:, None]
            taken_off[start : start + ROWS] = self._taken_off(self.nearness(near))
        return taken_off

    def nearness(self, near: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean cosine to the nearest members who are somebody else, shape (n,), of cosines to all, shape (n, m)."""
        nearest = min(NEAREST, max(1, len(self) // 4))
        top = np.partition(np.where(near < SAME_PERSON, near, -2), -nearest, axis=1)[:, -nearest:]
        known = top > -2  # too few others: who is like nobody but themselves has no excess
        mean: NDArray[np.float64] = (top * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return mean

    def _taken_off(self, nearness: NDArray[np.float64]) -> NDArray[np.float64]:
        usual, share = self._usual
        return np.asarray(share * np.maximum(0, nearness - usual))

    @cached_property
    def _units(self) -> NDArray[np.float64]:
        rows = self.values.astype(np.float64)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    @cached_property
    def _usual(self) -> tuple[float, float]:
        """The nearness that is nobody's excess, and the share of what is above it that is taken off."""
        sizes, means, deviations = (np.array(column) for column in zip(*REFERENCE, strict=True))
        at, size = np.log(sizes), np.log(len(self))
        usual = np.interp(size, at, means) + SLACK * np.interp(size, at, deviations)
        return float(usual), SHARE * len(self) ** 2 / (len(self) ** 2 + SHRINK**2)


NOBODY = Cohort(np.empty((0, DIMENSIONS), np.int8), np.empty(0, np.float32))
"""Of whom nobody is compared with anybody: scores stay as they are."""


def draw(faces: Values) -> tuple[Cohort, int]:
    """The cohort among these faces, shape (n, 128), taken in their order, and how many of them were looked at."""
    norms = inverse_norms(faces)
    rows = faces.astype(np.float32)
    near = (rows @ rows.T) * norms * norms[:, None] >= APART
    taken = np.zeros(len(faces), bool)
    members, looked_at = list[int](), 0
    for row in range(len(faces)):
        looked_at += 1
        if norms[row] and not taken[row]:
            members.append(row)
            taken |= near[row]
            if len(members) == LARGEST:
                break
    return Cohort(faces[members], norms[members]), looked_at
