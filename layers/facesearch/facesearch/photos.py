"""Photos of an event: their identity, where their files lie, and the port to their records."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import quote

PHOTO_NAMESPACE = uuid.UUID("3f1f8f0a-6d0b-5b53-9a54-0c1d7b9e2c11")
"""Root of every image_id. Changing it would give every known photo a second identity."""

SHARDS = 4
"""Partition keys per event. An item collection under a local index cannot split: one takes 1,000 writes a second."""

OVERLAP_MICROSECONDS = 30_000_000
"""How far before a reader's last look each next one begins. A writer stamps a photo before its write is visible: three
attempts of 4 s at most and the pauses between them, 15 s. Lambda's clocks agree within milliseconds; twice 15 s is on
the safe side."""

Status = Literal["indexed", "failed"]


def image_id_of(event_id: int, content_sha256: bytes) -> uuid.UUID:
    """UUIDv5 of event and content: the same file twice in an event is one photo, in two events it is two."""
    return uuid.uuid5(PHOTO_NAMESPACE, f"{event_id}/{content_sha256.hex()}")


def image_id_of_bytes(event_id: int, content: bytes) -> uuid.UUID:
    """`image_id_of` for content that is in memory."""
    return image_id_of(event_id, hashlib.sha256(content).digest())


def original_key(org_id: int, event_id: int, image_id: uuid.UUID, filename: str) -> str:
    """S3 key under which our own uploads put an original; the id in it keeps two files of one name apart."""
    return f"{org_id}/{event_id}/{image_id}/{filename}"


def rendition_key(event_id: int, size: Literal["large", "small"], image_id: uuid.UUID) -> str:
    """S3 key of a rendition, and the path of its public URL."""
    return f"imgs/{event_id}/{size}/{image_id}.jpg"


def rendition_url(base_url: str, event_id: int, size: Literal["large", "small"], image_id: uuid.UUID) -> str:
    """Public URL of a rendition."""
    return f"{base_url}/{quote(rendition_key(event_id, size, image_id))}"


@dataclass(frozen=True)
class Photo:
    """The record of one photo, indexed or failed.

    Attributes:
        key: S3 key of the original in the photos bucket.
        width, height: pixels as displayed; 0 for a failed photo.
        model: name of the engine that made `faces`.
        faces: embeddings packed by `packing.pack`, 132 bytes a face; empty = scanned, nobody found.
        taken_at: capture time by the camera's own clock, which knows no zone.
        reason: why a failed photo failed, in words for the photographer.
    """

    image_id: uuid.UUID
    status: Status
    key: str
    width: int = 0
    height: int = 0
    model: str = ""
    faces: bytes = field(default=b"", repr=False)
    taken_at: datetime | None = None
    reason: str = ""

    @property
    def filename(self) -> str:
        """The original's name as its photographer gave it."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True)
class PhotoChange:
    """One row of the change feed that face index and gallery follow.

    Attributes:
        changed_at: microseconds since the epoch by the writer's clock.
        status: "indexed", "failed", or "deleted" for the tombstone of a photo that must not be returned again.
    """

    image_id: uuid.UUID
    changed_at: int
    status: str
    model: str
    faces: bytes = field(repr=False)
    width: int
    height: int
    taken_at: datetime | None = None


class PhotoStore(Protocol):
    """Records of photos."""

    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        """The record, read strongly consistent; None if this photo was never seen."""

    def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        """The records of those photos that were seen, read strongly consistent."""

    def add(self, event_id: int, shards: int, photo: Photo) -> bool:
        """Record a photo unless it is known already; says whether it was new."""

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[PhotoChange]:
        """Photos of one shard whose `changed_at` is at least `since`, oldest first, read strongly consistent.

        Without `faces`, theirs stay empty, and less is sent.
        """
