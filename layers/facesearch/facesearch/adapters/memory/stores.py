"""The stores in memory, for tests and experiments; they pass the same contract tests as DynamoDB's."""

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from hashlib import md5
from typing import Any

from typing_extensions import override

from facesearch.deletion.log import Erasing, ErasureLog
from facesearch.faces.index.snapshot import Snapshot as FaceSnapshot
from facesearch.faces.index.snapshot import SnapshotError, SnapshotInfo, SnapshotStore, decode, encode
from facesearch.models import (
    MICROSECONDS,
    ApiKey,
    Event,
    Job,
    PhotoMatch,
    QuotaLimits,
    QuotaState,
    SearchKey,
    SearchSummary,
    WebhookSecret,
)
from facesearch.photos.objects import Objects
from facesearch.reading import BibPhotos, Known, Reader, StoredPage, Wanted, WatchState
from facesearch.records import MOST_PHOTOS_OF_A_BIB, Bib, Held, Original, Photo, PhotoEraser, Tombstone, face_bytes
from facesearch.search.quota import BucketEmptyError, TokenBucketStore, of_token
from facesearch.search.results import ConsentRecord, FinishedSearch, OutdatedError, ResultStore
from facesearch.tokens import TokenStore
from facesearch.webhooks.watches.watch import Watch

RESULT_SECONDS = 31 * 86_400
NOT_BUILT: dict[str, Any] = {"built_model": "", "built_faces": b""}


