"""A pool of worker processes for one function: one invocation at a time each, grown on demand.

Everything here runs on one event loop, so no step between two awaits can be interleaved.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

INIT_SECONDS = 60.0
"""How long a worker may import. Lambda gives 10 s; a laptop whose cores are all busy needs more."""


class FunctionFailed(Exception):
    """The invocation has no result."""


class FunctionError(FunctionFailed):
    """The handler raised, or its response was too large; the text is the runtime's description."""


class FunctionCrashed(FunctionFailed):
    """The worker ended while it had the invocation, or could not be started for it."""


class FunctionTimedOut(FunctionFailed):
    """The function's Timeout passed; the worker was killed."""


@dataclass(eq=False)
class Invocation:
    """One event on its way through the function; `deadline` is in seconds since the epoch, 0 while it waits."""

    payload: bytes
    result: asyncio.Future[bytes]
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float = 0.0

    def fail(self, error: FunctionFailed) -> None:
        if not self.result.done():
            self.result.set_exception(error)


class WorkerProcess(Protocol):
    """A process that somebody else starts and logs."""

    @property
    def pid(self) -> int:
        """Process id."""

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""

    async def wait(self) -> int:
        """The exit status, once it is known and all output is logged."""

    def flush(self) -> None:
        """Log what was printed until now."""


@dataclass(eq=False)
class Worker:
    """One process; `wanted_by` is the invocation that it was started for, `invocation` the one that it has."""

    port: int
    wanted_by: Invocation
    process: WorkerProcess | None = None
    is_ready: bool = False
    invocation: Invocation | None = None
    timer: asyncio.TimerHandle | None = None

    def flush(self) -> None:
        """Log what it has printed until now."""
        if self.process is not None:
            self.process.flush()

    def kill(self) -> None:
        """SIGKILL to the worker and whatever it started; it is its session's leader."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


Idle = tuple[Worker, asyncio.Future[Invocation]]
"""A worker and its open call for the next invocation."""


class PlatformLog(Protocol):
    """Where the platform's own lines about a function go."""

    def platform(self, level: str, message: str, request_id: str | None = None) -> None:
        """Add a line."""


