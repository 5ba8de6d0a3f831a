"""A full disk: `/dev/full` takes nothing, as a disk without space."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path

import pytest

from facesearch_local import disk
from facesearch_local.pool import FunctionFailed
from facesearch_local.workers import FunctionLog
from tests.processes.conftest import OpenPool

pytestmark = pytest.mark.anyio
FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    if not FULL.exists():
        pytest.skip("no /dev/full on this system")
    monkeypatch.setattr("facesearch_local.workers.TROUBLE", disk.Trouble())
    monkeypatch.setattr(disk, "TROUBLE", disk.Trouble())


@pytest.fixture
def log() -> FunctionLog:
    return FunctionLog(FULL)


async def test_given_a_full_disk_when_called_then_there_is_a_response_and_one_line_for_the_operator(
    open_pool: OpenPool, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_pool() as pool:
        for _ in range(2):
            answer = await pool.invoke(json.dumps({"do": "echo"}).encode())
            assert json.loads(answer) == {"do": "echo"}
        with pytest.raises(FunctionFailed):
            await pool.invoke(json.dumps({"do": "exit"}).encode())
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "No space left on device" in said


async def test_given_a_full_disk_when_the_gateway_logs_then_a_line_is_lost_without_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = disk.LogFile(FULL)
    record = logging.makeLogRecord({"msg": "a request"})
    handler.handle(record)
    handler.handle(record)
    said = capsys.readouterr().err
    assert (said.count("\n"), "Traceback" in said) == (1, False)
    with contextlib.suppress(OSError):  # what it could not write
        handler.close()
