"""The command."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from facesearch_cli import interrupts
from facesearch_cli.terminal import results, say
from facesearch_client.retries import RetryPolicy
from facesearch_local.intrinsics import TemplateError
from facesearch_local.stack import ROOT
from tools.bench.bounds import between
from tools.bench.capacity import report
from tools.bench.capacity.checks import checks
from tools.bench.capacity.crowd import Crowd
from tools.bench.capacity.deployment import read_deployment
from tools.bench.capacity.figures import Figures, read_figures
from tools.bench.capacity.limits import LIMITS, read_limits
from tools.bench.capacity.load import Load
from tools.bench.capacity.model import Model
from tools.bench.capacity.storms import steps, storms

DOCUMENT = ROOT / "docs" / "operating" / "capacity.md"
JSON = ROOT / ".cache" / "bench" / "capacity.json"


def main() -> int:
    """Print the tables."""
    asked = _arguments()
    if unnamed := [each for each in asked.parameter if "=" not in each]:
        say(f"error: --parameter is NAME=VALUE, not {unnamed[0]!r}")
        return 2
    try:
        deployed = read_deployment(asked.config, dict(each.split("=", 1) for each in asked.parameter))
        figures = read_figures(asked.figures) if asked.figures is not None else Figures()
        limits = read_limits(asked.limits)
    except (OSError, TemplateError, ValueError) as error:
        say(f"error: {error}")
        return 2
    except KeyError as error:
        say(f"error: there is no {error}")
        return 2
    load, crowd = Load(**_chosen(asked, Load())), Crowd(**_chosen(asked, Crowd()))
    model = Model(deployed=deployed, load=load, figures=figures, limits=limits)
    met = list(steps(model, crowd, RetryPolicy()))
    begun = list(storms(model, report.RATES, RetryPolicy()))
    checked = list(checks(model, crowd))
    for block in (report.inputs(model, crowd), *report.published(model, crowd, met, begun), report.compared(checked)):
        results().print(f"{block}\n")
    results().print(f"AWS's limits of {limits.as_of}.")
    if asked.document:
        DOCUMENT.write_text(report.rewritten(DOCUMENT.read_text(), report.published(model, crowd, met, begun)))
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(report.as_json(model, crowd, met, begun, checked), indent=1) + "\n")
    say(f"{asked.json}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a deployment takes, what breaks first, and what moves it")
    parser.add_argument("--config", default="prod", help="a deployment of samconfig.toml")
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="of the template; may be repeated"
    )
    parser.add_argument("--figures", type=Path, help="JSON with times of a search; see figures.py")
    parser.add_argument("--limits", type=Path, default=LIMITS, help="a copy of limits.toml with what AWS gave you")
    parser.add_argument("--json", type=Path, default=JSON, help="where to write all of it")
    parser.add_argument("--document", action="store_true", help=f"write the tables of {DOCUMENT.name} anew")
    for given, words in ((Load(), LOAD), (Crowd(), CROWD)):
        for name, help_ in words.items():
            default = getattr(given, name)
            kind = type(default)
            bounds = between(kind(LEAST.get(name, 0)), kind(MOST.get(name, 1_000_000_000)))
            parser.add_argument(f"--{name}", type=bounds, default=default, help=f"{help_} ({default:,})")
    asked = parser.parse_args()
    if asked.json.is_dir():
        parser.error(f"--json: {asked.json} is a folder")
    return asked


LEAST = dict.fromkeys(("faces", "organisations", "events", "keys", "days", "people"), 1) | dict.fromkeys(
    ("hours", "share", "seconds"), 0.001
)
MOST = {"share": 1, "webhooks": 1, "hours": 24, "people": 500_000, "seconds": 86_400}
LOAD = {
    "pages": "GETs for each search",
    "images": "renditions that a browser loads for each search",
    "faces": "of each event",
    "organisations": "that searches spread over",
    "events": "that searches spread over",
    "keys": "that calls spread over, tokens of links among them",
    "links": "that searches come by; 0 = by API keys",
    "addresses": "that calls come from; 0 = guests' own",
    "webhooks": "share of searches that webhooks ask for",
    "photos": "indexed a second in each event meanwhile",
    "hours": "a day that the load lasts",
    "days": "of an event",
}
CROWD = {
    "people": "of an event who are told at once",
    "share": "of them who search",
    "seconds": "mean time from the message to the first search",
}


def _chosen(asked: argparse.Namespace, given: Load | Crowd) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in vars(given)}


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
