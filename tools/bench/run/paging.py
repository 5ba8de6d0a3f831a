"""A page of 32 photos, and the replay of a search: what they ask for, and their CPU without DynamoDB beside a bare
handler with the same response."""

import json
import statistics
from collections.abc import Sequence
from typing import Any

from tools.bench.run import pictures
from tools.bench.run.searching import event_with, median, operations
from tools.bench.run.sides import Process, Side

TIMES = 50
"""Invocations in a row: one takes less than the clock of CPU time tells apart."""


def measure(sides: Sequence[Side], faces: int, rounds: int) -> dict[str, Any]:
    """By side, page and replay; then the page from memory and the bare handler, in alternation."""
    events = {side.name: events_of(side, faces) for side in sides}
    found: dict[str, dict[str, list[dict[str, Any]]]] = {side.name: {"page": [], "replay": []} for side in sides}
    for _ in range(rounds):
        for side in sides:
            for kind, function in (("page", "results"), ("replay", "search")):
                worker, event = side.process(function), events[side.name][kind]
                noted = worker.ask("call", event=event)
                plain = worker.ask("call", event=event, times=TIMES, plain=True)
                found[side.name][kind].append(noted | {"cpu": plain["cpu"], "wall": plain["wall"]})
    rows = {name: {kind: _row(runs) for kind, runs in kinds.items()} for name, kinds in found.items()}
    for side in sides:
        rows[side.name] |= _from_memory(side.fresh("results"), events[side.name]["page"], rounds)
    return rows


def events_of(side: Side, faces: int) -> dict[str, dict[str, Any]]:
    """A page of a search that is done first, and the POST that replays it."""
    event_id, selfie = side.events[faces], pictures.selfie(0.7)
    said = side.process("search").ask("call", event=event_with(side, event_id, selfie))
    request_id = json.loads(said["body"])["data"]["request_id"]
    page = side.event_of("results-faces", event_id)
    page["path"] = f"{page['path'].rpartition('/')[0]}/{request_id}"
    page["pathParameters"]["request_id"] = request_id
    return {"page": page, "replay": event_with(side, event_id, b"x", request_id)}


def _row(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    calls = runs[-1]["calls"]
    if runs[-1]["status"] != 200:
        raise RuntimeError(f"a page responded with {runs[-1]['status']}: {runs[-1]['body']}")
    return {
        "cpu": median(runs, "cpu"),
        "wall": median(runs, "wall"),
        "round_trips": len(calls),
        "calls": operations(runs),
        "read_units": sum(call["read_units"] for call in calls),
        "received": sum(call["received"] for call in calls),
        "body": len(runs[-1]["body"]),
        "images": len(json.loads(runs[-1]["body"])["data"]["images"]),
    }


def _from_memory(worker: Process, event: dict[str, Any], rounds: int) -> dict[str, Any]:
    """CPU of the handler once nothing is read from DynamoDB any more, and of a bare one."""
    worker.ask("from_memory")
    body = worker.ask("call", event=event)["body"]
    own, bare = [], []
    for _ in range(rounds + 1):
        said = worker.ask("call", event=event, times=TIMES, plain=True)
        own.append(said["cpu"])
        bare.append(worker.ask("bare", body=body, event=event, times=TIMES)["cpu"])
    is_free = not worker.ask("call", event=event)["calls"]
    return {
        "cpu_from_memory": statistics.median(own[1:]) if is_free else None,
        "bare_cpu": statistics.median(bare[1:]),
    }
