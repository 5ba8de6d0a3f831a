"""`make bench-cold`: how long each built function takes from its interpreter's start until it asks for its first event.

That is Lambda's init, without the loading of code over a network. Each is set beside handlers that do nothing, measured
in the same rounds, so that the ratios hold on any machine. Medians of 9 rounds; then what each import costs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from facesearch_cli import interrupts
from tools import built
from tools.bench.bounds import between

ROUNDS = 9
INIT_SECONDS = 60
SHOWN_IMPORTS = 12
NEVER = {
    "results": frozenset({"numpy", "cv2", "PIL", "httpx", "asyncio", "boto3", "s3transfer"}),
    "webhook": frozenset({"numpy", "cv2", "PIL", "httpx", "asyncio", "boto3", "s3transfer"}),
    "search": frozenset({"httpx", "asyncio", "boto3", "s3transfer"}),
}
"""Packages that a function must not import at its start."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769", "AWS_LAMBDA_FUNCTION_NAME": "cold",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "POWERTOOLS_METRICS_NAMESPACE": "FaceSearch",
    "POWERTOOLS_SERVICE_NAME": "face-search", "LANG": "C.UTF-8", "TZ": ":UTC", "OPENCV_LOG_LEVEL": "ERROR",
    "PATH": os.defpath, "TABLE_NAME": "none", "IDEMPOTENCY_TABLE_NAME": "none", "SELFIES_BUCKET": "none",
    "SNAPSHOTS_BUCKET": "none", "SNAPSHOTS_QUEUE_URL": "none", "PHOTOS_BUCKET": "none", "RENDITIONS_BUCKET": "none",
}  # fmt: skip

EMPTY = "def handler(event, context): ...\n"
POWERTOOLS = """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
app, logger, metrics = APIGatewayRestResolver(enable_validation=True), Logger(), Metrics()
@app.get("/ping/<number>")
def ping(number: int) -> dict[str, int]:
    return {"number": number}
@logger.inject_lambda_context
@metrics.log_metrics
def handler(event, context):
    return app.resolve(event, context)
"""
MODELS = """
import os
import cv2
folder = os.environ["MODELS_DIR"]
detector = cv2.FaceDetectorYN.create(folder + "/face_detection_yunet_2023mar.onnx", "", (480, 480))
recogniser = cv2.FaceRecognizerSF.create(folder + "/face_recognition_sface_2021dec.onnx", "")
"""
READY = """
from app import handler
from facesearch.bootstrap import container
from facesearch.models import DEFAULT_MODEL
container.authenticator, container.face_search
container._engine_of(DEFAULT_MODEL)
"""
"""What the first guest of an environment waits for, clients and networks included."""

BARE, BARE_MODELS = "powertools handler with validation", "the same, cv2 and both models"
SEARCH_READY = "search, and what its first match builds"
PROMISED = (("results", BARE, 1.25), (SEARCH_READY, BARE_MODELS, 1.15))
"""What a guest waits for, and what each may take so many times as long as."""


@dataclass
class Kind:
    """One kind of function that is started again and again; `variables` are those that the template gives it, as far
    as they are known before it is deployed; `seconds`: a value a round."""

    name: str
    code: Path
    layers: Path
    variables: Mapping[str, str]
    handler: str = "app.handler"
    seconds: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """The median."""
        return statistics.median(self.seconds) * 1000


