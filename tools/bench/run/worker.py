"""One function of one commit in a process of its own: `python -m tools.bench.run.worker APP` reads commands, a line of
JSON each, from stdin and writes as many results to stdout. What the function prints goes nowhere.

The packages of the commit come first in PYTHONPATH; of this one only `tools` is used.
"""

import gc
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.bench.requests import Counter, longest_chain
from tools.bench.run.stages import Stages

WAITS = {"dynamodb": 0.004, "PutObject": 0.035}
"""Seconds that are put in where they are asked for: AWS's usual replies, by service or operation."""
SECONDS = 20


class Context:
    """Of Lambda's, what the functions use."""

    function_name = "bench"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    aws_request_id = "bench"

    def __init__(self) -> None:
        self._until = time.monotonic() + SECONDS

    def get_remaining_time_in_millis(self) -> int:
        """Of an invocation that has just begun."""
        return int(1000 * (self._until - time.monotonic()))


class Worker:
    """The function's handler, counted and timed from outside."""

    def __init__(self, app: Path) -> None:
        self._waits = False
        self._stages = Stages()
        self._stages.wrap_all()
        self._counter = Counter(before=self._wait)
        self._handler = load(app)
        self._bare: Callable[..., Any] | None = None

    def call(self, event: Any, times: int = 1, *, waits: bool = False, plain: bool = False) -> dict[str, Any]:
        """Some invocations one after the other: CPU and wall milliseconds of each in the mean, and what the last did.

        `plain`: with nothing noted, so that noting costs nothing.
        """
        self._waits = waits
        if plain:
            self._counter.stop()
        gc.collect()
        self._counter.taken(), self._stages.taken()
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(times):
            self._counter.calls.clear()
            response = self._handler(event, Context())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if plain:
            self._counter = Counter(before=self._wait)
        calls = self._counter.taken()
        since = self._stages.ended.get("probe", 0)
        return {
            "status": response.get("statusCode"),
            "body": response.get("body"),
            "wall": 1000 * wall / times,
            "cpu": 1000 * cpu / times,
            "calls": [asdict(call) for call in calls],
            "chain": len(longest_chain(calls)),
            "chain_after": len(longest_chain([call for call in calls if call.began >= since])) if since else 0,
            "stages": {name: asdict(spent) for name, spent in self._stages.taken().items()},
            "missing": self._stages.missing,
        }

    def bare(self, body: str, event: Any, times: int) -> dict[str, Any]:
        """A handler of powertools' with nothing in it but this response."""
        if self._bare is None:
            from tools.bench.run.bare import handler_of

            self._bare = handler_of(json.loads(body))
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(times):
            self._bare(event, Context())
        return {
            "cpu": 1000 * (time.process_time() - cpu) / times,
            "wall": 1000 * (time.perf_counter() - wall) / times,
        }

    def from_memory(self) -> dict[str, Any]:
        """From now on what was read once is read again without DynamoDB: one request's only."""
        from facesearch.adapters.dynamodb import reading

        reader: Any = reading.DynamoReader
        read, known = reader.read, dict[str, Any]()

        def remembered(self: Any, wanted: Any) -> Any:
            if repr(wanted) not in known:
                known[repr(wanted)] = read(self, wanted)
            return known[repr(wanted)]

        reader.read = remembered
        return {}

    def peak(self, *, reset: bool = False) -> dict[str, Any]:
        """The most memory that this process has held since the last reset, in bytes; None where nobody says it."""
        if reset:
            try:
                Path("/proc/self/clear_refs").write_text("5")
            except OSError:
                return {"bytes": None}
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            return {"bytes": None}
        return {"bytes": next((1024 * int(each.split()[1]) for each in lines if each.startswith("VmHWM")), None)}

    def floor(self, selfie: str, faces: int) -> dict[str, Any]:
        """The least that a search takes: see `floor`."""
        from tools.bench.run.floor import floor_of

        return floor_of(Path(selfie), faces)

    def _wait(self, service: str, operation: str) -> None:
        if self._waits:
            time.sleep(WAITS.get(operation, WAITS.get(service, 0)))


def load(app: Path) -> Callable[[Any, Any], Any]:
    """The handler of a function's `app.py`."""
    spec = importlib.util.spec_from_file_location("app", app)
    if spec is None or spec.loader is None:
        raise ImportError(app)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[Any, Any], Any] = module.handler
    return handler


def main() -> None:
    """Serve until stdin ends."""
    results = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    worker = Worker(Path(sys.argv[1]))
    for line in sys.stdin:
        command = json.loads(line)
        result = getattr(worker, command.pop("do"))(**command)
        results.write(json.dumps(result) + "\n")
        results.flush()


if __name__ == "__main__":
    main()
