"""Several selfies of one person as one embedding."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from facesearch.errors import OtherPerson
from facesearch.faces.confidence import threshold
from facesearch.faces.engine import Embedding

SAME_PERSON = 60
"""Percent that every two selfies must reach. Laxer than any search (false match rate 1e-3): it need only notice a
picture of somebody else, and should accept two pictures of one person in different light and pose."""


def averaged(embeddings: Sequence[Embedding], model: str) -> Embedding:
    """The normalised mean of a model's embeddings, each of shape (128,); of a single one, that one as it is.

    Raises:
        OtherPerson: two of them are not alike.
    """
    if len(embeddings) == 1:
        return embeddings[0]
    rows = np.array(embeddings, np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T
    least = threshold(SAME_PERSON, model)
    if any(cosines[one, other] < least for one, other in combinations(range(len(rows)), 2)):
        raise OtherPerson(_who(cosines, least))
    mean = rows.sum(axis=0)
    unit: Embedding = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit


def _who(cosines: NDArray[np.float64], least: float) -> str:
    if len(cosines) == 2:
        return "Selfie 2 does not show the same person as selfie 1."
    odd = int(cosines.sum(axis=0).argmin())  # with itself each is 1
    others = [number for number in range(len(cosines)) if number != odd]
    if all(cosines[one, other] >= least for one, other in combinations(others, 2)):
        return f"Selfie {odd + 1} does not show the same person as the others."
    return "The selfies show different people. Send pictures of one person."
