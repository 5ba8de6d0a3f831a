"""The stores in memory, for tests and experiments; they pass the same contract tests as DynamoDB's."""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace

from facesearch.index.snapshot import Snapshot as FaceSnapshot
from facesearch.index.snapshot import SnapshotError, SnapshotInfo, decode, encode
from facesearch.models import ApiKey, Event, PhotoMatch, SearchKey, SearchSummary
from facesearch.photos import Photo, PhotoChange
from facesearch.quota import BucketEmptyError, Limits, QuotaState
from facesearch.store.reading import Snapshot, StoredPage, Wanted


class MemoryReader:
    """`Reader` and `ResultStore` over dictionaries; `keys` are by SHA-256 in hex."""

    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.events: dict[int, Event] = {}
        self.quotas: dict[int, QuotaState] = {}
        self.results: dict[SearchKey, tuple[SearchSummary, list[PhotoMatch]]] = {}
        self.reads = 0

    def read(self, wanted: Wanted) -> Snapshot:
        """See `Reader.read`."""
        self.reads += 1
        result = None
        if wanted.search in self.results and wanted.page is not None:
            summary, photos = self.results[wanted.search]
            result = StoredPage(summary, photos[wanted.page.start : wanted.page.stop])
        return Snapshot(
            key=self.keys.get(wanted.digest) if wanted.digest is not None else None,
            event=self.events.get(wanted.event_id) if wanted.event_id is not None else None,
            result=result,
            events=sum(event.org_id == wanted.org_id for event in self.events.values()) if wanted.org_id else None,
            quota=self.quotas.get(wanted.quota_of, QuotaState()) if wanted.quota_of is not None else QuotaState(),
        )

    def save(self, search: SearchKey, summary: SearchSummary, photos: Sequence[PhotoMatch]) -> bool:
        """See `ResultStore.save`."""
        if search in self.results:
            return False
        self.results[search] = (summary, list(photos))
        return True


class MemoryBucket:
    """`Bucket` over the same dictionary that `MemoryReader` reads."""

    def __init__(self, quotas: dict[int, QuotaState]) -> None:
        self._quotas = quotas
        self._lock = threading.Lock()

    def take(self, org_id: int, limits: Limits, seen: QuotaState) -> QuotaState:
        """See `Bucket.take`."""
        with self._lock:
            now, state = time.time_ns() // 1000, self._quotas.get(org_id, QuotaState())
            full_at = max(now, state.full_at) + limits.interval
            if full_at > now + limits.burst * limits.interval:
                raise BucketEmptyError(state)
            self._quotas[org_id] = replace(state, full_at=full_at)
            return self._quotas[org_id]

    def give_back(self, org_id: int, limits: Limits) -> None:
        """See `Bucket.give_back`."""
        with self._lock:
            state = self._quotas.get(org_id, QuotaState())
            self._quotas[org_id] = replace(state, full_at=state.full_at - limits.interval)


class MemoryPhotoStore:
    """`PhotoStore` over a dictionary."""

    def __init__(self) -> None:
        self._photos: dict[tuple[int, uuid.UUID], tuple[Photo, PhotoChange, int]] = {}

    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        """See `PhotoStore.get`."""
        known = self._photos.get((event_id, image_id))
        return known[0] if known else None

    def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        """See `PhotoStore.get_many`."""
        photos = (self.get(event_id, shards, image_id) for image_id in image_ids)
        return {photo.image_id: photo for photo in photos if photo is not None}

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
            taken_at=photo.taken_at,
        )
        self._photos[event_id, photo.image_id] = (photo, change, photo.image_id.int % shards)
        return True

    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[PhotoChange]:
        """See `PhotoStore.changes`."""
        rows = [
            change if faces else replace(change, faces=b"")
            for (event, _), (_, change, its_shard) in self._photos.items()
            if event == event_id and its_shard == shard and change.changed_at >= since
        ]
        return iter(sorted(rows, key=lambda change: change.changed_at))


class MemorySnapshotStore:
    """`SnapshotStore` over a dictionary of files."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._current: dict[tuple[int, str], SnapshotInfo] = {}

    def current(self, event_id: int, model: str) -> SnapshotInfo | None:
        """See `SnapshotStore.current`."""
        return self._current.get((event_id, model))

    def load(self, info: SnapshotInfo, pool: Executor) -> FaceSnapshot:
        """See `SnapshotStore.load`."""
        file = self.files.get(info.key)
        if file is None:
            raise SnapshotError("gone, or replaced meanwhile")

        def read(start: int, buffer: memoryview) -> None:
            buffer[:] = file[start : start + len(buffer)]

        return decode(read, len(file), info, pool)

    def save(self, snapshot: FaceSnapshot, replaces: SnapshotInfo | None) -> SnapshotInfo | None:
        """See `SnapshotStore.save`."""
        place = (snapshot.event_id, snapshot.model)
        if self._current.get(place) != replaces:
            return None
        info = SnapshotInfo(
            snapshot.event_id,
            snapshot.model,
            str(uuid.uuid4()),
            snapshot.watermark,
            len(snapshot.ids),
            len(snapshot.faces),
        )
        self.files[info.key] = bytes(encode(snapshot))
        self._current[place] = info
        if replaces is not None:
            self.files.pop(replaces.key, None)
        return info

    def forget(self, event_id: int) -> int:
        """See `SnapshotStore.forget`."""
        gone = [place for place in self._current if place[0] == event_id]
        for place in gone:
            self.files.pop(self._current.pop(place).key, None)
        return len(gone)
