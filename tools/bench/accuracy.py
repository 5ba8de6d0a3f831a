"""How well people are told apart and found: `python -m tools.bench.accuracy DATASET`.

DATASET holds one folder per person, or a folder of such folders per group. Offline, on faces that the engine found
once: verification over all pairs, the confidence scale beside the published one, searches by the real matcher with and
without its second pass, by one to three selfies, inside each group and, if asked for, among photos that are spoilt step
by step. Then searches over HTTP, through the local stack. Labels are taken as they are: one person under two names
counts as two, and anybody else in a picture as a stranger, so rather too many strangers are counted than too few.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import progress_bar, say
from facesearch_client import ClientError
from facesearch_local import LocalStackError, running
from tools.bench import over_http, sweeps
from tools.bench.dataset import read_dataset
from tools.bench.identification import Found
from tools.bench.offline import Offline, Wish, measure
from tools.bench.over_http import Measurement
from tools.bench.tables import show_http, show_offline

CONFIDENCES = (50, 70, 80, 90, 95, 99)


def as_json(value: object) -> Any:
    """What `json.dumps` makes of a measurement."""
    if isinstance(value, Found):
        return value.figures()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} is no measurement")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.accuracy", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", type=Path, help="one folder of photos per person, or groups of these")
    parser.add_argument("--probes", type=int, default=150, help="how many people to search for (default 150)")
    parser.add_argument("--all-probes", action="store_true", help="offline, every photo of everybody who has others")
    parser.add_argument("--confidence", type=int, nargs="+", default=CONFIDENCES, help="percents to measure at")
    parser.add_argument("--sweeps", action="store_true", help="also search among photos that are spoilt step by step")
    parser.add_argument("--sweep-people", type=int, default=sweeps.PEOPLE, help="how many (default %(default)s)")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="where to put PNGs of the curves")
    parser.add_argument("--offline", action="store_true", help="leave the local stack out")
    parser.add_argument("--store", choices=("ministack", "moto"), default="ministack", help="what stands in for AWS")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def _offline(options: argparse.Namespace) -> Offline:
    probes = None if options.all_probes else options.probes
    wish = Wish(probes, options.confidence, options.sweep_people if options.sweeps else None)
    with progress_bar() as watcher:
        measured = measure(read_dataset(options.dataset), wish, watcher)
    if not options.json:
        show_offline(measured)
    if options.plots is not None:
        from tools.bench import plots

        for path in plots.draw(measured, options.plots):
            say(f"Drawn: {path}")
    return measured


def _over_http(options: argparse.Namespace) -> Measurement:
    with tempfile.TemporaryDirectory(prefix="facesearch-accuracy-") as folder:
        state = Path(folder)
        with running(state=state, port=0, store=options.store):
            measured = over_http.measure(state, options.dataset, options.probes, options.confidence)
    if not options.json:
        show_http(measured)
    return measured


def main() -> int:
    """Measure; the exit code."""
    options = _options()
    try:
        offline = _offline(options)
        http = None if options.offline else _over_http(options)
    except (CommandError, LocalStackError, ClientError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    if options.json:
        print(json.dumps({"offline": offline} | (as_json(http) if http else {}), default=as_json))
    return 0 if http is None or all(row.replays == row.replays_same for row in http.rows) else 1


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
