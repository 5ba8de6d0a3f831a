"""The command: `python -m tools.bench.run [--quick] [--only search,pages] [--start COMMIT] [--out FILE.json]`.

Everything is measured by turns with its baseline, in one run over one store. Prints Markdown, and writes that and a
JSON. Load of other work on the machine moves times, and ratios little.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from facesearch_cli import interrupts
from facesearch_cli.terminal import say
from facesearch_local import LocalStackError, running
from facesearch_local.control import RunningStack
from tools.bench.bounds import between
from tools.bench.run import indexing, load, paging, pictures, report, scans, searching, starts
from tools.bench.run.sides import ROOT, SEARCHES_A_MINUTE, START, Side, WorkerError, git, prepare, start_root, stopping

OUT = ROOT / ".cache" / "bench" / "bench.json"
PEERS = ROOT / ".venv-peers" / "bin" / "python"
FACES, PAGED = 100_000, 1_000
"""Faces of the event that most is measured in, and of the one of whose results pages are."""


@dataclass(frozen=True)
class Size:
    """How much is measured, and how often."""

    pairs: Sequence[tuple[float, int]]
    photos: Sequence[tuple[int, int]]
    rounds: int
    photo_rounds: int
    clients: Sequence[int] = (1, 4, 16)
    seconds: float = 6
    cold_rounds: int = 9

    @property
    def sizes(self) -> list[int]:
        """Faces of the events."""
        return sorted({PAGED, FACES, *(faces for _, faces in self.pairs)})


WHOLE = Size(
    pairs=[(megapixels, faces) for megapixels in (0.7, 2, 12) for faces in (1_000, 100_000, 1_000_000)],
    photos=[(megapixels, faces) for megapixels in (2, 12, 24) for faces in (1, 4, 20)],
    rounds=9,
    photo_rounds=3,
)
QUICK = Size(pairs=[(2, 100_000), (12, 100_000)], photos=[(12, 4)], rounds=3, photo_rounds=1, seconds=1, cold_rounds=3)
SECTIONS = ("search", "faceless", "pages", "indexing", "peers", "cold", "load")


@dataclass
class Run:
    """One run's parts."""

    size: Size
    sides: Sequence[Side]
    stack: RunningStack
    folder: Path
    made: Any
    found: dict[str, Any] = field(default_factory=dict)

    def search(self) -> Any:
        return searching.measure(self.sides, searching.Plan(self.size.pairs, self.size.rounds), self.folder)

    def faceless(self) -> Any:
        return searching.faceless(self.sides, FACES, self.size.rounds)

    def pages(self) -> Any:
        return paging.measure(self.sides, PAGED, self.size.rounds)

    def indexing(self) -> Any:
        return indexing.measure(self.sides, self.size.photos, FACES, self.size.photo_rounds, self.folder)

    def peers(self) -> Any:
        files = {f"selfie-{each:g}": pictures.selfie(each) for each, _ in self.size.pairs}
        files |= {f"photo-{each}-{people}": pictures.photo(each, people) for each, people in self.size.photos}
        paths = {name: pictures.write(self.folder, name, content) for name, content in files.items()}
        sizes = [faces for faces in self.size.sizes if faces >= FACES]
        theirs = scans.peers(PEERS, paths, sizes, self.size.photo_rounds, self.folder)
        return theirs and theirs | {"own_scan": scans.own(sizes, self.size.photo_rounds)}

    def cold(self) -> Any:
        return starts.measure(self.size.cold_rounds)

    def load(self) -> Any:
        size = self.size
        return load.measure(self.stack, self.made, size.clients, size.seconds, FACES, self.folder)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that is wanted, by section."""
    size = QUICK if options.quick else WHOLE
    if options.rounds:
        size = replace(
            size, rounds=options.rounds, photo_rounds=max(1, options.rounds // 3), cold_rounds=options.rounds
        )
    cache = options.out.parent
    cache.mkdir(parents=True, exist_ok=True)
    root = start_root(options.start, cache)
    if root is None:
        say(f"There is no commit {options.start} here: nothing is compared with it.")
    with tempfile.TemporaryDirectory(prefix="facesearch-bench-") as name:
        folder = Path(name)
        selfie = pictures.write(folder, "selfie", pictures.selfie(2))
        parameters = {"SearchQuotaPerMinute": str(SEARCHES_A_MINUTE)}
        with running(
            state=folder / "stack", template=load.template_in(folder), throttled=False, parameters=parameters
        ) as stack:
            roots = {"now": ROOT} | ({"start": root} if root else {})
            sides = [Side(name, where, stack.endpoint_url, folder) for name, where in roots.items()]
            for side in sides:
                say(f"{side.name}: events of {', '.join(f'{each:,}' for each in size.sizes)} faces …")
                side.create()
                side.prepare(size.sizes, selfie)
            names = stack.description["outputs"]
            made = prepare(ROOT, stack.endpoint_url, names["TableName"], names["SnapshotsBucket"], [FACES], selfie)
            with stopping(sides):
                run = Run(size, sides, stack, folder, made)
                found = {each: _section(each, getattr(run, each)) for each in options.only}
    return {"about": about(options, root), **found}


def _section(name: str, work: Callable[[], Any]) -> Any:
    say(f"{name} …")
    return work()


def about(options: argparse.Namespace, root: Path | None) -> dict[str, Any]:
    """What was measured, and where."""
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": (git("rev-parse", "--short", "HEAD") or b"without git").decode().strip(),
        "start": options.start if root else None,
        "quick": options.quick,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "cpu": cpus[0].partition(": ")[2] if cpus else platform.machine(),
        "load": os.getloadavg()[0],
    }


def _sections(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"no such section: {', '.join(sorted(unknown))}; there are {SECTIONS}")
    return [name for name in SECTIONS if name in names]


def main() -> int:
    """Measure, print and write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few sizes, few rounds: a minute or two")
    parser.add_argument("--only", type=_sections, default=list(SECTIONS), help=f"of {','.join(SECTIONS)}")
    parser.add_argument(
        "--rounds", type=between(1, 1_000), help="how often everything is measured; photos a third as often"
    )
    parser.add_argument("--start", default=START, help="the commit to compare with (default %(default)s)")
    parser.add_argument("--fill", type=Path, help="a document whose tables between <!-- bench --> marks are replaced")
    parser.add_argument("--out", type=Path, default=OUT, help="JSON; the Markdown goes beside it (default %(default)s)")
    options = parser.parse_args()
    options.out = options.out.resolve()
    if options.out.is_dir():
        parser.error(f"--out: {options.out} is a folder")
    try:
        found = measure(options)
    except (LocalStackError, WorkerError, RuntimeError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    text = report.markdown(found)
    options.out.with_suffix(".md").write_text(text)
    if options.fill:
        options.fill.write_text(report.filled(options.fill.read_text(), text))
    print(text)
    say(f"{options.out}, and {options.out.with_suffix('.md').name} beside it")
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
