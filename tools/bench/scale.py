"""The confidence scale's anchors: `python -m tools.bench.scale DATASET`.

At the false match rates that enough pairs of strangers reach, the cosine is read off the pairs. For rarer ones it is
extrapolated: in the tail, the probit of the rate is nearly linear in the cosine, as the cosines of strangers are nearly
normal there; a line is laid by least squares through the rates from 1e-2 to the rarest that is counted well.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np

from facesearch.faces.confidence import TABLE
from facesearch.faces.engine import Embedding
from facesearch.faces.index.cohort import LOOKED_AT, Cohort, draw
from facesearch.faces.index.vectors import cosines, probe_of
from facesearch.faces.packing import pack, values_of
from facesearch.models import DEFAULT_MODEL
from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import progress_bar, results, say
from tools.bench.dataset import Dataset, read_dataset
from tools.bench.embeddings import Seen, look_at
from tools.bench.identification import cell
from tools.bench.verification import ENOUGH, Cosines, Pairs, pairs_of, share_from, threshold_at

REFERENCE_SIZES = tuple(2**power for power in range(1, 11))
FITTED = (1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 5e-6, 2e-6, 1e-6)
"""Rates through which the line is laid, as far as `ENOUGH` pairs reach them: three a decade."""

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Point:
    """A rate that was counted, and the line there. `residual` is the counted cosine above the line's."""

    false_match_rate: float
    cosine: float
    residual: float


@dataclass(frozen=True)
class Fit:
    """probit(rate) = intercept + slope x cosine, and the points that it was laid through."""

    intercept: float
    slope: float
    points: list[Point]

    def cosine(self, rate: float) -> float:
        """Where the line has a rate."""
        return (_NORMAL.inv_cdf(rate) - self.intercept) / self.slope

    def rate(self, cosine: float) -> float:
        """The line's rate at a cosine."""
        return _NORMAL.cdf(self.intercept + self.slope * cosine)


@dataclass(frozen=True)
class Row:
    """An anchor of the scale.

    Attributes:
        published: the cosine of the product's table.
        false_match_rate: the rate that the percentage stands for; None = the table promises none.
        cosine: where it lies here; None if it is neither counted nor to be extrapolated.
        counted: read off the pairs; else by the line.
        line: the line's rate at the published cosine.
    """

    percent: int
    published: float
    false_match_rate: float | None
    cosine: float | None
    counted: bool
    line: float | None


@dataclass(frozen=True)
class Scale:
    """The scale by one dataset.

    Attributes:
        photos: that are usable as a selfie.
        strangers: pairs; `above` by percentage, how many of them reach the published cosine.
        reference: what levelling takes for usual (`index.cohort.REFERENCE`).
    """

    model: str
    groups: list[str]
    people: int
    photos: int
    strangers: int
    above: dict[int, int]
    fit: Fit | None
    rows: list[Row]
    reference: list[tuple[int, float, float]]


