"""Photos by stage, in alternation with those of the start: CPU, runs of the detector, faces, and the most memory."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facesearch_cli.terminal import say
from tools.bench.run import pictures
from tools.bench.run.searching import median, operations, stages
from tools.bench.run.sides import ROOT, Side


def measure(
    sides: Sequence[Side], kinds: Sequence[tuple[int, int]], faces: int, rounds: int, folder: Path
) -> list[dict[str, Any]]:
    """A row for each kind, which is megapixels and faces, of photos that come to the event of so many `faces`."""
    rows = []
    for megapixels, people in kinds:
        say(f"  {megapixels} MP, {people} faces")
        jpeg = pictures.photo(megapixels, people)
        pictures.write(folder, f"photo-{megapixels}-{people}", jpeg)
        runs: dict[str, list[dict[str, Any]]] = {side.name: [] for side in sides}
        for number in range(rounds + 1):
            for side in sides:
                said = index(side, side.events[faces], pictures.another(jpeg, number), f"{megapixels}-{people}")
                if number:
                    runs[side.name].append(said)
        rows.append({"megapixels": megapixels, "people": people, **{name: _row(each) for name, each in runs.items()}})
    return rows


def index(side: Side, event_id: int, jpeg: bytes, name: str) -> dict[str, Any]:
    """What the worker says of a new photo, and the most memory that it took."""
    bucket, key = side.names["PhotosBucket"], f"{side.org_id}/{event_id}/{name}.jpg"
    side.clients.s3.put_object(Bucket=bucket, Key=key, Body=jpeg)
    event = json.loads((ROOT / "events" / "indexing.json").read_text())
    message = json.loads(event["Records"][0]["body"])
    message["Records"][0]["s3"] |= {"bucket": {"name": bucket}, "object": {"key": key, "size": len(jpeg)}}
    event["Records"][0]["body"] = json.dumps(message)
    worker = side.process("indexing")
    worker.ask("peak", reset=True)
    said = worker.ask("call", event=event)
    return said | {"peak": worker.ask("peak")["bytes"]}


def _row(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    calls, spent = runs[-1]["calls"], stages(runs)
    return {
        "cpu": median(runs, "cpu"),
        "wall": median(runs, "wall"),
        "faces": spent.get("forwards", {}).get("runs", 0),
        "looks": spent.get("look", {}).get("runs", 0),
        "peak": None if runs[-1]["peak"] is None else max(run["peak"] for run in runs),
        "calls": operations(runs),
        "read_units": sum(call["read_units"] for call in calls),
        "write_units": sum(call["write_units"] for call in calls),
        "stages": spent,
    }