class MemoryReader(Reader, ResultStore):
    """Over dictionaries; `keys` are by SHA-256 in hex."""

    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.events: dict[int, Event] = {}
        self.quotas: dict[str, QuotaState] = {}
        self.secrets: dict[int, tuple[WebhookSecret, ...]] = {}
        self.jobs: dict[SearchKey, Job] = {}
        self.webhooks: dict[tuple[int, str], uuid.UUID] = {}
        self.results: dict[SearchKey, tuple[SearchSummary, list[PhotoMatch]]] = {}
        self.expiries: dict[SearchKey, int] = {}
        self.watches: dict[SearchKey, Watch] = {}
        self.latest: dict[SearchKey, uuid.UUID] = {}
        self.listed: dict[SearchKey, list[PhotoMatch]] = {}
        self.created: dict[SearchKey, int] = {}
        self.cancelled: dict[SearchKey, str] = {}
        self.consents: dict[SearchKey, ConsentRecord] = {}
        self.photo_store: MemoryPhotoStore | None = None
        self.reads = 0

    @override
    def read(self, wanted: Wanted) -> Known:
        self.reads += 1
        result = None
        if wanted.search in self.results and wanted.page is not None:
            summary, photos = self.results[wanted.search]
            shown = photos[wanted.page.start : wanted.page.stop]
            result = StoredPage(summary, shown, self.expiries.get(wanted.search, 0))
        return Known(
            key=self.keys.get(wanted.digest) if wanted.digest is not None else None,
            event=self.events.get(wanted.event_id) if wanted.event_id is not None else None,
            result=result,
            events=sum(event.org_id == wanted.org_id for event in self.events.values()) if wanted.org_id else None,
            quota=self.quotas.get(str(wanted.quota_of), QuotaState()),
            token_quota=self.quotas.get(of_token(wanted.digest), QuotaState())
            if wanted.digest and wanted.token_quota
            else QuotaState(),
            secrets=self.secrets.get(wanted.secrets_of, ()) if wanted.secrets_of is not None else (),
            job=self.jobs.get(wanted.job) if wanted.job is not None else None,
            webhook=self.webhooks.get(wanted.webhook) if wanted.webhook is not None else None,
            cancelled=self.cancelled.get(wanted.search, "") if wanted.search and wanted.page is not None else "",
            watch=self._watch(wanted.watch) if wanted.watch is not None else WatchState(),
            bibs={bib: self._bib(wanted.event_id, bib) for bib in wanted.bibs},
        )

    def _bib(self, event_id: int | None, bib: str) -> BibPhotos:
        store = self.photo_store
        if store is None or event_id is None:
            return BibPhotos()
        found = store.showing(event_id, bib)
        photos = tuple(PhotoMatch(photo.image_id, photo.width, photo.height) for photo in found)
        return BibPhotos(photos, bib in store.start_lists.get(event_id, ()))

    def _watch(self, search: SearchKey) -> WatchState:
        watch = self.watches.get(search)
        until = watch.expires_at if watch is not None and watch.expires_at > time.time() else 0
        return WatchState(until, self.latest.get(search))

    @override
    def enter(self, search: SearchKey) -> None:
        self.listed.setdefault(search, [])

    @override
    def save(
        self,
        search: SearchKey,
        summary: SearchSummary,
        photos: Sequence[PhotoMatch],
        erasures: int | None = None,
        cancelled: str | None = None,
        consent: str = "",
        settle: Callable[[], None] = lambda: None,
    ) -> bool:
        if search in self.results:
            return False
        event = self.events.get(search.event_id)
        if erasures is not None and (event is None or event.erasures != erasures):
            raise OutdatedError
        if cancelled is not None and self.cancelled.get(search, "") not in ("", cancelled):
            raise OutdatedError
        settle()
        self.cancelled.pop(search, None)
        self.listed[search] = list(photos)
        self.results[search] = (summary, list(photos))
        self.expiries[search] = int(time.time()) + RESULT_SECONDS
        if consent:
            self.consents[search] = ConsentRecord(consent, int(time.time()))
        self.created[search] = int(time.time())
        return True

    @override
    def searches(self, event_id: int, begin: str = "", most: int | None = None) -> Iterator[SearchKey]:
        found = [search for search in self.listed if search.event_id == event_id]
        begun = [search for search in found if str(search.request_id).startswith(begin)]
        return iter(sorted(begun, key=lambda search: str(search.request_id))[:most])

    @override
    def finished(self, searches: Sequence[SearchKey]) -> list[FinishedSearch]:
        return [
            FinishedSearch(
                search,
                self.results[search][0],
                self.created[search],
                self.expiries[search],
                self.consents.get(search),
            )
            for search in searches
            if search in self.results
        ]

    @override
    def holds(self, search: SearchKey) -> bool:
        return search in self.listed

    @override
    def photos(self, search: SearchKey, *, whole: bool = False) -> list[uuid.UUID]:
        if whole and search not in self.results:
            return []
        return [photo.image_id for photo in self.listed.get(search, [])]

    @override
    def hide(self, search: SearchKey) -> None:
        self.results.pop(search, None)
        self.consents.pop(search, None)

    @override
    def cancel(self, search: SearchKey) -> None:
        self.hide(search)
        self.cancelled[search] = uuid.uuid4().hex

    @override
    def delete(self, search: SearchKey) -> None:
        if search not in self.results:
            self.listed.pop(search, None)


@dataclass(frozen=True)
class MemoryTokenStore(TokenStore):
    """Over the same dictionary that `MemoryReader` reads."""

    keys: dict[str, ApiKey]

    @override
    def put(self, digest: str, key: ApiKey) -> None:
        self.keys[digest] = key


@dataclass(frozen=True)
class MemoryTokenBuckets(TokenBucketStore):
    """Over the same dictionary that `MemoryReader` reads."""

    quotas: dict[str, QuotaState]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @override
    def take(self, owner: str, limits: QuotaLimits, seen: QuotaState) -> QuotaState:
        with self._lock:
            now, state = time.time_ns() // 1000, self.quotas.get(owner, QuotaState())
            full_at = max(now, state.full_at) + limits.interval
            if full_at > now + limits.burst * limits.interval:
                raise BucketEmptyError(state)
            self.quotas[owner] = replace(state, full_at=full_at)
            return self.quotas[owner]

    @override
    def give_back(self, owner: str, limits: QuotaLimits) -> None:
        with self._lock:
            state = self.quotas.get(owner, QuotaState())
            self.quotas[owner] = replace(state, full_at=state.full_at - limits.interval)


