"""Searches by stage, in alternation with those of the start and with the least that they can take."""

import base64
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesearch_cli.terminal import say
from tools.bench.run import pictures
from tools.bench.run.sides import Process, Side

WARM = 2


@dataclass(frozen=True)
class Plan:
    """What is searched, and how often.

    Attributes:
        pairs: megapixels and faces.
        rounds: of each pair, each a search of every side; medians are told.
    """

    pairs: Sequence[tuple[float, int]]
    rounds: int


def event_with(side: Side, event_id: int, selfie: bytes, request_id: str = "") -> dict[str, Any]:
    """A POST of a selfie; the replay of a finished search with its `request_id`."""
    event = side.event_of("search", event_id)
    field = f'--x\r\nContent-Disposition: form-data; name="request_id"\r\n\r\n{request_id}\r\n' if request_id else ""
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="selfie.jpg"\r\n\r\n'
    body = field.encode() + head.encode() + selfie + b"\r\n--x--\r\n"
    event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True
    event["headers"]["Content-Type"] = "multipart/form-data; boundary=x"
    return event


def measure(sides: Sequence[Side], plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """A row for each pair."""
    rows = []
    for megapixels, faces in plan.pairs:
        say(f"  {megapixels:g} MP, {faces:,} faces")
        rows.append(_pair(sides, megapixels, faces, plan.rounds, folder))
    return rows


def _pair(sides: Sequence[Side], megapixels: float, faces: int, rounds: int, folder: Path) -> dict[str, Any]:
    selfie = pictures.selfie(megapixels)
    path = pictures.write(folder, f"selfie-{megapixels}", selfie)
    events = {side.name: event_with(side, side.events[faces], selfie) for side in sides}
    workers = {side.name: side.process("search") for side in sides}
    for name, worker in workers.items():
        worker.ask("call", event=events[name], times=WARM)
    plain, noted, waiting = _empty(workers), _empty(workers), _empty(workers)
    floors = []
    for _ in range(rounds):
        for name, worker in workers.items():
            plain[name].append(_found(worker, events[name], plain=True))
        floors.append(workers["now"].ask("floor", selfie=str(path), faces=faces))
        for name, worker in workers.items():
            noted[name].append(_found(worker, events[name]))
            waiting[name].append(_found(worker, events[name], waits=True))
    floor = {part: statistics.median(each["parts"][part] for each in floors) for part in floors[0]["parts"]}
    rows = {name: _row(plain[name], noted[name], waiting[name]) for name in workers}
    return {"megapixels": megapixels, "faces": faces, "floor": floor, "floor_cpu": sum(floor.values()), **rows}


def _empty(workers: Mapping[str, Process]) -> dict[str, list[dict[str, Any]]]:
    return {name: [] for name in workers}


def _found(worker: Process, event: dict[str, Any], **how: bool) -> dict[str, Any]:
    said = worker.ask("call", event=event, **how)
    if said["status"] != 200:
        raise RuntimeError(f"a search responded with {said['status']}: {said['body']}")
    return said


def _row(
    plain: Sequence[dict[str, Any]], noted: Sequence[dict[str, Any]], waiting: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    calls = noted[-1]["calls"]
    return {
        "cpu": median(plain, "cpu"),
        "wall": median(plain, "wall"),
        "wall_with_waits": median(waiting, "wall"),
        "round_trips": len(calls),
        "in_turn": max(each["chain"] for each in waiting),
        "in_turn_after_probe": max(each["chain_after"] for each in waiting),
        "calls": operations(noted),
        "read_units": sum(each["read_units"] for each in calls),
        "write_units": sum(each["write_units"] for each in calls),
        "sent": sum(each["sent"] for each in calls),
        "received": sum(each["received"] for each in calls),
        "stages": stages(noted),
        "missing": noted[-1]["missing"],
    }


def median(runs: Iterable[Mapping[str, Any]], name: str) -> float:
    """Of one figure."""
    return float(statistics.median(each[name] for each in runs))


def stages(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Medians by stage."""
    return {
        name: {
            figure: statistics.median(run["stages"].get(name, {}).get(figure, 0) for run in runs)
            for figure in ("runs", "wall", "cpu")
        }
        for name in runs[-1]["stages"]
    }


def operations(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """How often each operation is asked for in a run, what it is about, and the median of its milliseconds."""
    found: dict[str, dict[str, float]] = {}
    for call in runs[-1]["calls"]:
        found.setdefault(named(call), {"count": 0})["count"] += 1
    for name, each in found.items():
        times = [1000 * (call["ended"] - call["began"]) for run in runs for call in run["calls"] if named(call) == name]
        each["wall"] = statistics.median(times)
    return found


def named(call: Mapping[str, Any]) -> str:
    """An operation, and what kind of item it is about."""
    return f"{call['operation']} {call['about']}".strip()


def faceless(sides: Sequence[Side], faces: int, rounds: int) -> dict[str, Any]:
    """A selfie without a face, beside a good one of the same size: CPU milliseconds, and how often was looked."""
    good, empty = pictures.selfie(2), pictures.faceless(2)
    rows: dict[str, dict[str, list[float]]] = {side.name: {"good": [], "faceless": []} for side in sides}
    looks: dict[str, int] = {}
    for number in range(rounds + 1):
        for side in sides:
            worker, event_id = side.process("search"), side.events[faces]
            for kind, selfie in (("good", good), ("faceless", empty)):
                said = worker.ask("call", event=event_with(side, event_id, selfie))
                if number:
                    rows[side.name][kind].append(said["cpu"])
                if kind == "faceless":
                    if said["status"] != 400:
                        raise RuntimeError(f"a selfie without a face: {said['status']}")
                    looks[side.name] = said["stages"].get("look", {}).get("runs", 0)
    return {
        name: {kind: statistics.median(times) for kind, times in kinds.items()} | {"looks": looks[name]}
        for name, kinds in rows.items()
    }
