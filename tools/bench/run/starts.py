"""Cold starts of the built functions, as `make bench-cold` has them, and what SnapStart's restore leaves."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.bench import cold
from tools.bench.embeddings import MODELS
from tools.bench.run.sides import ROOT

RESTORED = """
import json, time
began = time.perf_counter()
from app import handler
try:
    import snapshot_restore_py
except ImportError:
    before, after = [], []
else:
    before = snapshot_restore_py.get_before_snapshot()
    after = snapshot_restore_py.get_after_restore()
while before:
    function, arguments, named = before.pop()
    function(*arguments, **named)
frozen = time.perf_counter()
for function, arguments, named in after:
    function(*arguments, **named)
from facesearch.bootstrap import container
from facesearch.models import DEFAULT_MODEL
container.authenticator, container.face_search
container._engine_of(DEFAULT_MODEL)
ready = time.perf_counter()
print(json.dumps({"init": 1000 * (frozen - began), "left": 1000 * (ready - frozen)}))
"""
"""AWS's runtime runs hooks so: the last one that was registered first, before the snapshot; in order after it."""


def build_folder() -> Path:
    """Where `make build` puts what runs on this machine."""
    build = ROOT / ".aws-sam"
    return build / "build" if os.uname().machine in {"aarch64", "arm64"} else build / os.uname().machine


def measure(rounds: int) -> Any:
    """Milliseconds by kind, and of SnapStart's restore; None where nothing is built, or it cannot run here."""
    build = build_folder()
    if not (build / "template.yaml").exists() or (measured := cold.measure(build, rounds)) is None:
        return None
    return {"starts": {kind.name: kind.milliseconds for kind in measured[0]}, "restore": restore(rounds)}


def restore(rounds: int) -> dict[str, float]:
    """Of search, in the sources: milliseconds of its init under SnapStart, and from the restore until its first search
    has all that it needs. What AWS takes to restore is not in it: nobody can measure that here."""
    paths = [ROOT / "layers" / "facesearch", ROOT / "clients" / "python", ROOT / "functions" / "search"]
    environment = cold.ENVIRONMENT | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "MODELS_DIR": str(MODELS),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
    }
    runs = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-P", "-c", RESTORED], env=environment, capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: statistics.median(run[name] for run in runs) for name in ("init", "left")}
