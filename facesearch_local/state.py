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


class NotOurFolderError(Exception):
    """The folder holds files of somebody else, or cannot be had; the text says what to do."""


class State:
    """Paths below the folder, and its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.description = self.folder / "stack.json"
        self.workers = self.folder / "workers.json"
        self.seed = self.folder / "seed.json"
        self.logs = self.folder / "logs"
        self.scratch = self.folder / "tmp"
        self.marker = self.folder / ".facesearch-local"

    def log(self, name: str) -> Path:
        """The log of a function, of the gateway, of the store."""
        return self.logs / f"{name}.log"

    def own(self) -> None:
        """Have the folder, marked as ours: below it a stack deletes and writes what it likes. For its owner alone.

        Raises:
            NotOurFolderError: it holds what nobody has marked, or cannot be written.
        """
        other = "Choose a new or empty folder: --state DIR"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # `make demo` has its own folder in that of `make serve`.
            if not self._is_ours() and not all(State(entry)._is_ours() for entry in self.folder.iterdir()):
                raise NotOurFolderError(f"{self.folder} holds files that are not a local stack's. {other}")
            self.folder.chmod(0o700)
            os.close(os.open(self.marker, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise NotOurFolderError(f"{self.folder} cannot be used: {error.strerror}. {other}") from None

    def _is_ours(self) -> bool:
        """Whether it is marked, or is what a stack of 0.1.0 has left, which marked nothing."""
        lock = self.folder / "lock"
        return self.marker.is_file() or (lock.is_file() and lock.stat().st_size == 0 and self.log("stack").is_file())

    def _tighten(self) -> None:
        """Keep from others what an earlier stack has kept, maybe under another umask."""
        for folder, _, files in os.walk(self.folder):
            for path, mode in ((Path(folder), 0o700), *((Path(folder, name), 0o600) for name in files)):
                with contextlib.suppress(FileNotFoundError):  # of the demo's own stack, which may run
                    if not path.is_symlink():
                        path.chmod(mode)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder ready for a new stack, and keep others out until the end; the lock dies with the process.

        Raises:
            StateInUseError: there is a stack.
            NotOurFolderError: see `own`.
        """
        self.own()
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateInUseError(f"a local stack is running in {self.folder} already{self._who()}") from None
            self._clear()
            self._tighten()
            self.logs.mkdir()
            self.scratch.mkdir()
            try:
                yield
            finally:
                self.description.unlink(missing_ok=True)
                self.workers.unlink(missing_ok=True)
                shutil.rmtree(self.scratch, ignore_errors=True)

    def _clear(self) -> None:
        """Remove what a stack that was killed has left, and the logs of the last one."""
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
