"""How the second pass's numbers are chosen: `python -m tools.bench.second_pass DATASET`.

The people are halved at random, again and again. On one half the settings are chosen that find most and are not less
precise than the selfie alone by more than `MOST_LOST`; on the other half, of other people, it is measured what they
do.
A larger event has more strangers; it is stood in for by a laxer confidence: a cosine lower by `LAXER` has about five
times as many of them.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import SECOND_PASS, SecondPass
from facesearch_cli import interrupts
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import SILENT, Watcher, progress_bar, results, say
from tools.bench.dataset import read_dataset
from tools.bench.embeddings import Seen, look_at
from tools.bench.identification import Found, index_of, others_of, search_all, summed

GRID = [
    replace(SECOND_PASS, sure=sure, margin=margin, floor=floor, rounds=rounds)
    for sure, margin, floor, rounds in product((0.0, 0.02, 0.05), (0.0, 0.02, 0.04), (0.08, 0.14), (1, 2))
]
MOST_LOST = 0.002
LAXER = 0.04


@dataclass(frozen=True)
class Outcome:
    """Searches of one half of the people at the default confidence, and in the stand-in for a larger event."""

    event: Found
    larger: Found


@dataclass(frozen=True)
class Split:
    """What was chosen on one half, and on the other: the selfie alone, the chosen settings, the product's."""

    chosen: SecondPass
    one_pass: Outcome
    two_pass: Outcome
    product: Outcome


def halves(people: Sequence[str | None], seed: int) -> tuple[list[int], list[int]]:
    """Numbers of the photos of either half of the people; those with several photos are halved by themselves."""
    rng = np.random.default_rng(seed)
    counts = Counter(person for person in people if person is not None)
    first: set[str] = set()
    for several in (True, False):
        group = sorted(person for person, count in counts.items() if (count > 1) is several)
        first.update(group[place] for place in rng.permutation(len(group))[: len(group) // 2].tolist())
    known = [number for number, person in enumerate(people) if person is not None]
    return [n for n in known if people[n] in first], [n for n in known if people[n] not in first]


def best(one_pass: Outcome, outcomes: dict[SecondPass, Outcome]) -> SecondPass:
    """The settings that find most of those that are precise enough; of equals the first."""

    def precise(outcome: Outcome) -> bool:
        return all(
            (two.precision or 0) >= (one.precision or 0) - MOST_LOST
            for one, two in ((one_pass.event, outcome.event), (one_pass.larger, outcome.larger))
        )

    usable = {settings: outcome for settings, outcome in outcomes.items() if precise(outcome)}
    return max(usable or outcomes, key=lambda settings: outcomes[settings].event.recall or 0)


def measure(
    seen: Sequence[Seen], people: Sequence[str | None], repeats: int, pool: Executor, watcher: Watcher = SILENT
) -> list[Split]:
    """Two splits for every time that the people are halved."""
    stage = watcher.stage("Choosing", 2 * repeats)
    splits = []
    for seed in range(repeats):
        both = [_outcomes([seen[n] for n in half], [people[n] for n in half], pool) for half in halves(people, seed)]
        for here, there in (both, both[::-1]):
            chosen = best(here[None], {settings: outcome for settings, outcome in here.items() if settings is not None})
            splits.append(Split(chosen, there[None], there[chosen], there[SECOND_PASS]))
            stage.advance()
    return splits


def _outcomes(seen: Sequence[Seen], people: Sequence[str | None], pool: Executor) -> dict[SecondPass | None, Outcome]:
    photos, selfies, wanted, minimum = index_of(seen), [each.selfie for each in seen], others_of(people), threshold(90)

    def both(settings: SecondPass | None) -> Outcome:
        laxer = None if settings is None else replace(settings, least=settings.least - LAXER)
        return Outcome(
            search_all(photos, selfies, wanted, minimum, pool, settings),
            search_all(photos, selfies, wanted, minimum - LAXER, pool, laxer),
        )

    return {settings: both(settings) for settings in (None, SECOND_PASS, *GRID)}


def _show(splits: Sequence[Split]) -> None:
    out = results()
    out.print("chosen  sure  margin  floor  rounds")
    for settings, times in Counter(split.chosen for split in splits).most_common():
        out.print(
            f"{times:6}  {settings.sure:.2f}    {settings.margin:.2f}   {settings.floor:.2f}  {settings.rounds:6}"
        )
    out.print("\nOn the half that was not chosen on            precision  recall   with five times the strangers")
    for name, of in (
        ("the selfie alone", [split.one_pass for split in splits]),
        ("with the settings chosen on the other half", [split.two_pass for split in splits]),
        ("with the product's settings", [split.product for split in splits]),
    ):
        event, larger = summed([each.event for each in of]), summed([each.larger for each in of])
        shares = [each or 0 for each in (event.precision, event.recall, larger.precision, larger.recall)]
        out.print(f"{name:44}  {shares[0]:9.4f}  {shares[1]:.4f}  {shares[2]:9.4f}  {shares[3]:.4f}")


def main() -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.second_pass", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("dataset", type=Path, help="a folder with one folder of photos per person")
    parser.add_argument("--repeats", type=int, default=3, help="how often the people are halved (default 3)")
    options = parser.parse_args()
    try:
        dataset = read_dataset(options.dataset)
        people = dataset.people
        if len(others_of(people)) < 4:
            raise CommandError(f"{options.dataset} needs two people or more with several photos, a folder each.")
        with progress_bar() as watcher, ThreadPoolExecutor(2) as pool:
            _show(measure(look_at(dataset.paths, watcher=watcher), people, options.repeats, pool, watcher))
    except (CommandError, OSError) as error:
        say(f"Not measured: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
