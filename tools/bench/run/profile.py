"""`make profile`: flame graphs of a search, a page and a photo, by py-spy, which samples the worker from outside.

Width is wall time on the CPU of all threads. OpenCV's own threads are not Python's, and not in it.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from facesearch_cli import interrupts
from facesearch_cli.terminal import say
from facesearch_local import LocalStackError, running
from tools.bench.run import indexing, paging, pictures, searching
from tools.bench.run.sides import ROOT, Process, Side, WorkerError, stopping

PROFILER = ROOT / ".venv-profile" / "bin" / "py-spy"
FOLDER = ROOT / ".cache" / "profile"
FACES = 100_000
RATE = 250
"""Samples a second."""
SUFFIX = {"flamegraph": "svg", "speedscope": "json"}


def draw(form: str) -> list[Path]:
    """One file a request."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    drawn = []
    with tempfile.TemporaryDirectory(prefix="facesearch-profile-") as name:
        folder = Path(name)
        selfie = pictures.write(folder, "selfie", pictures.selfie(2))
        with running(state=folder / "stack", seed=False) as stack:
            side = Side("now", ROOT, stack.endpoint_url, folder)
            side.create()
            side.prepare([FACES], selfie)
            with stopping([side]):
                for kind, (function, work) in _works(side).items():
                    path = FOLDER / f"{kind}.{SUFFIX[form]}"
                    side.stop()
                    options = ["--format", form, "--rate", str(RATE), "--output", str(path), "--"]
                    process = side.process(function, [str(PROFILER), "record", *options])
                    work(process)
                    if process.finish():
                        raise WorkerError(f"py-spy failed: see its last words in {folder}")
                    drawn.append(path)
    return drawn


def _works(side: Side) -> dict[str, tuple[str, Callable[[Process], object]]]:
    """By request: its function, and enough of it."""
    event_id = side.events[FACES]
    search, page = searching.event_with(side, event_id, pictures.selfie(2)), paging.events_of(side, FACES)["page"]
    jpeg = pictures.photo(12, 4)

    def photos(_: Process) -> None:
        for number in range(4):
            indexing.index(side, event_id, pictures.another(jpeg, number), "profile")

    return {
        "search": ("search", lambda process: process.ask("call", event=search, times=25)),
        "page": ("results", lambda process: process.ask("call", event=page, times=500)),
        "photo": ("indexing", photos),
    }


def main() -> int:
    """Draw; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.run.profile", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--format", choices=sorted(SUFFIX), default="flamegraph", help="SVG, or JSON for speedscope.app"
    )
    options = parser.parse_args()
    try:
        for path in draw(options.format):
            say(f"Drawn: {path}")
    except (LocalStackError, WorkerError, OSError) as error:
        say(f"Not drawn: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
