"""Ctrl-C, from a command's first moment to its last: one line at most, and no traceback."""

import signal
import sys
from collections.abc import Callable

INTERRUPTED = 130
"""The exit code that a shell gives to a program that Ctrl-C has ended."""


def run(main: Callable[[], int | None]) -> int:
    """Run a command whose imports are done, and which may end with KeyboardInterrupt; the exit code.

    Before and after, Ctrl-C ends the process by the signal: nothing is left to tidy up, and an exception in the midst
    of an import or of the interpreter's end would print a traceback.
    """
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return main() or 0
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