class Bench:
    """Starts functions on a host and measures them."""

    def __init__(self, host: built.Host) -> None:
        self._host = host
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(INIT_SECONDS)
        self._address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self, kind: Kind) -> float:
        """Seconds from the interpreter's start to its call for the first invocation.

        Raises:
            RuntimeError: it reports an error, or nothing in time.
        """
        with TemporaryDirectory() as scratch:
            begun = Path(scratch) / "begun"
            process = self._run(kind, "-m", "awslambdaric", kind.handler, begun=begun)
            try:
                connection, _ = self._listener.accept()
                ended = time.time_ns()
                with connection:
                    request = connection.recv(65536)
            except TimeoutError:
                raise RuntimeError(f"{kind.name} did not start") from None
            finally:
                process.kill()
                said = process.communicate()[0]
            if b"/invocation/next" not in request:
                raise RuntimeError(f"{kind.name} failed to start: {said.decode(errors='replace')[-2000:]}")
            return (ended - int(begun.read_text())) / 1e9

    def imports(self, kind: Kind) -> Counter[str]:
        """Microseconds that each package's own modules took to import."""
        code = f"import {kind.handler.partition('.')[0]}"
        if "starting.ahead" in (kind.code / "app.py").read_text():  # Python mixes up the times of two threads' imports
            code = f"from facesearch import starting; starting.ahead = lambda begin: begin().result(); {code}"
        process = self._run(kind, "-X", "importtime", "-c", code)
        said = process.communicate(timeout=INIT_SECONDS)[0].decode(errors="replace")
        return by_package(said.splitlines())

    def _run(self, kind: Kind, *arguments: str, begun: Path | None = None) -> subprocess.Popen[bytes]:
        stamp = f"date +%s%N > {begun}; " if begun else ""
        command = self._host.command(
            kind.code, kind.layers, *arguments, through=("sh", "-c", f'{stamp}exec "$@"', "sh")
        )
        variables = {**kind.variables, **self._host.environment(kind.code, kind.layers)}
        return subprocess.Popen(
            command, cwd=kind.code, env=variables | {"AWS_LAMBDA_RUNTIME_API": self._address},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


def by_package(lines: Sequence[str]) -> Counter[str]:
    """Sum of `python -X importtime`'s own times by the first part of the modules' names, in microseconds."""
    found: Counter[str] = Counter()
    for line in lines:
        if match := re.fullmatch(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)", line):
            found[match[2].partition(".")[0]] += int(match[1])
    return found


@contextmanager
def kinds(build: Path) -> Iterator[list[Kind]]:
    """The handlers to compare with, and every function of the build."""
    template = yaml.safe_load((build / "template.yaml").read_text())
    resources = template["Resources"]
    with TemporaryDirectory(dir=build.parent, prefix="cold-") as scratch:
        folder = Path(scratch)

        def layers(properties: Mapping[str, object]) -> Path:
            names = sorted(layer["Ref"] for layer in properties["Layers"])  # type: ignore[attr-defined]
            merged = folder / "-".join(names)
            if not merged.exists():
                built.merge([build / name for name in names], merged)
            return merged

        def code(name: str, text: str, beside: Path | None = None, module: str = "app") -> Path:
            place = folder / name
            place.mkdir()
            if beside is not None:
                shutil.copy(beside / "app.py", place)
            (place / f"{module}.py").write_text(text)
            return place

        functions = {
            name.removesuffix("Function").lower(): resource["Properties"]
            for name, resource in resources.items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

        everywhere = template["Globals"]["Function"]["Environment"]["Variables"]

        def variables(properties: Mapping[str, Any]) -> dict[str, str]:
            given = everywhere | properties.get("Environment", {"Variables": {}})["Variables"]
            return {name: str(value) for name, value in given.items() if not isinstance(value, dict)} | ENVIRONMENT

        light, heavy = layers(functions["results"]), layers(functions["search"])
        search = (build / functions["search"]["CodeUri"]).resolve()
        yield [
            Kind("empty handler", code("empty", EMPTY), light, variables({})),
            Kind(BARE, code("bare", POWERTOOLS), light, variables({})),
            Kind(BARE_MODELS, code("models", POWERTOOLS + MODELS), heavy, variables({})),
            *(
                Kind(name, (build / properties["CodeUri"]).resolve(), layers(properties), variables(properties))
                for name, properties in functions.items()
            ),
            Kind(
                SEARCH_READY,
                code("ready", READY, search, "ready"),
                heavy,
                variables(functions["search"]),
                "ready.handler",
            ),
        ]


def broken(found: Mapping[str, float], imported: Mapping[str, Counter[str]]) -> list[str]:
    """Promises about cold starts that do not hold; `found` in milliseconds by name."""
    complaints = [
        f"{name} takes {found[name] / found[reference]:.2f} times as long as: {reference}"
        for name, reference, bound in PROMISED
        if found[name] > bound * found[reference]
    ]
    for name, never in NEVER.items():
        if unwanted := never & imported[name].keys():
            complaints.append(f"{name} imports {', '.join(sorted(unwanted))}")
    return complaints


def measure(build: Path, rounds: int) -> tuple[list[Kind], dict[str, Counter[str]], built.Host] | None:
    """Every kind started in turn, what each imports, and where that was; None where built functions cannot run."""
    python = built.python313()
    if python is None or sys.platform != "linux":
        return None
    with TemporaryDirectory(dir=build.parent, prefix="runtime-") as runtime, kinds(build) as compared:
        built.install_runtime(Path(runtime))
        host = built.host(python, Path(runtime), build, built.ROOT)
        bench = Bench(host)
        for number in range(-1, rounds):
            for kind in compared:  # side by side, so that the machine's other work meets all alike
                seconds = bench.start(kind)
                if number >= 0:  # the first one fills the disk's cache
                    kind.seconds.append(seconds)
        return compared, {kind.name: bench.imports(kind) for kind in compared}, host


def main() -> int:
    """Measure and print; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.cold", description=__doc__)
    parser.add_argument("build", type=Path, help="a build for this machine, as `sam build` left it")
    parser.add_argument("--rounds", type=between(1, 1_000), default=ROUNDS)
    options = parser.parse_args()
    if not (options.build / "template.yaml").is_file():
        parser.error(f"no build in {options.build}: run `make build` first")
    measured = measure(options.build.resolve(), options.rounds)
    if measured is None:
        print(
            "error: the built functions run on Linux with a Python 3.13 only, and there is none here.", file=sys.stderr
        )
        return 2
    compared, imported, host = measured
    _show(compared, imported, host)
    complaints = broken({kind.name: kind.milliseconds for kind in compared}, imported)
    for complaint in complaints:
        print(f"error: {complaint}.", file=sys.stderr)
    return 1 if complaints else 0


def _show(compared: Sequence[Kind], imported: Mapping[str, Counter[str]], host: built.Host) -> None:
    console = Console(width=120)
    found = {kind.name: kind.milliseconds for kind in compared}
    paths = "Lambda's own paths" if host.is_faithful else "no /opt and /var/task: no mount namespace here"
    columns = ("median ms", "fastest", "slowest", "x bare", "x bare + models")
    table = Table(f"init, {len(compared[0].seconds)} rounds, {paths}", *columns)
    for kind in compared:
        table.add_row(
            kind.name, f"{kind.milliseconds:.0f}",
            f"{min(kind.seconds) * 1000:.0f}", f"{max(kind.seconds) * 1000:.0f}",
            f"{kind.milliseconds / found[BARE]:.2f}", f"{kind.milliseconds / found[BARE_MODELS]:.2f}",
        )  # fmt: skip
    console.print(table)
    costs = Table("imports, ms of each package's own modules", "all", "the dearest")
    for name, packages in imported.items():
        dearest = ", ".join(f"{package} {spent / 1000:.0f}" for package, spent in packages.most_common(SHOWN_IMPORTS))
        costs.add_row(name, f"{packages.total() / 1000:.0f}", dearest)
    console.print(costs)


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
