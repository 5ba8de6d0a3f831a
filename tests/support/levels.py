"""Proves how many calls follow one another, whatever the threads' luck: each reply waits for the rest of its level."""

import threading
from collections.abc import Sequence

PATIENCE = 30
"""Seconds until a level that never fills up is given up, and with it the proof."""


class Levels:
    """Takes a flow for what it is said to be: so many calls at a time.

    The calls of a level get their responses only when all of them have begun. So no call of a level waits for another
    one of it, and the longest chain of calls, each waiting for the one before, is at most as long as there are levels.
    Where the code makes calls one after the other that are said to be side by side, the level never fills up; `seen`
    then has too few.
    """

    def __init__(self, levels: Sequence[Sequence[str]]) -> None:
        self._sizes = [len(level) for level in levels]
        self._changed = threading.Condition()
        self._mine = threading.local()
        self._is_broken = False
        self.seen: list[list[str]] = [[]]

    def before(self, _service: str, operation: str) -> None:
        """A call begins: see `tools.bench.requests.Counter`."""
        with self._changed:
            if len(self.seen[-1]) == self._size(len(self.seen) - 1):
                self.seen.append([])
            self.seen[-1].append(operation)
            self._mine.level = len(self.seen) - 1
            self._changed.notify_all()

    def after(self, _call: object) -> None:
        """Its response has come, and is held."""
        self.wait_for(self._mine.level)

    def wait_for(self, level: int) -> None:
        """Until all calls of a level, from 0, have begun."""
        with self._changed:
            self._is_broken |= not self._changed.wait_for(lambda: self._is_broken or self._is_full(level), PATIENCE)
            self._changed.notify_all()

    def _is_full(self, level: int) -> bool:
        return len(self.seen) > level + 1 or (
            len(self.seen) == level + 1 and len(self.seen[level]) >= self._size(level)
        )

    def _size(self, level: int) -> int:
        return self._sizes[level] if level < len(self._sizes) else 1
