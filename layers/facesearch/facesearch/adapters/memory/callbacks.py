"""Callbacks in memory: held to the same contract as `store.callbacks` by the tests, and used by them."""

import threading
from collections.abc import Iterator
from dataclasses import replace

from facesearch.webhooks.callbacks.callback import Callback, CallbackKey, Status


class MemoryCallbackStore:
    """`CallbackStore`, `CallbackLists` and `Addresses` over dictionaries."""

    def __init__(self) -> None:
        self.callbacks: dict[CallbackKey, Callback] = {}
        self.claims: dict[CallbackKey, float] = {}
        self.off: set[tuple[int, str]] = set()
        self._lock = threading.Lock()

    def add(self, callback: Callback) -> Callback:
        """See `CallbackStore.add`."""
        with self._lock:
            return self.callbacks.setdefault(callback.key, callback)

    def get(self, key: CallbackKey) -> Callback | None:
        """See `CallbackStore.get`."""
        return self.callbacks.get(key)

    def claim(self, key: CallbackKey, turn: int, now: float, until: float) -> bool:
        """See `CallbackStore.claim`."""
        with self._lock:
            callback = self.callbacks.get(key)
            if callback is None or callback.status is not Status.PENDING or callback.turn > turn:
                return False
            if self.claims.get(key, now) > now:
                return False
            self.callbacks[key] = replace(callback, turn=turn, attempts=callback.attempts + 1)
            self.claims[key] = until
            return True

    def settle(self, callback: Callback, turn: int) -> bool:
        """See `CallbackStore.settle`."""
        with self._lock:
            now = self.callbacks.get(callback.key)
            return now is not None and now.status is Status.PENDING and now.turn == turn and self._write(callback)

    def restart(self, callback: Callback) -> bool:
        """See `CallbackStore.restart`."""
        with self._lock:
            now = self.callbacks.get(callback.key)
            if now is None or now.status is Status.DELIVERED or now.turn >= callback.turn:
                return False
            return self._write(callback)

    def remove(self, key: CallbackKey) -> None:
        """See `CallbackStore.remove`."""
        self.callbacks.pop(key, None)

    def of_org(self, org_id: int) -> Iterator[Callback]:
        """See `CallbackLists.of_org`."""
        return iter([callback for key, callback in self.callbacks.items() if key.org_id == org_id])

    def count(self, org_id: int, event_id: int) -> int:
        """See `CallbackLists.count`."""
        return sum(key.event_id == event_id for key in self.callbacks if key.org_id == org_id)

    def purge(self, org_id: int, event_id: int) -> int:
        """See `CallbackLists.purge`."""
        gone = [key for key in self.callbacks if (key.org_id, key.event_id) == (org_id, event_id)]
        return len([self.callbacks.pop(key) for key in gone])

    def is_off(self, org_id: int, url: str) -> bool:
        """See `Addresses.is_off`."""
        return (org_id, url) in self.off

    def switch_off(self, org_id: int, url: str) -> None:
        """See `Addresses.switch_off`."""
        self.off.add((org_id, url))

    def switch_on(self, org_id: int, url: str) -> None:
        """See `Addresses.switch_on`."""
        self.off.discard((org_id, url))

    def _write(self, callback: Callback) -> bool:
        self.callbacks[callback.key] = callback
        self.claims.pop(callback.key, None)
        return True
