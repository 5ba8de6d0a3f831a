"""Curves beside the tables of `make accuracy`, as PNG. The only module that imports matplotlib."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # no window, wherever it runs
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tools.bench.groups import Group
from tools.bench.offline import Offline
from tools.bench.sweeps import SweepRows
from tools.bench.verification import BINS, Distribution

_EDGES = np.linspace(-1, 1, BINS + 1)[:-1]
_DOTS = 120


def draw(measured: Offline, folder: Path) -> list[Path]:
    """Draw what there is into a folder, which is made; the files."""
    drawings: dict[str, Callable[[], Figure]] = {
        "det": lambda: det(measured.distribution),
        "cosines": lambda: cosines(measured.distribution),
        "searches": lambda: searches(measured),
    }
    if measured.groups:
        drawings["groups"] = lambda: groups(measured.groups)
    if measured.sweeps is not None:
        rows = measured.sweeps.sweeps
        drawings["sweeps"] = lambda: sweeps(rows)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, make in drawings.items():
        figure = make()
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=_DOTS)
        plt.close(figure)
    return paths


def shares(counts: list[int]) -> NDArray[np.float64]:
    """The share of pairs from each bin on."""
    from_here = np.cumsum(counts[::-1])[::-1]
    return np.asarray(from_here / max(1, sum(counts)), np.float64)


def det(distribution: Distribution) -> Figure:
    """False match rate against false non-match rate, both by logarithm."""
    figure, axes = _axes("false match rate", "false non-match rate (1 - TMR)")
    false, missed = shares(distribution.strangers), 1 - shares(distribution.same)
    seen = (false > 0) & (missed > 0)
    axes.loglog(false[seen], missed[seen])
    axes.set_title("DET: all pairs of photos")
    return figure


def cosines(distribution: Distribution) -> Figure:
    """How the pairs of one person and of two lie."""
    figure, axes = _axes("cosine", "share of pairs")
    for name, counts in (("one person", distribution.same), ("strangers", distribution.strangers)):
        axes.stairs(np.array(counts) / max(1, sum(counts)), [*_EDGES, 1.0], label=name, fill=True, alpha=0.5)
    axes.legend()
    axes.set_title("Cosines of all pairs")
    return figure


def searches(measured: Offline) -> Figure:
    """Recall, and strangers a search with their intervals, at each confidence."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, found in (
        ("selfie alone", [passes.one_pass for passes in measured.identification]),
        ("second pass", [passes.two_pass for passes in measured.identification]),
    ):
        percents = [passes.confidence for passes in measured.identification]
        for axes, figure_name in ((left, "recall"), (right, "strangers_a_search")):
            estimates = [each.estimates[figure_name] for each in found]
            low, middle, high = (
                np.array([getattr(each, end) for each in estimates], float) for end in ("low", "value", "high")
            )
            axes.plot(percents, middle, marker="o", label=name)
            axes.fill_between(percents, low, high, alpha=0.2)
    for axes, title in ((left, "recall"), (right, "strangers a search")):
        _label(axes, "confidence", title)
    right.set_yscale("symlog", linthresh=0.001)
    left.legend()
    return figure


def groups(rows: list[Group]) -> Figure:
    """Each group's false match rates beside the published ones."""
    figure, axes = _axes("confidence", "false match rate")
    published = [row for row in rows[0].calibration if row.published is not None]
    axes.semilogy(
        [row.percent for row in published], [row.published or 0 for row in published], "k--", label="published"
    )
    for group in rows:
        known = [row for row in group.calibration if row.measured is not None]
        axes.semilogy([row.percent for row in known], [row.measured or 0 for row in known], "o-", label=group.name)
    axes.legend()
    axes.set_title("Groups")
    return figure


def sweeps(rows: list[SweepRows]) -> Figure:
    """A panel a sweep: found, and recall at each confidence."""
    columns = min(3, len(rows))
    figure, panels = plt.subplots(
        -(-len(rows) // columns), columns, figsize=(5 * columns, 3.5 * -(-len(rows) // columns)), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axes in panels.flat[len(rows) :]:
        axes.set_visible(False)
    # Not strict: the last row may have more panels than sweeps.
    for axes, sweep in zip(panels.flat, rows, strict=False):
        names = [level.level or "as it is" for level in sweep.levels]
        axes.plot(names, [level.found / level.photos for level in sweep.levels], "k:", label="found")
        for place, searched in enumerate(sweep.levels[0].searches):
            recalls = [level.searches[place].found.recall or 0 for level in sweep.levels]
            axes.plot(names, recalls, "o" if sweep.unit == "worn" else "o-", label=f"recall at {searched.confidence}")
        _label(axes, sweep.unit, "")
        axes.set_title(sweep.name)
        axes.set_ylim(0, 1.02)
    panels.flat[0].legend()
    return figure


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
    _label(axes, x, y)
    return figure, axes


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, which="both", alpha=0.3)
