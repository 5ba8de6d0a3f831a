"""What webhooks keep, in memory; it passes the same contract tests as DynamoDB's."""

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from typing_extensions import override

from facesearch.adapters.memory.stores import MemoryReader
from facesearch.models import Job, JobStatus, SearchKey
from facesearch.webhooks.callbacks.callback import Callback, CallbackKey, CallbackStatus, CallbackStore
from facesearch.webhooks.jobs import ENDED, JobStore
from facesearch.webhooks.watches.watch import WATCHES_PER_EVENT, Watch, WatchStore


@dataclass
class MemoryCallbackStore(CallbackStore):
    callbacks: dict[CallbackKey, Callback] = field(default_factory=dict)
    claims: dict[CallbackKey, float] = field(default_factory=dict)
    off: set[tuple[int, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @override
    def add(self, callback: Callback) -> Callback:
        with self._lock:
            return self.callbacks.setdefault(callback.key, callback)

    @override
    def get(self, key: CallbackKey) -> Callback | None:
        return self.callbacks.get(key)

    @override
    def claim(self, key: CallbackKey, number: int, now: float, until: float) -> bool:
        with self._lock:
            callback = self.callbacks.get(key)
            if callback is None or callback.status is not CallbackStatus.PENDING or callback.attempt_number > number:
                return False
            if self.claims.get(key, now) > now:
                return False
            self.callbacks[key] = replace(callback, attempt_number=number, attempts=callback.attempts + 1)
            self.claims[key] = until
            return True

    @override
    def settle(self, callback: Callback, number: int) -> bool:
        with self._lock:
            now = self.callbacks.get(callback.key)
            if now is None or now.status is not CallbackStatus.PENDING or now.attempt_number != number:
                return False
            return self._write(callback)

    @override
    def restart(self, callback: Callback) -> bool:
        with self._lock:
            now = self.callbacks.get(callback.key)
            if now is None or now.status is CallbackStatus.DELIVERED or now.attempt_number >= callback.attempt_number:
                return False
            return self._write(callback)

    @override
    def delete(self, key: CallbackKey) -> None:
        self.callbacks.pop(key, None)

    @override
    def of_org(self, org_id: int) -> Iterator[Callback]:
        return iter([callback for key, callback in self.callbacks.items() if key.org_id == org_id])

    @override
    def count(self, org_id: int, event_id: int) -> int:
        return sum(key.event_id == event_id for key in self.callbacks if key.org_id == org_id)

    @override
    def delete_all(self, org_id: int, event_id: int) -> int:
        gone = [key for key in self.callbacks if (key.org_id, key.event_id) == (org_id, event_id)]
        return len([self.callbacks.pop(key) for key in gone])

    @override
    def is_off(self, org_id: int, url: str) -> bool:
        return (org_id, url) in self.off

    @override
    def switch_off(self, org_id: int, url: str) -> None:
        self.off.add((org_id, url))

    @override
    def switch_on(self, org_id: int, url: str) -> None:
        self.off.discard((org_id, url))

    def _write(self, callback: Callback) -> bool:
        self.callbacks[callback.key] = callback
        self.claims.pop(callback.key, None)
        return True


class MemoryJobStore(JobStore):
    """Over the dictionaries that `MemoryReader` reads."""

    def __init__(self, reader: MemoryReader) -> None:
        self._jobs = reader.jobs
        self._webhooks = reader.webhooks

    @override
    def add(self, job: Job, *, after_end: bool = False) -> bool:
        webhook = (job.search.org_id, job.webhook)
        started = self._webhooks.get(webhook, job.search.request_id) if job.webhook else job.search.request_id
        known = self._jobs.get(job.search)
        is_free = known is None or (after_end and known.status in ENDED)
        if not is_free or started != job.search.request_id:
            return False
        self._jobs[job.search] = job
        if job.webhook:
            self._webhooks[webhook] = job.search.request_id
        return True

    @override
    def note_enqueued(self, search: SearchKey) -> bool:
        if search not in self._jobs:
            return False
        self._jobs[search] = replace(self._jobs[search], enqueued=True)
        return True

    @override
    def cancel(self, search: SearchKey) -> bool:
        job = self._jobs.get(search)
        if job is not None and (job.enqueued or job.status is not JobStatus.QUEUED):
            return False
        self.delete(search)
        return True

    @override
    def begin(self, search: SearchKey) -> bool:
        return self._change(search, JobStatus.RUNNING, "")

    @override
    def note(self, search: SearchKey, reason: str) -> None:
        if search in self._jobs and self._jobs[search].status is JobStatus.RUNNING:
            self._change(search, JobStatus.RUNNING, reason)

    @override
    def end(self, search: SearchKey, reason: str = "") -> None:
        self._change(search, JobStatus.FAILED if reason else JobStatus.DONE, reason)

    @override
    def jobs(self, event_id: int) -> Iterator[SearchKey]:
        return iter([search for search in self._jobs if search.event_id == event_id])

    @override
    def holds(self, search: SearchKey) -> bool:
        return search in self._jobs

    @override
    def delete(self, search: SearchKey) -> bool:
        job = self._jobs.pop(search, None)
        if job is None:
            return False
        self._webhooks.pop((search.org_id, job.webhook), None)
        return True

    def _change(self, search: SearchKey, status: JobStatus, reason: str) -> bool:
        job = self._jobs.get(search)
        if job is None or job.status is JobStatus.DONE:
            return False
        self._jobs[search] = replace(job, status=status, reason=reason)
        return True


@dataclass
class MemoryWatchStore(WatchStore):
    """Over dictionaries, of which `MemoryReader` may read two; `told`: children."""

    most: int = WATCHES_PER_EVENT
    watches: dict[SearchKey, Watch] = field(default_factory=dict)
    latest: dict[SearchKey, uuid.UUID] = field(default_factory=dict)
    told: dict[SearchKey, list[SearchKey]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    claims: dict[int, float] = field(default_factory=dict)

    @override
    def keep(self, watch: Watch) -> bool:
        event_id = watch.search.event_id
        if self.counts.get(event_id, 0) >= self.most:
            return False
        if self.get(watch.search) is None:
            self.watches[watch.search] = watch
            self.counts[event_id] = self.counts.get(event_id, 0) + 1
        return True

    @override
    def get(self, search: SearchKey) -> Watch | None:
        watch = self.watches.get(search)
        return watch if watch is not None and watch.expires_at > time.time() else None

    @override
    def page(self, event_id: int, after: uuid.UUID | None, limit: int) -> list[Watch]:
        watches = [watch for search, watch in self.watches.items() if search.event_id == event_id]
        behind = [watch for watch in watches if after is None or str(watch.search.request_id) > str(after)]
        return sorted(behind, key=lambda watch: str(watch.search.request_id))[:limit]

    @override
    def enter(self, watch: Watch, child: SearchKey) -> None:
        told = self.told.setdefault(watch.search, [])
        if child not in told:
            told.append(child)

    @override
    def note(self, watch: Watch, child: SearchKey) -> bool:
        now = self.watches.get(watch.search)
        if now is None or now.last != watch.last:
            return False
        self.watches[watch.search] = replace(now, last=child.request_id)
        self.latest[watch.search] = child.request_id
        return True

    @override
    def recount(self, event_id: int, watches: int) -> None:
        self.counts[event_id] = watches

    @override
    def has_watches(self, event_id: int) -> bool:
        return bool(self.page(event_id, None, 1))

    @override
    def claim(self, event_id: int, now: float, until: float) -> bool:
        if self.claims.get(event_id, 0) > now:
            return False
        self.claims[event_id] = until
        return True

    @override
    def delete(self, search: SearchKey) -> bool:
        if self.watches.pop(search, None) is None:
            return False
        self.counts[search.event_id] = max(0, self.counts.get(search.event_id, 0) - 1)
        return True

    @override
    def children(self, search: SearchKey) -> list[SearchKey]:
        return sorted(self.told.get(search, []), key=lambda child: str(child.request_id))

    @override
    def delete_children(self, search: SearchKey) -> None:
        self.told.pop(search, None)
        self.latest.pop(search, None)

    @override
    def delete_watches(self, event_id: int) -> int:
        gone = [search for search in self.watches if search.event_id == event_id]
        for search in gone:
            del self.watches[search]
        self.counts.pop(event_id, None)
        self.claims.pop(event_id, None)
        return len(gone)

    @override
    def delete_all(self, event_id: int) -> int:
        for search in [search for search in self.told if search.event_id == event_id]:
            self.delete_children(search)
        return self.delete_watches(event_id)

    @override
    def count(self, event_id: int) -> int:
        return sum(search.event_id == event_id for search in self.watches)
