"""Become a command that does not outlive the process which started it, not even when that is killed.

Run by path, in a bare interpreter: `python -I -S parent_death.py PARENT_PID SIGNAL COMMAND…`. Standard library only.
On Linux the kernel sends the signal; elsewhere a child looks after the parent twice a second.
"""

import ctypes
import os
import sys
import time

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5


def main() -> None:
    parent, signal_number, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
    elif os.fork() == 0:
        watch(parent, os.getppid(), signal_number)
        os._exit(0)
    if os.getppid() != parent:  # it was gone before the kernel was told
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - no shell wanted


def watch(parent: int, command: int, signal_number: int) -> None:
    """Wait until the parent or the command is gone; in the first case, signal the command."""
    while os.getppid() == command:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            os.kill(command, signal_number)
            return
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
