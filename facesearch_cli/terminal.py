"""Output: results on stdout, everything else on stderr, a progress bar only where somebody watches."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Stage(Protocol):
    """One step of a long task."""

    def advance(self, count: int = 1) -> None:
        """So many more are done."""


class Watcher(Protocol):
    """Follows a long task."""

    def stage(self, name: str, total: int | None) -> Stage:
        """The next step of the task begins; None = nobody knows how long it is."""


class _Silent:
    def stage(self, name: str, total: int | None) -> Stage:
        return self

    def advance(self, count: int = 1) -> None:
        pass


SILENT: Watcher = _Silent()


class _BarStage:
    def __init__(self, progress: Progress, name: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=total)

    def advance(self, count: int = 1) -> None:
        self._progress.advance(self._task, count)


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def stage(self, name: str, total: int | None) -> Stage:
        return _BarStage(self._progress, name, total)


@contextmanager
def progress_bar() -> Iterator[Watcher]:
    """A progress bar on stderr if that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield SILENT
        return
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bars(progress)


def following(watcher: Watcher, name: str) -> Callable[[int, int], None]:
    """Shows as one stage what a use case tells of: how many are done, of how many."""
    stage: Stage | None = None
    shown = 0

    def follow(done: int, total: int) -> None:
        nonlocal stage, shown
        stage = stage or watcher.stage(name, total)
        stage.advance(done - shown)
        shown = done

    return follow


ENDING = "Finishing what is under way. Press Ctrl-C again to stop at once."
SHOW_CURSOR = b"\x1b[?25h"


@contextmanager
def held_interrupts(said: str = "") -> Iterator[Callable[[], None]]:
    """Ctrl-C waits for the next call of what this gives, which then raises it; a second one ends the process at once.

    `said` is for a terminal, at the first one, where it may take a while until it is raised.

    Raised in the middle of a thread pool's own locking, it would leave a lock that nobody ever releases.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    asked = False

    def note(number: int, _: object) -> None:
        nonlocal asked
        if asked:
            _to_terminal(SHOW_CURSOR + b"\n")  # nobody else will: a progress bar hides it
            os._exit(128 + number)
        asked = True
        if said:
            _to_terminal(f"{said}\r\n".encode())

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield check
        check()
    finally:
        signal.signal(signal.SIGINT, before)


def _to_terminal(text: bytes) -> None:
    """At once and past all buffers, which the interrupted code may be in the middle of."""
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, text)


def results() -> Console:
    """The console for what the user asked for. Nothing in a file name is read as markup."""
    return Console(markup=False, highlight=False, soft_wrap=True)


def print_lines(lines: Iterable[str], nothing: str) -> None:
    """The rows of a list on stdout; of an empty one stderr says that there is `nothing`."""
    shown = list(lines)
    for line in shown:
        results().print(line)
    if not shown:
        say(nothing)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on a line of its own. ASCII: file names need not be text, and a pipe need not be UTF-8."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def say(message: str) -> None:
    """A line for the user, on stderr."""
    Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(printable(message))


def plural(count: int, noun: str) -> str:
    """The count with its noun, which takes an s unless the count is 1."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def printable(text: str) -> str:
    """The text with everything replaced that a terminal would obey instead of showing it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
