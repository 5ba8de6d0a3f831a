"""Schedule events: call a function at a fixed rate, as EventBridge does."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from facesearch_local.intrinsics import TemplateError
from facesearch_local.pool import FunctionFailed

if TYPE_CHECKING:
    from facesearch_local.gateway import Invocable

_RATE = re.compile(r"rate\(\s*(?P<count>[1-9][0-9]*)\s+(?P<unit>minute|hour|day)s?\s*\)")
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """A schedule of a function. `seconds` between two calls."""

    name: str
    seconds: float
    enabled: bool = True

    @classmethod
    def of(cls, event_id: str, properties: Mapping[str, Any]) -> Schedule:
        """Read a Schedule event.

        Raises:
            TemplateError: anything but rate(…), or a property that the local stack does not know.
        """
        if unknown := properties.keys() - {"Schedule", "Enabled", "Name", "Description"}:
            raise TemplateError(f"{event_id}: the local stack does not know {', '.join(sorted(unknown))}")
        rate = _RATE.fullmatch(str(properties.get("Schedule", "")))
        if rate is None:
            raise TemplateError(f"{event_id}: the local stack knows schedules of the form rate(1 day) only")
        seconds = int(rate["count"]) * _SECONDS[rate["unit"]]
        return cls(str(properties.get("Name", event_id)), seconds, properties.get("Enabled", True) is not False)


async def keep_calling(schedule: Schedule, function: Invocable, region: str, account: str) -> None:
    """Call the function once per period, for the first time after one, until cancelled. A call that fails is logged;
    the next one comes as if it had not."""
    while schedule.enabled:
        await asyncio.sleep(schedule.seconds)
        try:
            await function.invoke(json.dumps(event_of(schedule, region, account)).encode())
        except FunctionFailed as error:
            logger.warning("schedule %s: %s", schedule.name, type(error).__name__)


def event_of(schedule: Schedule, region: str, account: str) -> dict[str, Any]:
    """What the function gets."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{account}:rule/{schedule.name}"],
        "detail": {},
    }
