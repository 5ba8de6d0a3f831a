"""Watches in memory, for tests and experiments; they pass the same contract tests as DynamoDB's."""

import time
import uuid
from dataclasses import replace

from facesearch.models import SearchKey
from facesearch.webhooks.watches.watch import WATCHES_PER_EVENT, Watch


class MemoryWatchStore:
    """`WatchStore`, `WatchEraser` and `Rounds` over dictionaries."""

    def __init__(self, most: int = WATCHES_PER_EVENT) -> None:
        self.watches: dict[SearchKey, Watch] = {}
        self.told: dict[SearchKey, list[SearchKey]] = {}
        self.counts: dict[int, int] = {}
        self.claims: dict[int, float] = {}
        self._most = most

    def keep(self, watch: Watch) -> bool:
        """See `WatchStore.keep`."""
        event_id = watch.search.event_id
        if self.counts.get(event_id, 0) >= self._most:
            return False
        if self.get(watch.search) is None:
            self.watches[watch.search] = watch
            self.counts[event_id] = self.counts.get(event_id, 0) + 1
        return True

    def get(self, search: SearchKey) -> Watch | None:
        """See `WatchStore.get`."""
        watch = self.watches.get(search)
        return watch if watch is not None and watch.expires_at > time.time() else None

    def page(self, event_id: int, after: uuid.UUID | None, limit: int) -> list[Watch]:
        """See `WatchStore.page`."""
        watches = [watch for search, watch in self.watches.items() if search.event_id == event_id]
        behind = [watch for watch in watches if after is None or str(watch.search.request_id) > str(after)]
        return sorted(behind, key=lambda watch: str(watch.search.request_id))[:limit]

    def enter(self, watch: Watch, child: SearchKey) -> None:
        """See `WatchStore.enter`."""
        told = self.told.setdefault(watch.search, [])
        if child not in told:
            told.append(child)

    def note(self, watch: Watch, child: SearchKey) -> bool:
        """See `WatchStore.note`."""
        now = self.watches.get(watch.search)
        if now is None or now.last != watch.last:
            return False
        self.watches[watch.search] = replace(now, last=child.request_id)
        return True

    def recount(self, event_id: int, watches: int) -> None:
        """See `WatchStore.recount`."""
        self.counts[event_id] = watches

    def has_watches(self, event_id: int) -> bool:
        """See `Rounds.has_watches`."""
        return bool(self.page(event_id, None, 1))

    def claim(self, event_id: int, now: float, until: float) -> bool:
        """See `Rounds.claim`."""
        if self.claims.get(event_id, 0) > now:
            return False
        self.claims[event_id] = until
        return True

    def end(self, search: SearchKey) -> bool:
        """See `WatchEraser.end`."""
        if self.watches.pop(search, None) is None:
            return False
        self.counts[search.event_id] = max(0, self.counts.get(search.event_id, 0) - 1)
        return True

    def children(self, search: SearchKey) -> list[SearchKey]:
        """See `WatchEraser.children`."""
        return sorted(self.told.get(search, []), key=lambda child: str(child.request_id))

    def disown(self, search: SearchKey) -> None:
        """See `WatchEraser.disown`."""
        self.told.pop(search, None)

    def purge(self, event_id: int) -> int:
        """See `WatchEraser.purge`."""
        gone = [search for search in self.watches if search.event_id == event_id]
        for search in gone:
            del self.watches[search]
        for search in [search for search in self.told if search.event_id == event_id]:
            del self.told[search]
        self.counts.pop(event_id, None)
        self.claims.pop(event_id, None)
        return len(gone)

    def count(self, event_id: int) -> int:
        """See `WatchEraser.count`."""
        return sum(search.event_id == event_id for search in self.watches)
