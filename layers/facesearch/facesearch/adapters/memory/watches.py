"""Watches in memory, for tests and experiments; they pass the same contract tests as DynamoDB's."""

import time
import uuid
from dataclasses import dataclass, field, replace

from typing_extensions import override

from facesearch.models import SearchKey
from facesearch.webhooks.watches.watch import WATCHES_PER_EVENT, Watch, WatchStore


@dataclass
class MemoryWatchStore(WatchStore):
    """Over dictionaries; `told`: children."""

    most: int = WATCHES_PER_EVENT
    watches: dict[SearchKey, Watch] = field(default_factory=dict)
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

    @override
    def delete_all(self, event_id: int) -> int:
        gone = [search for search in self.watches if search.event_id == event_id]
        for search in gone:
            del self.watches[search]
        for search in [search for search in self.told if search.event_id == event_id]:
            del self.told[search]
        self.counts.pop(event_id, None)
        self.claims.pop(event_id, None)
        return len(gone)

    @override
    def count(self, event_id: int) -> int:
        return sum(search.event_id == event_id for search in self.watches)