class MemoryPhotoStore(PhotoEraser):
    """`PhotoStore` and `PhotoEraser` over a dictionary an event and shard; tombstones have the status "deleted"."""

    def __init__(self, log: "MemoryErasureLog | None" = None) -> None:
        self._log = log
        self._shards: defaultdict[tuple[int, int], dict[uuid.UUID, Photo]] = defaultdict(dict)
        self._finished: set[tuple[int, uuid.UUID]] = set()
        self.start_lists: dict[int, frozenset[str]] = {}

    @override
    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        photo = self._find(event_id, shards, image_id)
        return None if photo is None or photo.status == "deleted" else photo

    @override
    def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        photos = (self.get(event_id, shards, image_id) for image_id in image_ids)
        return {photo.image_id: photo for photo in photos if photo is not None}

    @override
    def add(self, event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        tombstone = self.tombstone(event_id, shards, photo.image_id)
        known = self._find(event_id, shards, photo.image_id)
        if known is not None and (tombstone is None or tombstone.refuses(uploaded_at)):
            return False
        self._finished.discard((event_id, photo.image_id))
        bibs = self._bibs(event_id, photo, photo.bibs)
        self._put(event_id, shards, photo, changed_at=max(time.time_ns() // 1000, uploaded_at), bibs=bibs)
        return True

    @override
    def remove(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        self._shards[event_id, image_id.int % shards].pop(image_id, None)

    @override
    def set_originals(self, event_id: int, shards: int, seen: Photo, originals: Sequence[Original]) -> bool:
        first, *copies = originals
        photo = self.get(event_id, shards, seen.image_id)
        if photo is None or photo.originals != seen.originals:
            return False
        return self._put(event_id, shards, photo, key=first.key, etag=first.etag, copies=tuple(copies))

    @override
    def touch(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        photo = self._find(event_id, shards, image_id)
        if photo is not None and (event_id, image_id) not in self._finished:
            self._put(event_id, shards, photo, changed_at=_after(photo))

    @override
    def tombstone(self, event_id: int, shards: int, image_id: uuid.UUID) -> Tombstone | None:
        photo = self._find(event_id, shards, image_id)
        if photo is None or photo.status != "deleted":
            return None
        return Tombstone(image_id, photo.changed_at, (event_id, image_id) in self._finished)

    @override
    def tombstones(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Tombstone]:
        found = (self.tombstone(event_id, shards, image_id) for image_id in image_ids)
        return {tombstone.image_id: tombstone for tombstone in found if tombstone is not None}

    @override
    def set_bibs(self, event_id: int, shards: int, seen: Photo, bibs: Sequence[Bib], model: str) -> bool:
        return self._change(event_id, shards, seen, bibs=self._bibs(event_id, seen, bibs), bib_model=model)

    @override
    def delete(self, event_id: int, shards: int, image_id: uuid.UUID) -> Held | None:
        photo = self.get(event_id, shards, image_id)
        if photo is None:
            self.touch(event_id, shards, image_id)
            return None
        self._put(event_id, shards, Photo(image_id, "deleted"), changed_at=_after(photo))
        return Held(1, face_bytes(photo), len(photo.bibs))

    @override
    def expire(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        if self.tombstone(event_id, shards, image_id) is not None:
            self.touch(event_id, shards, image_id)
            self._finished.add((event_id, image_id))
        if self._log is not None:
            self._log.end(event_id, [image_id])

    @override
    def replace_faces(
        self,
        event_id: int,
        shards: int,
        seen: Photo,
        faces: bytes,
        model: str | None = None,
        bibs: Sequence[Bib] = (),
    ) -> bool:
        made = {"model": model or seen.model, "faces": faces, "qualities": b"", "stripped": True} | NOT_BUILT
        made["bibs"] = tuple(bibs)
        photo = self.get(event_id, shards, seen.image_id)
        is_seen = photo is not None and (photo.model, photo.bib_model) == (seen.model, seen.bib_model)
        return is_seen and self._change(event_id, shards, seen, **made)

    @override
    def put_faces(self, event_id: int, shards: int, seen: Photo, model: str, faces: bytes, reason: str = "") -> bool:
        return self._change(event_id, shards, seen, built_model=model, built_faces=faces, reason=reason)

    @override
    def delete_faces(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        photo = self.get(event_id, shards, image_id)
        return photo is not None and photo.built_model == model and self._change(event_id, shards, photo, **NOT_BUILT)

    @override
    def claim_renditions(
        self, event_id: int, shards: int, image_id: uuid.UUID, seconds: int, *, even_so: bool = False
    ) -> int | None:
        photo, now = self.get(event_id, shards, image_id), time.time_ns() // 1000
        if photo is None or photo.status != "indexed" or (photo.claimed_until >= now and not even_so):
            return None
        claim = max(now + seconds * MICROSECONDS, photo.claimed_until + 1)
        self._put(event_id, shards, photo, claimed_until=claim)
        return claim

    @override
    def end_claim(
        self, event_id: int, shards: int, image_id: uuid.UUID, claim: int, rendering: str, *, failed: bool = False
    ) -> bool:
        photo = self.get(event_id, shards, image_id)
        if photo is None or photo.claimed_until != claim:
            return False
        said = {"unrendered": f"{rendering}@{claim}"} if failed else {"rendered": rendering, "unrendered": ""}
        return self._put(event_id, shards, photo, claimed_until=0, **said)

    @override
    def promote(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        photo = self.get(event_id, shards, image_id)
        if photo is None or photo.built_model != model or photo.status != "indexed":
            return False
        made = {"model": model, "faces": photo.built_faces, "qualities": b""} | NOT_BUILT
        return self._put(event_id, shards, photo, **made)

    @override
    def delete_all(self, event_id: int, shard: int) -> Held:
        photos = list(self.records(event_id, shard))
        self._shards.pop((event_id, shard), None)
        return Held(len(photos), sum(map(face_bytes, photos)), sum(len(photo.bibs) for photo in photos))

    @override
    def count(self, event_id: int, shard: int) -> Held:
        kept = self._shards[event_id, shard].values()
        return Held(len(kept), sum(map(face_bytes, kept)))

    @override
    def bib_photos(self, event_id: int, bib: str) -> list[uuid.UUID]:
        return [photo.image_id for photo in self.showing(event_id, bib)]

    def showing(self, event_id: int, bib: str) -> list[Photo]:
        """The photos that show a bib, by capture time, then image_id; those without a capture time last."""
        kept = [photo for (event, _), shard in self._shards.items() if event == event_id for photo in shard.values()]
        shown = [photo for photo in kept if any(each.text == bib for each in photo.bibs)]
        return sorted(shown, key=lambda photo: (str(photo.taken_at or "none"), photo.image_id))

    @override
    def delete_bibs(self, event_id: int) -> int:
        """They are in the records alone, and go with these; the start list is here."""
        self.start_lists.pop(event_id, None)
        return 0

    @override
    def count_bibs(self, event_id: int) -> int:
        return event_id in self.start_lists

    @override
    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
        rows = [photo for photo in self._shards[event_id, shard].values() if photo.changed_at >= since]
        rows.sort(key=lambda photo: photo.changed_at)
        unseen: dict[str, Any] = {"bibs": (), "bib_model": ""}  # more is not seen by readers of DynamoDB's
        if not faces:
            unseen |= {"faces": b"", "built_faces": b""}
        return iter([replace(photo, **unseen) for photo in rows])

    @override
    def newest(self, event_id: int, shard: int, before: int | None, most: int) -> Iterator[Photo]:
        older = [photo for photo in self.changes(event_id, shard, 0) if before is None or photo.changed_at < before]
        return iter(older[::-1][:most])

    @override
    def records(self, event_id: int, shard: int) -> Iterator[Photo]:
        photos = [photo for photo in self._shards[event_id, shard].values() if photo.status != "deleted"]
        return iter(sorted(photos, key=lambda photo: photo.image_id))

    def _bibs(self, event_id: int, photo: Photo, bibs: Iterable[Bib]) -> tuple[Bib, ...]:
        """Those of the bibs that are on few photos, or on this one already."""
        known = [each for (event, _), shard in self._shards.items() if event == event_id for each in shard.values()]
        had = {bib.text for each in known if each.image_id == photo.image_id for bib in each.bibs}
        return tuple(
            bib for bib in bibs if bib.text in had or len(self.bib_photos(event_id, bib.text)) < MOST_PHOTOS_OF_A_BIB
        )

    def _find(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        return self._shards[event_id, image_id.int % shards].get(image_id)

    def _change(self, event_id: int, shards: int, seen: Photo, **values: Any) -> bool:
        photo = self.get(event_id, shards, seen.image_id)
        if photo is None or photo.changed_at != seen.changed_at:
            return False
        return self._put(event_id, shards, photo, changed_at=_after(photo), **values)

    def _put(self, event_id: int, shards: int, photo: Photo, **values: Any) -> bool:
        self._shards[event_id, photo.image_id.int % shards][photo.image_id] = replace(photo, **values)
        return True


class MemorySnapshotStore(SnapshotStore):
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._current: dict[tuple[int, str], SnapshotInfo] = {}

    @override
    def current(self, event_id: int, model: str) -> SnapshotInfo | None:
        return self._current.get((event_id, model))

    @override
    def load(self, info: SnapshotInfo, pool: Executor) -> FaceSnapshot:
        file = self.files.get(info.key)
        if file is None:
            raise SnapshotError("gone, or replaced meanwhile")

        def read(start: int, buffer: memoryview) -> None:
            buffer[:] = file[start : start + len(buffer)]

        return decode(read, len(file), info, pool)

    @override
    def save(self, snapshot: FaceSnapshot, replaces: SnapshotInfo | None) -> SnapshotInfo | None:
        place = (snapshot.event_id, snapshot.model)
        if self._current.get(place) != replaces:
            return None
        key, counts = str(uuid.uuid4()), (len(snapshot.ids), len(snapshot.faces))
        info = SnapshotInfo(*place, key, snapshot.watermark, *counts)
        self.files[info.key] = bytes(encode(snapshot))
        self._current[place] = info
        if replaces is not None:
            self.files.pop(replaces.key, None)
        return info

    @override
    def count(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        return sum(place[0] == event_id and info != keep for place, info in self._current.items())

    @override
    def delete(self, event_id: int, keep: SnapshotInfo | None = None) -> int:
        gone = [place for place, info in self._current.items() if place[0] == event_id and info != keep]
        for place in gone:
            self.files.pop(self._current.pop(place).key, None)
        return len(gone)


class MemoryErasureLog(ErasureLog):
    def __init__(self) -> None:
        self.entries: dict[tuple[int, uuid.UUID], Erasing] = {}

    @override
    def begin(self, event_id: int, each: Iterable[Erasing]) -> None:
        self.entries |= {(event_id, erasing.image_id): erasing for erasing in each}

    @override
    def pending(self, event_id: int) -> list[Erasing]:
        return [erasing for (event, _), erasing in self.entries.items() if event == event_id]

    @override
    def end(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> None:
        for image_id in image_ids:
            self.entries.pop((event_id, image_id), None)


class MemoryObjects(Objects):
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    @override
    def under(self, prefix: str) -> Iterator[str]:
        return iter([key for key in self.files if key.startswith(prefix)])

    @override
    def etags(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: f'"{md5(self.files[key]).hexdigest()}"' for key in keys if key in self.files}  # noqa: S324 - as S3's

    @override
    def etags_under(self, prefix: str) -> Iterator[tuple[str, str]]:
        return iter(self.etags(list(self.under(prefix))).items())

    @override
    def read(self, key: str, most: int) -> bytes | None:
        file = self.files.get(key)
        return file if file is not None and len(file) <= most else None

    @override
    def delete(self, keys: Iterable[str]) -> int:
        return len([self.files.pop(key, None) for key in list(keys)])


def _after(photo: Photo) -> int:
    return max(time.time_ns() // 1000, photo.changed_at + 1)
