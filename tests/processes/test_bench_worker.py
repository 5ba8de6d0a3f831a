"""The benchmark's worker: commands in, results out, and nothing of what the function prints between them."""

import os
from pathlib import Path

from tests.conftest import ROOT
from tools.bench.run.sides import Process, start_root

APP = """
def handler(event, context):
    print("a line of the function's")
    return {"statusCode": 200, "body": str(len(event))}
"""


def test_a_worker_counts_and_times_a_function(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    paths = [ROOT / "layers" / "facesearch", ROOT / "clients" / "python", ROOT]
    environment = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PATH": os.environ["PATH"]}
    environment |= {"POWERTOOLS_SERVICE_NAME": "b", "POWERTOOLS_METRICS_NAMESPACE": "b"}
    worker = Process(tmp_path / "app.py", environment, tmp_path / "log")
    try:
        said = worker.ask("call", event={"a": 1}, times=2, plain=True)
        assert (said["status"], said["body"], said["calls"], said["missing"]) == (200, "1", [], [])
        assert said["cpu"] >= 0
        assert worker.ask("peak", reset=True).keys() == {"bytes"}
        assert worker.finish() == 0
    finally:
        worker.stop()


def test_without_such_a_commit_there_is_no_start(tmp_path: Path) -> None:
    assert start_root("0" * 40, tmp_path) is None
    assert list(tmp_path.iterdir()) == []
