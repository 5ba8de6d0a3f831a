"""The bib reader's port: a picture and its faces in, the numbers that its runners wear out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from facesearch.faces.engine import Face, RgbImage

MAX_BIBS = 24
"""The surest of a photo. A photo of a mass start has some fifteen that can be read; a wall of numbers has no end."""


@dataclass(frozen=True)
class ReadBib:
    """A bib that was read in a photo.

    Attributes:
        text: upper-case ASCII letters and digits, 1 to 16, at least one digit.
        score: the least probability of its characters, 0 to 1.
        face: which of the faces that were given wears it, by its index; None where that is in doubt.
    """

    text: str
    score: float
    face: int | None


class BibReader(Protocol):
    """Finds and reads bibs. Implementations are loaded once per process."""

    @property
    def model(self) -> str:
        """Name of models and settings, as "ppocr-v6-small"."""

    def read(self, image: RgbImage, faces: Sequence[Face]) -> list[ReadBib]:
        """At most `MAX_BIBS` bibs of an event photo, surest first, each text once.

        `faces` are those that the face engine found in the same pixels. What it costs is bounded by the picture's size
        and the number of faces, whatever is written in it.
        """
