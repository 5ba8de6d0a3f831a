"""Workers are real processes here; only what they run is a toy."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from facesearch_local.pool import FunctionCrashed, FunctionError, FunctionTimedOut, Pool
from facesearch_local.runtime_api import LAMBDA_PAYLOAD_BYTES
from facesearch_local.workers import FunctionLog
from tests.processes.conftest import ARN, OpenPool, is_alive

pytestmark = pytest.mark.anyio


async def invoke(pool: Pool, do: str, **arguments: Any) -> Any:
    return json.loads(await pool.invoke(json.dumps({"do": do, **arguments}).encode()))


async def until_exists(path: Path) -> None:
    """The handler has begun: it makes this file."""

    def wait() -> None:
        end = time.monotonic() + 10
        while not path.exists():
            assert time.monotonic() < end
            time.sleep(0.01)

    await asyncio.to_thread(wait)


async def test_when_invoked_then_event_context_and_environment_are_lambda_s_and_nothing_is_the_caller_s(
    open_pool: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid")
    async with open_pool(seconds=7) as pool:
        event = {"do": "echo", "text": "Zoë \u2028", "large": "x" * 5_000_000}
        assert await invoke(pool, **event) == event
        request_id, arn, left = await invoke(pool, "context")
        assert (len(request_id), arn) == (36, ARN)
        assert 0 < left <= 7_000
        environment = await invoke(pool, "environment")
    wanted = {"GREETING": "hello", "MODELS_DIR": "/models", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
    assert wanted.items() <= environment.items()
    assert environment["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert environment.keys().isdisjoint({"HTTP_PROXY", "NOT_DECLARED", "PYTEST_CURRENT_TEST"})


async def test_given_more_events_than_workers_when_invoked_then_the_rest_waits(
    open_pool: OpenPool, tmp_path: Path
) -> None:
    async with open_pool(maximum=2) as pool:
        calls = [invoke(pool, "sleep", seconds=0.1, mark=str(tmp_path / str(n))) for n in range(6)]
        assert len(set(await asyncio.gather(*calls))) == 2
        assert len(pool.pids()) == 2


async def test_given_a_handler_that_raises_when_invoked_then_an_error_and_the_worker_lives_on(
    open_pool: OpenPool, log: FunctionLog
) -> None:
    async with open_pool() as pool:
        pid = await invoke(pool, "pid")
        with pytest.raises(FunctionError, match="ValueError"):
            await invoke(pool, "raise")
        assert await invoke(pool, "pid") == pid
    text = log.path.read_text()
    assert "what went wrong" in text
    assert "imported" in text


async def test_given_a_busy_worker_when_killed_then_its_call_crashes_and_the_next_is_answered(
    open_pool: OpenPool, log: FunctionLog, tmp_path: Path
) -> None:
    async with open_pool() as pool:
        call = asyncio.create_task(invoke(pool, "sleep", seconds=30, mark=str(tmp_path / "busy")))
        waiting = asyncio.create_task(invoke(pool, "echo"))
        await until_exists(tmp_path / "busy")
        (pid,) = pool.pids()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(FunctionCrashed, match="signal 9"):
            await call
        assert await waiting == {"do": "echo"}
        assert pid not in pool.pids()
    assert "Runtime exited without a response: signal 9" in log.path.read_text()


async def test_given_an_idle_worker_when_killed_then_no_call_fails(open_pool: OpenPool) -> None:
    async with open_pool(maximum=2) as pool:
        for _ in range(8):
            os.kill(await invoke(pool, "pid"), signal.SIGKILL)
            assert await invoke(pool, "echo") == {"do": "echo"}


async def test_given_a_slow_handler_when_its_timeout_passes_then_the_worker_is_killed(
    open_pool: OpenPool, log: FunctionLog, tmp_path: Path
) -> None:
    async with open_pool(seconds=0.5) as pool:
        pid = await invoke(pool, "pid")
        with pytest.raises(FunctionTimedOut, match=r"after 0\.50 seconds"):
            await invoke(pool, "sleep", seconds=30, mark=str(tmp_path / "busy"))
        assert await invoke(pool, "pid") != pid
        assert not is_alive(pid)
    assert "Task timed out after 0.50 seconds" in log.path.read_text()
    assert "Runtime exited" not in log.path.read_text()


async def test_given_the_largest_answer_when_one_byte_is_added_then_it_is_an_error(open_pool: OpenPool) -> None:
    async with open_pool() as pool:
        largest = LAMBDA_PAYLOAD_BYTES - len('""')
        assert len(await invoke(pool, "large", bytes=largest)) == largest
        with pytest.raises(FunctionError, match="ResponseSizeTooLarge"):
            await invoke(pool, "large", bytes=largest + 1)
        assert await invoke(pool, "echo") == {"do": "echo"}


async def test_given_code_that_cannot_be_imported_when_invoked_then_it_crashes_every_time(
    open_pool: OpenPool, log: FunctionLog
) -> None:
    async with open_pool(source="import no_such_module") as pool:
        for _ in range(2):
            with pytest.raises(FunctionCrashed, match="while starting: exit status 1"):
                await invoke(pool, "echo")
    assert "no_such_module" in log.path.read_text()


async def test_given_a_caller_that_gave_up_waiting_when_the_worker_is_free_then_nothing_runs(
    open_pool: OpenPool, tmp_path: Path
) -> None:
    async with open_pool() as pool:
        busy = asyncio.create_task(invoke(pool, "sleep", seconds=0.5, mark=str(tmp_path / "first")))
        await until_exists(tmp_path / "first")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await invoke(pool, "sleep", seconds=0, mark=str(tmp_path / "second"))
        await busy
        await invoke(pool, "echo")
        assert not (tmp_path / "second").exists()


async def test_when_closed_then_no_worker_is_left_and_its_call_has_crashed(open_pool: OpenPool, tmp_path: Path) -> None:
    async with open_pool() as pool:
        call = asyncio.create_task(invoke(pool, "sleep", seconds=30, mark=str(tmp_path / "busy")))
        late = asyncio.create_task(invoke(pool, "echo"))
        await until_exists(tmp_path / "busy")
        (pid,) = pool.pids()
        await pool.close()
        assert not is_alive(pid)
        for task in (call, late):
            with pytest.raises(FunctionCrashed):
                await task


PRINTER = """
import json
def handler(event, context):
    for number in range(200):
        print(json.dumps({"number": number, "padding": "x" * 300}))
"""


async def test_given_workers_that_print_at_once_when_answered_then_every_line_is_whole_and_there(
    open_pool: OpenPool, log: FunctionLog
) -> None:
    async with open_pool(maximum=3, source=PRINTER) as pool:
        await asyncio.gather(*(invoke(pool, "print") for _ in range(3)))
        lines = log.path.read_text().splitlines()
        assert sorted(json.loads(line)["number"] for line in lines) == sorted(3 * list(range(200)))
