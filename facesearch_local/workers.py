"""How a worker process is started: with what Lambda would give it, and nothing of the caller's."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from facesearch_local.disk import TROUBLE
from facesearch_local.functions import Function
from facesearch_local.recorder.sitecustomize import FOLDER as RECORD_CALLS

HERE = Path(__file__).parent
RuntimeName = Literal["awslambdaric", "plain"]


def default_runtime() -> RuntimeName:
    """AWS's own runtime where it is installed."""
    return "awslambdaric" if importlib.util.find_spec("awslambdaric") else "plain"


def dying_with_us(command: list[str], *, death: signal.Signals) -> list[str]:
    """The command, made to get the signal `death` when this process ends in whatever way."""
    return [sys.executable, "-I", "-S", str(HERE / "parent_death.py"), str(os.getpid()), str(death.value), *command]


@dataclass(frozen=True)
class Surroundings:
    """What all workers of a stack share.

    Attributes:
        aws: endpoint, region and credentials, as the environment variables that boto3 reads.
        overrides: variables that replace the template's of the same name.
        scratch: stands for Lambda's /tmp.
        record_calls: where the workers note what permissions their calls need; None = nowhere.
    """

    aws: Mapping[str, str]
    overrides: Mapping[str, str]
    scratch: Path
    runtime: RuntimeName
    record_calls: Path | None = None


@dataclass(frozen=True)
class FunctionLog:
    """The log of one function: what its workers print, and the platform's own lines."""

    path: Path

    def start(self) -> None:
        """A fresh file."""
        self.path.write_bytes(b"")

    def platform(self, level: str, message: str, request_id: str | None = None) -> None:
        """Add what Lambda itself would log."""
        line = {
            "level": level,
            "message": message,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "source": "platform",
            "function_request_id": request_id,
        }
        self.append(f"{json.dumps(line)}\n".encode())

    def append(self, lines: bytes) -> None:
        """Add whole lines. A full disk loses them, and must not lose the response that they are about."""
        try:
            with self.path.open("ab") as log:
                log.write(lines)
        except OSError as error:
            TROUBLE.say(error)


class Launcher:
    """Starts worker processes of one function."""

    def __init__(self, function: Function, surroundings: Surroundings, log: FunctionLog) -> None:
        self._function = function
        self._surroundings = surroundings
        self._log = log

    async def launch(self, port: int) -> LoggedProcess:
        """A process that asks the runtime API on this port of 127.0.0.1 for its invocations."""
        function = self._function
        is_aws = self._surroundings.runtime == "awslambdaric"
        run = ["-m", "awslambdaric"] if is_aws else [str(HERE / "plain_worker.py")]
        command = dying_with_us([sys.executable, *run, function.handler], death=signal.SIGKILL)
        return await start_logged(command, function.code, environment(function, self._surroundings, port), self._log)


async def start_logged(
    command: list[str], folder: Path, environment: Mapping[str, str], log: FunctionLog
) -> LoggedProcess:
    """Start a worker in this folder; what it prints goes to the log."""
    output = _Output(log)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.write_end,
            stderr=output.write_end,
            start_new_session=True,  # a terminal's Ctrl-C is for the stack, which then stops its workers in order
        )
    except BaseException:
        output.close()
        raise
    finally:
        os.close(output.write_end)
    return LoggedProcess(process, output)


class LoggedProcess:
    """A process whose output goes to its function's log."""

    def __init__(self, process: asyncio.subprocess.Process, output: _Output) -> None:
        self._process = process
        self._output = output

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """The exit status, once it is known and all output is logged."""
        status = await self._process.wait()
        self._output.close()
        return status

    def flush(self) -> None:
        """Log what was printed until now."""
        self._output.drain()


class _Output:
    """A pipe to a log that passes whole lines only, because `print` writes a line's end by itself.

    Workers that wrote into one file would mix their lines.
    """

    def __init__(self, log: FunctionLog) -> None:
        self._log = log
        self._rest = bytearray()
        self._read_end, self.write_end = os.pipe()
        self._is_open = True
        os.set_blocking(self._read_end, False)
        asyncio.get_running_loop().add_reader(self._read_end, self.drain)

    def drain(self) -> None:
        if not self._is_open:
            return
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._read_end, 65536):
                self._rest += chunk
            asyncio.get_running_loop().remove_reader(self._read_end)  # nobody is left who could write
        end = self._rest.rfind(b"\n") + 1
        if end:
            self._log.append(bytes(self._rest[:end]))
            del self._rest[:end]

    def close(self) -> None:
        if not self._is_open:
            return
        self.drain()
        if self._rest:
            self._log.append(bytes(self._rest) + b"\n")
        self._is_open = False
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)


def environment(function: Function, surroundings: Surroundings, port: int) -> dict[str, str]:
    """The environment of a worker."""
    declared = dict(function.environment)
    declared |= {name: value for name, value in surroundings.overrides.items() if name in declared}
    scratch = str(surroundings.scratch)
    import_path = list(function.import_path)
    if surroundings.record_calls is not None:
        import_path.append(HERE / "recorder")
        declared[RECORD_CALLS] = str(surroundings.record_calls)
    return declared | {
        **surroundings.aws,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.physical_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.physical_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[$LATEST]{port}",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "HOME": scratch,
        "LAMBDA_RUNTIME_DIR": scratch,
        "LAMBDA_TASK_ROOT": str(function.code),
        "LANG": "C.UTF-8",
        "OPENCV_LOG_LEVEL": "ERROR",
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, import_path)),
        "TMPDIR": scratch,
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
