"""What is compared: this checkout, and the commit that it is to be faster than, each with functions of its own over
tables and buckets of its own in one store."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facesearch_local.clients import Clients, aws_environment, make_clients
from facesearch_local.functions import Function, functions_of
from facesearch_local.resources import Resources
from facesearch_local.template import Deployment, Template
from tools.bench.embeddings import MODELS

ROOT = Path(__file__).resolve().parents[3]
START = "ca72de1"
SEARCHES_A_MINUTE = 600_000
"""More than are made: nobody's quota is measured."""


class WorkerError(Exception):
    """A process of the benchmark ended; the text has its last words."""


def start_root(commit: str, folder: Path) -> Path | None:
    """That commit's files, checked out once; None where there is no git or no such commit."""
    root = folder / f"start-{commit}"
    if (root / ".whole").exists():
        return root
    archive = git("archive", commit)
    if archive is None:
        return None
    root.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-x", "-C", root], input=archive, check=True)  # noqa: S607
    subprocess.run([sys.executable, "-I", root / "tools" / "native.py", "--quiet"], check=True)
    (root / ".whole").touch()
    return root


def git(*arguments: str) -> bytes | None:
    """What git says of this checkout; None where it is not there, or refuses."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], check=False, capture_output=True)  # noqa: S607
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout


class Process:
    """A worker: see `worker`."""

    def __init__(self, app: Path, environment: Mapping[str, str], log: Path, through: Sequence[str] = ()) -> None:
        """`through`: a command that runs it."""
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [*through, sys.executable, "-P", "-m", "tools.bench.run.worker", str(app)],
                env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """What it says to a command.

        Raises:
            WorkerError: it has ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None  # noqa: S101, PT018 - they are pipes
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            stdin.flush()
        line = next((each for each in stdout if each.startswith("{")), "")  # a profiler has words of its own
        if not line:
            raise WorkerError(self._log.read_text(errors="replace")[-2000:] or "A worker process ended.")
        said: dict[str, Any] = json.loads(line)
        return said

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def finish(self) -> int:
        """Let it end by itself, as it does without commands; its exit status."""
        self._process.communicate()
        return self._process.returncode


@dataclass
class Side:
    """A commit's functions and what they work on.

    Attributes:
        events: ids by the number of faces.
    """

    name: str
    root: Path
    endpoint_url: str
    folder: Path
    functions: Mapping[str, Function] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    org_id: int = 0
    api_key: str = ""
    events: dict[int, int] = field(default_factory=dict)
    _processes: dict[str, Process] = field(default_factory=dict)

    @property
    def clients(self) -> Clients:
        """Of the store."""
        return make_clients(aws_environment(self.endpoint_url, is_ours=True))

    def create(self) -> None:
        """The template's tables and buckets, under names of this side."""
        suggestions = {"RenditionsBaseUrl": "https://photos.example.com", "ApiBaseUrl": "https://api.example.com"}
        deployment = Deployment(f"bench-{self.name}", "000000000000", "us-east-1", suggestions=suggestions)
        template = Template.load(self.root / "template.yaml", deployment)
        resources = Resources(template, self.clients)
        resources.create()
        self.names = resources.names()
        self.functions = {each.name: each for each in functions_of(template, resources.lookup)}

    def prepare(self, sizes: Sequence[int], selfie: Path) -> None:
        """Events of so many faces, made by this commit's own code."""
        made = prepare(self.root, self.endpoint_url, self.names["Table"], self.names["SnapshotsBucket"], sizes, selfie)
        self.org_id, self.api_key = made["org_id"], made["api_key"]
        self.events = {int(size): event_id for size, event_id in made["events"].items()}

    def process(self, function: str, through: Sequence[str] = ()) -> Process:
        """The function's worker, begun when it is first asked for, `through` a command that runs it."""
        if function not in self._processes:
            there = self.functions[function]
            environment = _environment(self.root, ROOT, self.endpoint_url) | {
                **there.environment,
                "AWS_LAMBDA_FUNCTION_NAME": function,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(there.memory),
                "MODELS_DIR": str(MODELS),
                "SEARCH_QUOTA_PER_MINUTE": str(SEARCHES_A_MINUTE),
            }
            log = self.folder / f"{self.name}-{function}.log"
            self._processes[function] = Process(there.code / "app.py", environment, log, through)
        return self._processes[function]

    def fresh(self, function: str) -> Process:
        """Another process of the function."""
        if function in self._processes:
            self._processes.pop(function).stop()
        return self.process(function)

    def stop(self) -> None:
        """End its processes."""
        for process in self._processes.values():
            process.stop()
        self._processes.clear()

    def event_of(self, name: str, event_id: int) -> dict[str, Any]:
        """A sample event of `events`, for this side's caller."""
        event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
        event["path"] = event["path"].replace("903", str(self.org_id)).replace("456", str(event_id))
        event["pathParameters"] |= {"org_id": str(self.org_id), "event_id": str(event_id)}
        event["queryStringParameters"] = None
        event["headers"]["X-API-Key"] = self.api_key
        return event


def prepare(
    root: Path, endpoint_url: str, table: str, snapshots: str, sizes: Sequence[int], selfie: Path
) -> dict[str, Any]:
    """What `prepare.py` makes in these, by the packages of the checkout at `root`.

    Raises:
        WorkerError: it failed.
    """
    wanted = {
        "endpoint_url": endpoint_url, "table": table, "snapshots": snapshots,
        "models": str(MODELS), "selfie": str(selfie), "sizes": list(sizes),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", Path(__file__).with_name("prepare.py")],
        env=_environment(root, root, endpoint_url), input=json.dumps(wanted), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise WorkerError(done.stderr[-2000:])
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def _environment(root: Path, tools: Path, endpoint_url: str) -> dict[str, str]:
    """Of the packages at `root`, and `tools` and the local stack of another checkout."""
    paths = [root / "layers" / "facesearch", root / "clients" / "python", tools]
    return aws_environment(endpoint_url, is_ours=True) | {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.home()),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_METRICS_NAMESPACE": "FaceSearch",
        "OPENCV_LOG_LEVEL": "ERROR",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def stopping(sides: Sequence[Side]) -> Iterator[None]:
    """Their processes end with the block."""
    try:
        yield
    finally:
        for side in sides:
            side.stop()
