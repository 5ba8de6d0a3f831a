"""The command line from inside another tool of ours: the same code path, its JSON as a value."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from facesearch_cli.app import run
from facesearch_cli.errors import CommandError
from facesearch_cli.interrupts import INTERRUPTED


def call(state: Path, *arguments: object, despite_failures: bool = False) -> Any:
    """What `facesearch --state STATE ARGUMENTS --json` prints; its progress bar and error line go to stderr.

    `despite_failures`: also if it ended with 1, as long as it printed what it did.

    Raises:
        CommandError: it did not end well.
        KeyboardInterrupt: it was interrupted.
    """
    words = [str(argument) for argument in arguments]
    out = io.StringIO()
    with redirect_stdout(out):
        code = run(["--state", str(state), *words, "--json"])
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code and not (despite_failures and out.getvalue()):
        raise CommandError(f"`facesearch {' '.join(words)}` ended with {code}.")
    return json.loads(out.getvalue())
