from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from facesearch_local.intrinsics import TemplateError
from facesearch_local.pool import FunctionCrashed
from facesearch_local.schedules import Schedule, event_of, keep_calling
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("rate", "seconds"), [("rate(1 minute)", 60), ("rate(2 hours)", 7_200), ("rate(1 day)", 86_400)]
)
def test_given_a_rate_when_read_then_its_seconds(rate: str, seconds: int) -> None:
    assert Schedule.of("Daily", {"Schedule": rate}) == Schedule("Daily", seconds)


@pytest.mark.parametrize(
    "properties",
    [{"Schedule": "cron(0 3 * * ? *)"}, {"Schedule": "rate(0 days)"}, {}, {"Schedule": "rate(1 day)", "Input": "x"}],
)
def test_given_what_is_not_known_when_read_then_a_template_error(properties: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match="Daily"):
        Schedule.of("Daily", properties)


def test_when_called_then_with_the_event_that_is_versioned() -> None:
    sample = json.loads((ROOT / "events" / "snapshots-daily.json").read_text())
    event = event_of(Schedule("facesearch-daily", 86_400), "us-east-1", "123456789012")
    assert event | {"id": "", "time": ""} == sample | {"id": "", "time": ""}


@pytest.mark.anyio
async def test_given_a_call_that_fails_when_the_next_is_due_then_it_comes() -> None:
    calls: list[bytes] = []

    class Function:
        async def invoke(self, payload: bytes) -> bytes:
            calls.append(payload)
            raise FunctionCrashed("signal 9")

    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await keep_calling(Schedule("Daily", 0.05), Function(), "us-east-1", "0")
    assert len(calls) > 2
