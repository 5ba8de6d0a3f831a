"""What a deletion has done, and what a second count found."""

import uuid
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Counts:
    """How much of each kind.

    Attributes:
        photos: records; tombstones are none.
        faces: in the records of photos.
        results: stored searches, with their idempotency records.
        jobs: what webhooks have sent for those searches, selfie aside; of a whole event also what was not searched.
        selfies: of those searches; of a whole event also those that wait for theirs.
        snapshots: files that hold faces as they were before.
        renditions, originals: files.
        callbacks: of a whole event, sent or not.
    """

    photos: int = 0
    faces: int = 0
    results: int = 0
    jobs: int = 0
    selfies: int = 0
    snapshots: int = 0
    renditions: int = 0
    originals: int = 0
    callbacks: int = 0

    @property
    def total(self) -> int:
        """All together."""
        return sum(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True)
class Receipt:
    """The proof of a deletion.

    Attributes:
        deleted: by this run; what an earlier one had deleted before it was interrupted is not in it.
        left: found by counting again everything that should be gone.
        unknown: image_ids that are no photos of the event.
    """

    event_id: int
    deleted: Counts
    left: Counts
    unknown: tuple[uuid.UUID, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is left."""
        return self.left.total == 0

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "event_id": self.event_id,
            "deleted": asdict(self.deleted),
            "left": asdict(self.left),
            "unknown": [str(image_id) for image_id in self.unknown],
        }