class Pool:
    """The workers of one function and the invocations that wait for them."""

    def __init__(
        self,
        *,
        launch: Callable[[int], Coroutine[Any, Any, WorkerProcess]],
        ports: Sequence[int],
        maximum: int,
        timeout: float,
        log: PlatformLog,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`ports` are the runtime API's, at least `maximum`; spare ones make a port rest before it is used again,
        so that a late call of a dead worker cannot be taken for its successor's."""
        self.maximum = maximum
        self.timeout = timeout
        self._launch = launch
        self._free_ports = deque(ports)
        self._log = log
        self._on_change = on_change
        self._workers: dict[int, Worker] = {}
        self._idle: list[Idle] = []
        self._pending: deque[Invocation] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def invoke(self, payload: bytes) -> bytes:
        """Run the function on a JSON event; its JSON response. Waits for a free worker as long as the caller does.

        Raises:
            FunctionError, FunctionCrashed, FunctionTimedOut: see there.
        """
        invocation = Invocation(payload, asyncio.get_running_loop().create_future())
        self._pending.append(invocation)
        self._dispatch()
        try:
            return await invocation.result
        finally:
            if invocation in self._pending:  # the caller gave up before a worker was free
                self._pending.remove(invocation)

    def pids(self) -> list[int]:
        """The process ids of the workers that are alive."""
        return [worker.process.pid for worker in self._workers.values() if worker.process is not None]

    async def close(self) -> None:
        """Kill the workers and wait until they are gone; what they were doing crashes."""
        self._is_closed = True
        for worker in self._workers.values():
            worker.kill()
        while self._tasks:
            await asyncio.wait(self._tasks)
        while self._pending:
            self._pending.popleft().fail(FunctionCrashed("the stack is stopping"))

    # ------------------------------------------------------------ what the runtime API calls

    def worker(self, port: int) -> Worker | None:
        """The worker that was told this port."""
        return self._workers.get(port)

    async def next_invocation(self, worker: Worker) -> Invocation:
        """The worker is free: wait until there is something to do."""
        self._finish(worker, FunctionCrashed("the worker asked for more before it responded"))
        worker.is_ready = True
        self._disarm(worker)
        place: Idle = (worker, asyncio.get_running_loop().create_future())
        self._idle.append(place)
        self._dispatch()
        try:
            return await place[1]
        finally:
            if place in self._idle:
                self._idle.remove(place)

    def succeed(self, worker: Worker, request_id: str, response: bytes) -> bool:
        """The worker's response; False if it was not at this invocation, or too late."""
        if worker.invocation is None or worker.invocation.request_id != request_id:
            return False
        self._finish(worker, response)
        return True

    def fail(self, worker: Worker, request_id: str, reason: str) -> bool:
        """The worker's error; False as above."""
        if worker.invocation is None or worker.invocation.request_id != request_id:
            return False
        self._finish(worker, FunctionError(reason))
        return True

    # ------------------------------------------------------------ the workings

    def _dispatch(self) -> None:
        while self._pending and (found := self._take_idle()):
            self._assign(self._pending.popleft(), *found)
        # Those that start, and those that have responded and not asked for more yet, will each take one.
        coming = sum(worker.invocation is None for worker in self._workers.values())
        for invocation in islice(self._pending, coming, None):
            if len(self._workers) >= self.maximum or self._is_closed:
                break
            self._start(invocation)

    def _take_idle(self) -> Idle | None:
        while self._idle:
            worker, waiting = self._idle.pop()  # the last one used: its caches are the warmest
            if not waiting.done() and not (worker.process and _is_dying(worker.process)):
                return worker, waiting
        return None

    def _assign(self, invocation: Invocation, worker: Worker, waiting: asyncio.Future[Invocation]) -> None:
        worker.invocation = invocation
        invocation.deadline = time.time() + self.timeout
        worker.timer = asyncio.get_running_loop().call_later(self.timeout, self._time_out, worker, invocation)
        waiting.set_result(invocation)

    def _time_out(self, worker: Worker, invocation: Invocation) -> None:
        message = f"Task timed out after {self.timeout:.2f} seconds"
        worker.flush()
        self._log.platform("ERROR", message, invocation.request_id)
        invocation.fail(FunctionTimedOut(message))
        worker.kill()

    def _finish(self, worker: Worker, outcome: bytes | FunctionFailed) -> None:
        worker.flush()  # the caller then finds the lines about it in the log
        invocation, worker.invocation = worker.invocation, None
        self._disarm(worker)
        if invocation is not None and not invocation.result.done():
            if isinstance(outcome, bytes):
                invocation.result.set_result(outcome)
            else:
                invocation.result.set_exception(outcome)

    def _disarm(self, worker: Worker) -> None:
        if worker.timer is not None:
            worker.timer.cancel()
            worker.timer = None

    def _start(self, invocation: Invocation) -> None:
        worker = Worker(self._free_ports.popleft(), invocation)
        self._workers[worker.port] = worker
        worker.timer = asyncio.get_running_loop().call_later(INIT_SECONDS, worker.kill)
        task = asyncio.get_running_loop().create_task(self._run(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, worker: Worker) -> None:
        status: int | None = None
        try:
            worker.process = await self._launch(worker.port)
            if self._is_closed:
                worker.kill()
            self._on_change()
            status = await worker.process.wait()
        except OSError as error:
            self._log.platform("ERROR", f"The worker could not be started: {error.strerror}")
        finally:
            self._gone(worker, status)

    def _gone(self, worker: Worker, status: int | None) -> None:
        del self._workers[worker.port]
        self._free_ports.append(worker.port)
        self._disarm(worker)
        self._idle = [place for place in self._idle if place[0] is not worker]
        if worker.invocation is not None:
            self._crash(worker.invocation, f"Runtime exited without a response: {_ending(status)}")
        elif not worker.is_ready and worker.wanted_by in self._pending:
            self._pending.remove(worker.wanted_by)
            self._crash(worker.wanted_by, f"Runtime exited while starting: {_ending(status)}")
        self._on_change()
        self._dispatch()

    def _crash(self, invocation: Invocation, reason: str) -> None:
        if not invocation.result.done():  # else it timed out, which is in the log already
            self._log.platform("ERROR", reason, invocation.request_id)
            invocation.fail(FunctionCrashed(reason))


def _ending(status: int | None) -> str:
    if status is None:
        return "it never ran"
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _is_dying(process: WorkerProcess) -> bool:
    """Whether the process has ended or is about to, though nobody was told yet.

    A worker that was killed while idle must not get an invocation in the milliseconds before its end is noticed.
    """
    if process.returncode is not None:
        return True
    try:
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        if sys.platform != "linux":
            return False
        stat = Path(f"/proc/{process.pid}/stat").read_bytes()
    except (ChildProcessError, FileNotFoundError, ProcessLookupError):
        return True
    fields = stat.rpartition(b")")[2].split()  # proc(5), from the third on; the name before may hold blanks
    exiting, pending = int(fields[6]) & 0x4, int(fields[28]) & 1 << (signal.SIGKILL - 1)
    return fields[0] in (b"Z", b"X") or bool(exiting or pending)
