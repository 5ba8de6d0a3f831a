"""How well people are told apart and found: `python -m tools.bench.accuracy DATASET`.

DATASET holds one folder per person. Offline, on faces that the engine found once: verification over all pairs, the
confidence scale beside the published one, searches by the real matcher with and without its second pass. Then searches
over HTTP, through the local stack. Labels are taken as they are: one person under two names counts as two, and whoever
else is in a picture as a stranger, so rather too many strangers are counted than too few.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from facesearch.client import ClientError
from facesearch.confidence import threshold
from facesearch.embedded import SECOND_PASS
from tools.bench import dlib_pipeline
from tools.bench.dlib_pipeline import DlibRow
from tools.bench.embeddings import look_at, pictures_by_person
from tools.bench.identification import COLUMNS, Found, index_of, others_of, search_all
from tools.bench.over_http import Measurement, measure
from tools.bench.verification import ENOUGH, Calibration, Rate, calibration, pairs_of, rates
from tools.cli.errors import CommandError
from tools.cli.pictures import scan
from tools.cli.terminal import progress_bar, results, say
from tools.local import LocalStackError, running

CONFIDENCES = (50, 70, 80, 90, 95, 99)


@dataclass(frozen=True)
class Passes:
    """Searches at one confidence, by the selfie alone and with the second pass."""

    confidence: int
    one_pass: Found
    two_pass: Found


@dataclass(frozen=True)
class Offline:
    """What was measured without the stack; nobody's name is in it.

    Attributes:
        faceless: photos without a face; `refused`: photos that would be no selfie.
        same, strangers: pairs.
    """

    photos: int
    people: int
    faces: int
    unreadable: int
    faceless: int
    refused: int
    same: int
    strangers: int
    rates: list[Rate]
    calibration: list[Calibration]
    identification: list[Passes]
    dlib: list[DlibRow] | None = None


def offline(dataset: Path, probes: int | None, confidences: Sequence[int]) -> Offline:
    """Measure with the engine and the matcher alone.

    Args:
        dataset: one folder per person.
        probes: so many people, one photo of each, as selfies; None = every photo of everybody who has others.
        confidences: percents to search at.

    Raises:
        CommandError: the dataset is not laid out as one folder per person, or nobody has two photos.
    """
    paths = scan(dataset).pictures
    names = pictures_by_person(paths, dataset)
    people = [names.get(path) for path in paths]
    wanted = others_of(people, probes)
    if not names:
        raise CommandError(f"{dataset} is not laid out as one folder of photos per person.")
    if not wanted:
        raise CommandError("Nobody has more than one photo: there is nothing to find.")
    with progress_bar() as watcher, ThreadPoolExecutor(2) as pool:
        seen = look_at(paths, watcher=watcher)
        selfies = [number for number, each in enumerate(seen) if each.selfie is not None]
        embeddings = np.array([seen[number].selfie for number in selfies], np.float32).reshape(-1, 128)
        pairs = pairs_of(embeddings, [people[number] for number in selfies])
        index = index_of(seen)
        found = []
        for percent in confidences:
            one = search_all(index, seen, wanted, threshold(percent), pool, None)
            found.append(Passes(percent, one, search_all(index, seen, wanted, threshold(percent), pool, SECOND_PASS)))
        package = dlib_pipeline.installed()
        rows = dlib_pipeline.search_all(dlib_pipeline.encode(package, paths, watcher), wanted) if package else None
    return Offline(
        photos=len(paths),
        people=len(set(names.values())),
        faces=sum(len(each.faces) for each in seen),
        unreadable=sum(not each.readable for each in seen),
        faceless=sum(each.readable and not len(each.faces) for each in seen),
        refused=len(seen) - len(selfies),
        same=len(pairs.same),
        strangers=len(pairs.strangers),
        rates=rates(pairs),
        calibration=calibration(pairs),
        identification=found,
        dlib=rows,
    )


def _number(value: float | None, form: str = ".4f") -> str:
    return "-" if value is None else format(value, form)


def show_offline(measured: Offline) -> None:
    """Print the tables."""
    out = results()
    out.print(
        f"{measured.photos} photos of {measured.people} people, {measured.faces} faces; "
        f"{measured.unreadable} unreadable, {measured.faceless} without a face, {measured.refused} no selfie"
    )
    out.print(f"\nVerification: {measured.same} pairs of one person, {measured.strangers} of two")
    out.print("false match rate  cosine  true accept rate")
    for rate in measured.rates:
        out.print(
            f"{rate.false_match_rate:16.0e}  {_number(rate.threshold, '.3f'):>6}  {_number(rate.true_accept_rate):>16}"
        )
    if any(rate.threshold is None for rate in measured.rates):
        least = min(rate.false_match_rate for rate in measured.rates if rate.threshold is None)
        out.print(f"- : too few; {least:.0e} takes {ENOUGH / least:.0e} pairs of strangers.")
    out.print("\nConfidence scale: published, and in this folder")
    out.print("percent  cosine  FMR published  FMR here  cosine of that FMR here  strangers per 100,000 faces")
    for row in measured.calibration:
        out.print(
            f"{row.percent:7}  {row.cosine:.3f}  {_number(row.published, '.0e'):>13}  "
            f"{_number(row.measured, '.1e'):>8}  {_number(row.cosine_here, '.3f'):>23}  "
            f"{_number(row.strangers_per_100_000, '.1f'):>27}"
        )
    out.print("\nIdentification by the real matcher, offline")
    out.print(f"confidence  passes  {COLUMNS}")
    for passes in measured.identification:
        for name, found in (("one", passes.one_pass), ("two", passes.two_pass)):
            out.print(f"{passes.confidence:10}  {name:>6}  {found.line()}")
    if measured.dlib is None:
        out.print("dlib: the package face_recognition is not installed, so it is not compared.")
        return
    out.print(f"\nThe same searches by dlib's face_recognition\n  distance          {COLUMNS}")
    for dlib_row in measured.dlib:
        out.print(f"{dlib_row.distance:10}          {dlib_row.found.line()}")


def show_http(measured: Measurement) -> None:
    """Print the table."""
    out = results()
    out.print(
        f"\nOver HTTP: {measured.photos} photos of {measured.people} people with {measured.faces} faces in one event, "
        f"{measured.failed} failed; {measured.photos_per_second:.1f} photos/s uploaded and indexed"
    )
    out.print("confidence  searches  no face  precision  recall  with strangers  median ms  p95 ms  same on replay")
    for row in measured.rows:
        out.print(
            f"{row.confidence:10}  {row.searches:8}  {row.refused:7}  {_number(row.precision):>9}  {row.recall:.4f}  "
            f"{row.with_strangers:14}  {row.median_milliseconds:9.0f}  {row.p95_milliseconds:6.0f}  "
            f"{f'{row.replays_same} of {row.replays}':>14}"
        )
    out.print("Labels are taken as they are: one person under two names counts as a stranger to himself.")


def main() -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.accuracy", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", type=Path, help="a folder with one folder of photos per person")
    parser.add_argument("--probes", type=int, default=150, help="how many people to search for (default 150)")
    parser.add_argument("--all-probes", action="store_true", help="offline, every photo of everybody who has others")
    parser.add_argument("--confidence", type=int, nargs="+", default=CONFIDENCES, help="percents to measure at")
    parser.add_argument("--offline", action="store_true", help="leave the local stack out")
    parser.add_argument("--store", choices=("ministack", "moto"), default="ministack", help="what stands in for AWS")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    over_http = None
    try:
        found = offline(options.dataset, None if options.all_probes else options.probes, options.confidence)
        if not options.json:
            show_offline(found)
        if not options.offline:
            with tempfile.TemporaryDirectory(prefix="facesearch-accuracy-") as folder:
                state = Path(folder)
                with running(state=state, port=0, store=options.store):
                    over_http = measure(state, options.dataset, options.probes, options.confidence)
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    except (CommandError, LocalStackError, ClientError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    if options.json:
        print(json.dumps({"offline": asdict(found)} | (asdict(over_http) if over_http else {})))
    elif over_http:
        show_http(over_http)
    return 0 if over_http is None or all(row.replays == row.replays_same for row in over_http.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
