"""Callbacks in memory, for tests and experiments; they pass the same contract tests as DynamoDB's."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from typing_extensions import override

from facesearch.webhooks.callbacks.callback import (
    Callback,
    CallbackKey,
    CallbackStatus,
    CallbackStore,
)


@dataclass
class MemoryCallbackStore(CallbackStore):
    """Over dictionaries."""

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
