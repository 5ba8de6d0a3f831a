"""The stores in memory, for tests and experiments; they pass the same contract tests as DynamoDB's."""

import time
import uuid
from collections.abc import Iterator, Sequence

from facesearch.models import ApiKey, Event, PhotoMatch, SearchKey, SearchSummary
from facesearch.pagination import Page
from facesearch.photos import Photo, PhotoChange
from facesearch.store.reading import Snapshot, StoredPage


class MemoryReader:
    """`Reader` and `ResultStore` over dictionaries; `keys` are by SHA-256 in hex."""

    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.events: dict[int, Event] = {}
        self.results: dict[SearchKey, tuple[SearchSummary, list[PhotoMatch]]] = {}
        self.reads = 0

    def read(
        self, digest: str | None, event_id: int | None, search: SearchKey | None = None, page: Page | None = None
    ) -> Snapshot:
        """See `Reader.read`."""
        self.reads += 1
        result = None
        if search in self.results and page is not None:
            summary, photos = self.results[search]
            result = StoredPage(summary, photos[page.start : page.stop])
        return Snapshot(
            key=self.keys.get(digest) if digest is not None else None,
            event=self.events.get(event_id) if event_id is not None else None,
            result=result,
        )

    def save(self, search: SearchKey, summary: SearchSummary, photos: Sequence[PhotoMatch]) -> bool:
        """See `ResultStore.save`."""
        if search in self.results:
            return False
        self.results[search] = (summary, list(photos))
        return True


class MemoryPhotoStore:
    """`PhotoStore` over a dictionary."""

    def __init__(self) -> None:
        self._photos: dict[tuple[int, uuid.UUID], tuple[Photo, PhotoChange, int]] = {}

    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        """See `PhotoStore.get`."""
        known = self._photos.get((event_id, image_id))
        return known[0] if known else None

    def add(self, event_id: int, shards: int, photo: Photo) -> bool:
        """See `PhotoStore.add`."""
        if (event_id, photo.image_id) in self._photos:
            return False
        change = PhotoChange(
            image_id=photo.image_id,
            changed_at=time.time_ns() // 1000,
            status=photo.status,
            model=photo.model,
            faces=photo.faces,
            width=photo.width,
            height=photo.height,
        )
        self._photos[event_id, photo.image_id] = (photo, change, photo.image_id.int % shards)
        return True

    def changes(self, event_id: int, shard: int, since: int) -> Iterator[PhotoChange]:
        """See `PhotoStore.changes`."""
        rows = [
            change
            for (event, _), (_, change, its_shard) in self._photos.items()
            if event == event_id and its_shard == shard and change.changed_at >= since
        ]
        return iter(sorted(rows, key=lambda change: change.changed_at))
