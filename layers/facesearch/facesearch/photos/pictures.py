"""A photo's files: the original, read in place, and the two renditions that the world may see."""

import uuid
from dataclasses import dataclass, field
from typing import Protocol

from facesearch.photos.renditions import Renditions


@dataclass(frozen=True)
class StoredFile:
    """What lies under a key. `etag`: S3's. `data`: None if it has more bytes than were asked for."""

    etag: str
    data: bytes | None = field(repr=False)


class Pictures(Protocol):
    """The files of photos."""

    @property
    def uploads(self) -> str:
        """The bucket that originals are uploaded to."""

    def original(self, key: str, most: int) -> StoredFile | None:
        """The file, of `most` bytes at the most; None if nothing is there."""

    def etag(self, key: str) -> str | None:
        """S3's ETag of an original; None if nothing is there."""

    def publish(self, event_id: int, image_id: uuid.UUID, renditions: Renditions) -> None:
        """Show a photo's renditions."""

    def unpublish(self, event_id: int, image_id: uuid.UUID) -> None:
        """Delete a photo's renditions."""
