"""The last errors and warnings of a stack's logs, which hold identifiers and counts, and name nobody.

Of a line only what is known to be ours is shown: what Lambda or a library prints may quote what it was given.
"""

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.config import Config

from facesearch_cli.stack import Stack

MOST_LINES = 100
HOURS = 24
WINDOWS = (10 * 60, 3600, 6 * 3600, HOURS * 3600)
"""Seconds before now in which CloudWatch is asked, one after the other: it has the oldest lines of each first."""
PAGES = 5
"""Responses for one window; each covers what CloudWatch looks through in about a second."""
TAIL_BYTES = 512_000
"""Of each of the local stack's files."""
PATTERN = '?ERROR ?WARNING ?"Task timed out" ?"Runtime exited"'
PATIENCE = Config(connect_timeout=2, read_timeout=20)
LEVELS = ("ERROR", "WARNING", "CRITICAL")
IDS = ("org_id", "event_id", "request_id", "image_id", "callback_id", "function_request_id")
DETAILS = ("reason", "error", "cause", "aws_code", "status", "outcome", "field", "seconds", "attempt")
MOST_CHARACTERS = 300
MOST_FRAMES = 30
_PLATFORM = re.compile(r"Task timed out after [0-9.]+ seconds|Runtime exited[a-z ]*|\[ERROR\] [\w.]+")


@dataclass(frozen=True)
class LogLine:
    """One line.

    Attributes:
        at: seconds since the epoch.
        function: "search", "indexing", …; "gateway" where API Gateway's stand-in has responded by itself.
        ids, details: named values.
        stack: where an error came from, the last call last.
    """

    at: float
    function: str
    level: str
    message: str
    ids: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LastErrors:
    """Latest first. `complete`: False = there are more since `since`, in seconds since the epoch."""

    lines: list[LogLine]
    since: float
    complete: bool


def last_errors(stack: Stack, now: float | None = None) -> LastErrors:
    """Of the last day, as many as are shown."""
    now = time.time() if now is None else now
    if stack.state is not None:
        return _of_files(stack.state / "logs", now)
    return _of_cloudwatch(stack, now)


def _of_files(folder: Path, now: float) -> LastErrors:
    since, lines, complete = now - HOURS * 3600, list[LogLine](), True
    for path in sorted(folder.glob("*.log")):
        whole, text = _tail(path)
        complete = complete and whole
        read = _gateway_line if path.stem == "gateway" else _function_line
        found = (read(line, path.stem) for line in text.splitlines())
        lines += [line for line in found if line is not None and line.at >= since]
    return _latest(lines, since, complete=complete)


def _tail(path: Path) -> tuple[bool, str]:
    """Whether it is the whole file, and its last lines."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        data = file.read(TAIL_BYTES)
    if size > TAIL_BYTES:
        data = data.partition(b"\n")[2]
    return size <= TAIL_BYTES, data.decode(errors="replace")


def _of_cloudwatch(stack: Stack, now: float) -> LastErrors:
    logs, lines, complete, end = stack.client("logs", PATIENCE), list[LogLine](), True, now
    for window in WINDOWS:
        begin = now - window
        found, whole = _between(logs, f"/aws/lambda/{stack.name}", begin, end)
        lines += found
        complete = complete and whole
        end = begin
        if len(lines) >= MOST_LINES:
            return _latest(lines, begin, complete=complete and window == WINDOWS[-1])
    return _latest(lines, end, complete=complete)


def _between(logs: Any, group: str, begin: float, end: float) -> tuple[list[LogLine], bool]:
    """The lines of a window that are worth showing, and whether all of it was looked through."""
    lines: list[LogLine] = []
    more: dict[str, str] = {}
    for _ in range(PAGES):
        response = logs.filter_log_events(
            logGroupName=group,
            startTime=int(begin * 1000),
            endTime=int(end * 1000) - 1,
            filterPattern=PATTERN,
            **more,
        )
        for event in response.get("events", []):
            function = _function_of_stream(event.get("logStreamName", ""))
            line = _function_line(event["message"], function, event["timestamp"] / 1000)
            lines += [line] if line is not None else []
        if "nextToken" not in response:
            return lines, True
        more = {"nextToken": response["nextToken"]}
    return lines, False


def _function_of_stream(stream: str) -> str:
    """In a group that functions share, their streams are `YYYY/MM/DD/{function}[{version}]{random}`."""
    found = re.fullmatch(r"[0-9/]+/([\w-]+)\[.*", stream)
    return found[1] if found else ""


def _function_line(text: str, function: str, at: float | None = None) -> LogLine | None:
    """A line of a function's that is an error or a warning. `at`: when CloudWatch has it from."""
    line = _json(text)
    if line is None:
        found = _PLATFORM.search(text)
        return LogLine(at, function, "ERROR", found[0]) if found and at is not None else None
    when = at if at is not None else _moment(line.get("timestamp"))
    if line.get("level") not in LEVELS or when is None:
        return None
    return LogLine(
        at=when,
        function=_short(line.get("function_name")) or function,
        level=line["level"],
        message=str(line.get("message", ""))[:MOST_CHARACTERS],
        ids=_named(line, IDS),
        details=_named(line, DETAILS),
        stack=[str(frame)[:MOST_CHARACTERS] for frame in _list(line.get("stack"))[:MOST_FRAMES]],
    )


def _gateway_line(text: str, function: str) -> LogLine | None:
    """A line of the local gateway's about a response of 500 or more."""
    line = _json(text)
    when = _moment(line.get("timestamp")) if line is not None else None
    if line is None or when is None or not isinstance(line.get("status"), int) or line["status"] < 500:
        return None
    message = f"{line.get('method')} {line.get('route')}"[:MOST_CHARACTERS]
    return LogLine(when, function, "ERROR", message, _named(line, ("request_id",)), _named(line, ("status", "outcome")))


def _json(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _moment(text: Any) -> float | None:
    """Powertools writes `2026-11-29 03:45:37,069+0000`, the local stack ISO 8601, where Z = UTC."""
    try:
        when = datetime.fromisoformat(str(text).replace(",", ".").replace("+0000", "+00:00"))
    except ValueError:
        return None
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()


def _named(line: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return dict(_simple(line, names))


def _simple(line: dict[str, Any], names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        match line.get(name):
            case bool() | int() | float() as value:
                yield name, value
            case str() as value if value:
                yield name, value[:MOST_CHARACTERS]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _short(function: Any) -> str:
    """`{stack}-SearchFunction-…` is "search"."""
    found = re.search(r"-([A-Za-z]+)Function(?:-|$)", str(function))
    return found[1].lower() if found else ""


def _latest(lines: list[LogLine], since: float, *, complete: bool) -> LastErrors:
    lines.sort(key=lambda line: line.at, reverse=True)
    return LastErrors(lines[:MOST_LINES], since, complete and len(lines) <= MOST_LINES)
