"""A disk that takes no more: said on the terminal, for the log that would say it is on that disk."""

from __future__ import annotations

import logging
import sys
import time

SAID_EVERY_SECONDS = 60.0


class Trouble:
    """Says what the disk refuses, a line a minute at most."""

    def __init__(self) -> None:
        self._said: float | None = None

    def say(self, error: OSError) -> None:
        """Tell the operator; what was to be written is lost."""
        now = time.monotonic()
        if self._said is None or now - self._said >= SAID_EVERY_SECONDS:
            self._said = now
            print(
                f"error: the stack cannot write below its state folder: {error.strerror}. "
                "Log lines are lost, and calls that need the disk fail with 500.",
                file=sys.stderr,
                flush=True,
            )


TROUBLE = Trouble()


class LogFile(logging.FileHandler):
    """A log that loses a line rather than print a traceback for it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """See `logging.Handler.handleError`."""
        error = sys.exception()
        if isinstance(error, OSError):
            TROUBLE.say(error)
        else:
            super().handleError(record)
