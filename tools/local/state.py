"""The folder of a local stack: one stack at a time, its description, its logs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class StateInUseError(Exception):
    """Another stack uses this folder."""


class State:
    """Paths below the folder, and its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.description = self.folder / "stack.json"
        self.workers = self.folder / "workers.json"
        self.seed = self.folder / "seed.json"
        self.logs = self.folder / "logs"
        self.scratch = self.folder / "tmp"

    def log(self, name: str) -> Path:
        """The log of a function, of the gateway, of the store."""
        return self.logs / f"{name}.log"

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder ready for a new stack, and keep others out until the end; the lock dies with the process.

        Raises:
            StateInUseError: there is a stack.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateInUseError(f"a local stack is running in {self.folder} already{self._who()}") from None
            self._clear()
            self.logs.mkdir()
            self.scratch.mkdir()
            try:
                yield
            finally:
                self.description.unlink(missing_ok=True)
                self.workers.unlink(missing_ok=True)
                shutil.rmtree(self.scratch, ignore_errors=True)

    def _clear(self) -> None:
        """Whatever a stack that was killed has left, and the logs of the last one."""
        for path in (self.description, self.workers):
            path.unlink(missing_ok=True)
        for folder in (self.logs, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)

    def _who(self) -> str:
        with contextlib.suppress(OSError, ValueError, KeyError):
            other = json.loads(self.description.read_text())
            return f": process {other['pid']}, {other['url']}"
        return ""


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write so that a reader finds the old content or the new one, and nobody but the owner reads it."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    partial.replace(path)