def reference_of(selfies: Embedding, faces: Embedding) -> list[tuple[int, float, float]]:
    """Sizes of cohorts, and mean and standard deviation of the selfies' nearness to ones of that size.

    For each size cohorts are drawn of the photos' faces in several orders, so that small ones do not depend on whom
    they are of. A selfie's own person is left out by the cosine, as in an event. The last size is the largest there is.
    """
    packed, rows = values_of(pack(faces)), []
    probes = [probe_of(each) for each in selfies]
    for size in REFERENCE_SIZES:
        found = []
        for seed in range(max(4, 160 // size)):
            order = np.random.default_rng(seed).permutation(len(packed))
            drawn = draw(packed[order[:LOOKED_AT]])[0]
            cohort = Cohort(drawn.values[:size], drawn.inverse_norms[:size])
            found += [cohort.nearness(cosines(cohort.values, probe)[None])[0] for probe in probes]
        rows.append((len(cohort), round(float(np.mean(found)), 3), round(float(np.std(found)), 3)))
        if len(cohort) < size:
            break
    return rows


def fitted(strangers: Cosines) -> Fit | None:
    """The line through the tail; None if fewer than three rates are counted well."""
    counted = [(rate, cosine) for rate in FITTED if (cosine := threshold_at(strangers, rate)) is not None]
    if len(counted) < 3:
        return None
    cosines = np.array([cosine for _, cosine in counted])
    probits = np.array([_NORMAL.inv_cdf(rate) for rate, _ in counted])
    design = np.column_stack([np.ones(len(cosines)), cosines])
    intercept, slope = np.linalg.lstsq(design, probits, rcond=None)[0].tolist()
    line = Fit(intercept, slope, [])
    return Fit(intercept, slope, [Point(rate, cosine, cosine - line.cosine(rate)) for rate, cosine in counted])


def scale_of(dataset: Dataset, seen: Sequence[Seen]) -> Scale:
    """The scale by all pairs of strangers of a dataset."""
    usable = [(place, each.selfie) for place, each in enumerate(seen) if each.selfie is not None]
    people = [dataset.people[place] for place, _ in usable]
    embeddings = np.array([selfie for _, selfie in usable], np.float32).reshape(-1, 128)
    pairs = pairs_of(embeddings, people, [dataset.folders[place] for place, _ in usable])
    if not len(pairs.strangers):
        raise CommandError("There are no two people: no stranger to count.")
    fit = fitted(pairs.strangers)
    return Scale(
        model=DEFAULT_MODEL,
        groups=dataset.groups,
        people=len({person for person in people if person is not None}),
        photos=sum(person is not None for person in people),
        strangers=len(pairs.strangers),
        above={anchor.percent: _reach(pairs, anchor.cosine) for anchor in TABLE[1:]},
        fit=fit,
        rows=[_row(pairs.strangers, fit, *astuple(anchor)) for anchor in TABLE[1:]],
        reference=reference_of(embeddings, np.concatenate([each.faces for each in seen])),
    )


def _row(strangers: Cosines, fit: Fit | None, percent: int, published: float, rate: float | None) -> Row:
    counted = None if rate is None else threshold_at(strangers, rate)
    line = None if rate is None or fit is None else fit.cosine(rate)
    return Row(
        percent,
        published,
        rate,
        line if counted is None else counted,
        counted is not None,
        None if fit is None else fit.rate(published),
    )


def _reach(pairs: Pairs, cosine: float) -> int:
    return round(share_from(pairs.strangers, cosine) * len(pairs.strangers))


def as_text(scale: Scale) -> str:
    """What the command prints."""
    of = f" of the groups {', '.join(scale.groups)}" if scale.groups else ""
    above = ", ".join(f"{count} the cosine of {percent}" for percent, count in scale.above.items() if percent >= 90)
    return "\n".join(
        (
            f"{scale.model}: {scale.photos} photos of {scale.people} people{of}; {scale.strangers} pairs of strangers",
            "",
            "percent  false match rate  cosine  published  FMR of the line at the published cosine  by",
            *map(_line, scale.rows),
            *_fit_lines(scale.fit),
            "",
            f"Pairs of strangers that reach: {above}.",
            "Many of those may be one person under two names: look at them before you believe the rarest rates.",
            "Pairs that share a photo are not independent either.",
            *(("", "For facesearch/faces/confidence.py:") if any(row.cosine is not None for row in scale.rows) else ()),
            *(
                f"    Anchor({row.percent}, {row.cosine:.3f}, {row.false_match_rate:.0e}),  # {_by(row)}"
                for row in scale.rows
                if row.cosine is not None
            ),
            "",
            "For facesearch/faces/index/cohort.py, REFERENCE:",
            *(f"    ({size}, {mean:.3f}, {deviation:.3f})," for size, mean, deviation in scale.reference),
        )
    )


def _by(row: Row) -> str:
    return "-" if row.cosine is None else "counted" if row.counted else "extrapolated"


def _line(row: Row) -> str:
    return (
        f"{row.percent:7}  {cell(row.false_match_rate, '.0e'):>16}  {cell(row.cosine, '.3f'):>6}  "
        f"{row.published:9.3f}  {cell(row.line, '.1e'):>39}  {_by(row)}"
    )


def _fit_lines(fit: Fit | None) -> list[str]:
    if fit is None:
        return [f"Too few pairs for a line: three rates must be reached by {ENOUGH} pairs each."]
    return [
        "",
        f"Line by least squares: probit(FMR) = {fit.intercept:.3f} {fit.slope:+.3f} x cosine",
        "false match rate  counted cosine  above the line",
        *(f"{point.false_match_rate:16.0e}  {point.cosine:14.3f}  {point.residual:+14.4f}" for point in fit.points),
        f"The largest residual is {max(abs(point.residual) for point in fit.points):.4f}.",
    ]


def main() -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "dataset", type=Path, help="a folder with one folder of photos per person, or of groups of them"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        dataset = read_dataset(options.dataset)
        with progress_bar() as watcher:
            scale = scale_of(dataset, look_at(dataset.paths, watcher=watcher))
    except (CommandError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    if options.json:
        print(json.dumps(asdict(scale)))
    else:
        results().print(as_text(scale))
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
