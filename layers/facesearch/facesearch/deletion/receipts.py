"""What a deletion has done, and what a second count found."""

import uuid
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Counts:
    """How much of each kind.

    Attributes:
        photos: records; tombstones are none.
        faces: wherever they lay: in photos' records, as vector items, in a Rekognition collection. One that lay in
            several places, or was in a record by two models, is one.
        bibs: that were read in photos; one that is on several counts on each. What is left of a start list counts, too.
        results: stored searches, with their idempotency records.
        jobs: what webhooks have sent for those searches, selfie aside; of a whole event also what was not searched.
        selfies: of those searches; of a person and of a whole event also those that wait for theirs.
        snapshots: files that hold faces as they were before.
        renditions, originals: files.
        callbacks: of a whole event, sent or not.
        probes: kept to watch for later photos.
        links: of a whole event, to guests' pages: with their tokens and their files.
        watermarks: of a whole event, files that were drawn into its renditions.
    """

    photos: int = 0
    faces: int = 0
    bibs: int = 0
    results: int = 0
    jobs: int = 0
    selfies: int = 0
    snapshots: int = 0
    renditions: int = 0
    originals: int = 0
    callbacks: int = 0
    probes: int = 0
    links: int = 0
    watermarks: int = 0

    @property
    def total(self) -> int:
        return sum(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True)
class Looked:
    """What the deletion of a person saw of the event's stored selfies.

    Attributes:
        selfies: so many were there.
        unreadable: so many of them could not be compared: no picture, or nobody in it. They stay until they expire.
    """

    selfies: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Receipt:
    """The proof of a deletion.

    Attributes:
        deleted: by this run alone.
        left: found by counting again everything that should be gone.
        unknown: image_ids that are no photos of the event.
        resumed: an earlier run was interrupted; what that had deleted is not in `deleted`.
        looked: at stored selfies, for a person; None where nobody looked.
    """

    event_id: int
    deleted: Counts
    left: Counts
    unknown: tuple[uuid.UUID, ...] = ()
    resumed: bool = False
    looked: Looked | None = None

    @property
    def complete(self) -> bool:
        return self.left.total == 0

    def to_json(self) -> dict[str, Any]:
        return {
            "event_id": self.event_id,
            "deleted": asdict(self.deleted),
            "left": asdict(self.left),
            "unknown": [str(image_id) for image_id in self.unknown],
            "resumed": self.resumed,
            **({} if self.looked is None else {"looked_at": asdict(self.looked)}),
        }
