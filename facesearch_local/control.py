"""Run a local stack for as long as a block of code takes: for tests, the demo and the benchmark."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesearch_local.state import NotOurFolderError, State
from facesearch_local.workers import dying_with_us

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 90.0
STOP_SECONDS = 30.0


class LocalStackError(Exception):
    """The stack did not start; the text has its last words."""


@dataclass(frozen=True)
class RunningStack:
    """A stack that runs.

    Attributes:
        url: base URL of the API.
        endpoint_url: of the store, for boto3.
        description: the content of stack.json.
        state: its folder.
        pid: of the stack's process.
    """

    url: str
    endpoint_url: str
    description: Mapping[str, Any]
    state: Path
    pid: int

    def logs(self, function: str) -> Path:
        """The log of "search", "results", …; also of "gateway", "store" and "stack"."""
        return self.state / "logs" / f"{function}.log"

    def worker_pids(self, function: str) -> list[int]:
        """The worker processes of a function that are alive now."""
        with contextlib.suppress(FileNotFoundError):
            pids: list[int] = json.loads((self.state / "workers.json").read_text()).get(function, [])
            return pids
        return []


@contextlib.contextmanager
def running(  # noqa: PLR0913 - the options of a command, all with defaults but one
    *,
    port: int = 0,
    store: str = "ministack",
    state: Path,
    persist: bool = False,
    seed: bool = True,
    workers: int | None = None,
    runtime: str | None = None,
    template: Path | None = None,
    record_calls: Path | None = None,
    parameters: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    throttled: bool = True,
    secrets: Mapping[str, str] | None = None,
) -> Iterator[RunningStack]:
    """A stack in a process of its own, which ends with the block, and with this thread at the latest.

    The arguments are those of `python -m facesearch_local`; a `port` of 0 is any free one.

    Raises:
        LocalStackError: it did not start.
    """
    state = state.resolve()  # the stack's working directory is another
    command = [sys.executable, "-m", "facesearch_local", "--port", str(port), "--store", store, "--state", str(state)]
    command += ["--persist"] if persist else []
    command += [] if seed else ["--no-seed"]
    command += [] if throttled else ["--no-throttled"]
    options = {
        "--workers": workers,
        "--runtime": runtime,
        "--template": template,
        "--record-calls": record_calls and record_calls.resolve(),
    }
    for option, value in options.items():
        command += [] if value is None else [option, str(value)]
    for name, value in (parameters or {}).items():
        command += ["--parameter", f"{name}={value}"]
    for name, value in (settings or {}).items():
        command += ["--setting", f"{name}={value}"]
    for name, variable in (secrets or {}).items():
        command += ["--secret", f"{name}={variable}"]
    try:
        State(state).own()
    except NotOurFolderError as error:
        raise LocalStackError(str(error)) from None
    output = state / "stack.out"
    with open(output, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        process = subprocess.Popen(
            dying_with_us(command, death=signal.SIGTERM),
            cwd=ROOT,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(
                    [str(ROOT), str(ROOT / "layers" / "facesearch"), str(ROOT / "clients" / "python")]
                )
            },
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the block, whose end then stops the stack
        )
    try:
        description = _await_description(process, state, output)
        yield RunningStack(description["url"], description["endpoint_url"], description, state, process.pid)
    finally:
        _stop(process)


def _await_description(process: subprocess.Popen[bytes], state: Path, output: Path) -> dict[str, Any]:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            description: dict[str, Any] = json.loads((state / "stack.json").read_text())
            if description["pid"] == process.pid:
                return description
        time.sleep(0.05)
    said = output.read_text(errors="replace").strip()
    ending = "gave up waiting" if process.poll() is None else f"exit code {process.returncode}"
    raise LocalStackError(f"the local stack did not start ({ending}): {said[-2000:] or 'it printed nothing'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM; a second one, which forces the stop; SIGKILL, which its workers and store do not survive either."""
    for signal_number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS / 2)
