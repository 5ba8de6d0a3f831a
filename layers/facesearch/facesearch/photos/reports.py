"""What indexing says of each photo, for logs and metrics."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class IndexingOutcome(StrEnum):
    """What became of an upload."""

    INDEXED = "indexed"
    """Recorded with its faces, or with the fact that it has none."""
    FAILED = "failed"
    """Recorded as a photo that cannot be read, with the reason; the same file will never be tried again."""
    KNOWN = "known"
    """This very photo is in the event already: a redelivery, or the same file uploaded twice."""
    DELETED = "deleted"
    """This very photo was deleted after it had been uploaded: a redelivery, or a run that the deletion overtook."""
    REINDEXED = "reindexed"
    """A known photo has faces by a further model."""
    LOST = "lost"
    """It should have, but its original is gone, or cannot be read any more."""
    IGNORED = "ignored"
    """Nothing that can ever be indexed; trying again would not help."""


@dataclass(frozen=True)
class IndexingReport:
    """What one photo of a message came to.

    Attributes:
        reason: why it failed or was ignored.
        faces: number of faces found.
        embed_milliseconds: time that the engine took.
    """

    outcome: IndexingOutcome
    reason: str = ""
    org_id: int | None = None
    event_id: int | None = None
    image_id: UUID | None = None
    faces: int = 0
    embed_milliseconds: float = 0
