"""`confidence_percentage`: a calibrated scale over the scores of a model's faces.

A score is a cosine; that of `DEFAULT_MODEL` less what the event's cohort takes off it (`index.cohort`). The false match
rates are those of adults: the share of pairs of two different people in Labeled Faces in the Wild whose cosine reaches
the threshold. `make scale` measures them. OpenCV's stock threshold of .363 for these networks is made for comparing one
face with one other; in an event of 9,000 faces, 96 % of the searches at it would return a stranger.
"""

from dataclasses import dataclass
from itertools import pairwise

from facesearch.faces.engine import is_default
from facesearch.models import DEFAULT_MODEL


@dataclass(frozen=True)
class Anchor:
    """One row of the published table: the cosine from which a face counts as the selfie's, and the share of strangers
    that reach it; None where it was not measured, or is too rare to be."""

    percent: int
    cosine: float
    false_match_rate: float | None


FIRST_TABLE = (
    Anchor(0, 0.000, None),
    Anchor(50, 0.293, 1e-2),
    Anchor(60, 0.360, 1e-3),
    Anchor(70, 0.417, 1e-4),
    Anchor(80, 0.470, 1e-5),
    Anchor(90, 0.500, 3e-6),
    Anchor(95, 0.537, 1e-6),
    Anchor(99, 0.600, None),
    Anchor(100, 0.650, None),
)
"""Of the models before `DEFAULT_MODEL`, measured on all 9,283 pictures."""

TABLE = (
    Anchor(0, 0.000, None),
    Anchor(50, 0.300, 1e-2),
    Anchor(60, 0.367, 1e-3),
    Anchor(70, 0.421, 1e-4),
    Anchor(80, 0.472, 1e-5),
    Anchor(90, 0.500, 2e-6),
    Anchor(95, 0.537, 3e-7),
    Anchor(99, 0.600, None),
    Anchor(100, 0.650, None),
)
"""Of `DEFAULT_MODEL`, by `make scale` on a subset of 1,612 pictures of 800 people. The rates of 90 and 95 are
extrapolated: up there, most pairs of strangers are one person under two names. Ascending; between two rows the scale is
linear."""


def threshold(percent: int, model: str = DEFAULT_MODEL) -> float:
    """The score that stands for a confidence, 0 to 100, in an event whose faces are by this model."""
    for low, high in pairwise(TABLE if is_default(model) else FIRST_TABLE):
        if low.percent <= percent <= high.percent:
            share = (percent - low.percent) / (high.percent - low.percent)
            return low.cosine + share * (high.cosine - low.cosine)
    raise ValueError(f"confidence must be 0 to 100 percent, not {percent}")
