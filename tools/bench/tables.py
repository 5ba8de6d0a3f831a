"""The tables of `make accuracy`."""

from collections.abc import Sequence

from facesearch_cli.terminal import results
from tools.bench.groups import Group
from tools.bench.identification import COLUMNS, Found, cell, span
from tools.bench.offline import Offline, Speed
from tools.bench.over_http import Measurement
from tools.bench.selfies import Taken
from tools.bench.sweeps import LevelRow, Swept
from tools.bench.verification import ENOUGH, Calibration, Namesakes


def show_offline(measured: Offline) -> None:
    """Print what was measured without the stack."""
    out = results()
    out.print(
        f"{measured.photos} photos of {measured.people} people, {measured.faces} faces; "
        f"{measured.unreadable} unreadable, {measured.faceless} without a face, {measured.refused} no selfie"
    )
    _show_speed(measured.speed, measured.faces)
    _show_verification(measured)
    _show_identification(measured)
    _show_selfies(measured.selfies)
    if measured.groups:
        _show_groups(measured.groups, measured.calibration)
        _show_namesakes(measured.namesakes)
    if measured.sweeps is not None:
        _show_sweeps(measured.sweeps)


def _show_speed(speed: Speed, faces: int) -> None:
    out = results()
    out.print("\nSpeed: CPU milliseconds, medians; ratio to two forwards of the recogniser alone, measured in turns")
    if speed.engine is not None:
        engine = speed.engine
        out.print(
            f"{engine.photos} photos: a photo {engine.a_photo:.1f}, a face {engine.a_face:.1f}, two forwards "
            f"{engine.yardstick:.1f}; ratio of a face {engine.ratio:.2f}"
        )
    if speed.search_milliseconds is not None:
        out.print(f"a search among {faces} faces {speed.search_milliseconds:.2f}")


def _show_verification(measured: Offline) -> None:
    out = results()
    out.print(f"\nVerification: {measured.same} pairs of one person, {measured.strangers} of two")
    out.print("false match rate  cosine  true accept rate")
    for rate in measured.rates:
        out.print(f"{rate.false_match_rate:16.0e}  {cell(rate.threshold, '.3f'):>6}  {cell(rate.true_accept_rate):>16}")
    if any(rate.threshold is None for rate in measured.rates):
        least = min(rate.false_match_rate for rate in measured.rates)
        out.print(f"- : too few; {least:.0e} takes {ENOUGH / least:.0e} pairs of strangers.")
    out.print("\nConfidence scale: published, and in this folder")
    out.print("percent  cosine  FMR published  FMR here  cosine of that FMR here  strangers in 100,000 faces  TMR here")
    for row in measured.calibration:
        out.print(
            f"{row.percent:7}  {row.cosine:.3f}  {cell(row.published, '.0e'):>13}  "
            f"{cell(row.measured, '.1e'):>8}  {cell(row.cosine_here, '.3f'):>23}  "
            f"{cell(row.strangers_per_100_000, '.1f'):>26}  {cell(row.accepted):>8}"
        )


def _show_identification(measured: Offline) -> None:
    out = results()
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


def _show_selfies(taken: Sequence[Taken]) -> None:
    out = results()
    if not taken:
        out.print("\nSeveral selfies: nobody has three photos, so they are not tried.")
        return
    out.print("\nSeveral selfies: searches by their mean, of the same people among the same photos")
    out.print("refused: the share of people whose selfies are refused as not of one person; these find nothing")
    out.print(f"selfies  confidence  refused  {COLUMNS}")
    for row in sorted(taken, key=lambda row: (row.confidence, row.selfies)):
        out.print(f"{row.selfies:7}  {row.confidence:10}  {row.refused:7.4f}  {row.found.line()}")


def _show_groups(groups: Sequence[Group], together: Sequence[Calibration]) -> None:
    out = results()
    width = max(8, *(len(group.name) for group in groups))
    percents = [row.percent for row in together]
    bare = [(group.name, group.calibration) for group in groups] + [("together", list(together))]
    levelled = [(group.name, group.levelled) for group in groups]
    out.print(f"\nGroups: {', '.join(f'{group.name} ({group.people} people)' for group in groups)}")
    for title, form, attribute, scales in (
        ("False match rate of bare cosines", ".1e", "measured", bare),
        ("True match rate of bare cosines", ".4f", "accepted", bare),
        ("False match rate, levelled by the group's own photos,", ".1e", "measured", levelled),
        ("True match rate, levelled by the group's own photos,", ".4f", "accepted", levelled),
    ):
        out.print(f"{title} at the published cosine of each confidence")
        out.print(f"{'group':{width}}  {'  '.join(f'{percent:7}' for percent in percents)}")
        for name, rows in scales:
            cells = (cell(getattr(row, attribute), form) for row in rows)
            out.print(f"{name:{width}}  {'  '.join(f'{each:>7}' for each in cells)}")
    out.print("\nSearches with two passes: the same selfies among the group's own photos, and among the mixture of all")
    out.print(f"{'group':{width}}  confidence    among  {COLUMNS}")
    for group in groups:
        for row in group.searches:
            for among, found in (("own", row.inside), ("mixture", row.mixture)):
                out.print(f"{group.name:{width}}  {row.confidence:10}  {among:>7}  {found.line()}")


def _show_namesakes(measured: Namesakes) -> None:
    out = results()
    out.print(f"\nFolders of one name in two groups: {measured.pairs} pairs, and the share at each confidence's cosine")
    out.print("  ".join(f"{percent}: {share:.4f}" for percent, share in measured.reach.items()) or "-")


def _show_sweeps(swept: Swept) -> None:
    out = results()
    low, middle, high = swept.face_pixels
    out.print(
        f"\nSweeps: a clean selfie of each of {swept.people} people among spoilt photos, one of each\n"
        f"Faces as they are: {middle:.0f} px, a tenth {low:.0f} or less, a tenth {high:.0f} or more; none is enlarged"
    )
    for sweep in swept.sweeps:
        heads = "".join(
            f"  recall {each.confidence}         [95 %]  strangers a search {each.confidence}          [95 %]"
            for each in sweep.levels[0].searches
        )
        out.print(f"\n{sweep.name}, {sweep.unit}\n         level   found{heads}")
        for level in sweep.levels:
            out.print(_level(level))


def _level(level: LevelRow) -> str:
    cells = "".join(f"  {_short(each.found)}" for each in level.searches)
    return f"{level.level or 'as it is':>14}  {level.found / level.photos:.4f}{cells}"


def _short(found: Found) -> str:
    recall, strangers = found.estimates["recall"], found.estimates["strangers_a_search"]
    return (
        f"{cell(recall.value):>9} {span(recall, '.3f'):>13}  {cell(strangers.value):>21} {span(strangers, '.3f'):>15}"
    )


def show_http(measured: Measurement) -> None:
    """Print what was measured over HTTP."""
    out = results()
    out.print(
        f"\nOver HTTP: {measured.photos} photos of {measured.people} people with {measured.faces} faces in one event, "
        f"{measured.failed} failed; {measured.photos_per_second:.1f} photos/s uploaded and indexed"
    )
    out.print(f"confidence  {COLUMNS}  no face  median ms  p95 ms  same on replay")
    for row in measured.rows:
        out.print(
            f"{row.confidence:10}  {row.found.line()}  {row.refused:7}  {row.median_milliseconds:9.0f}  "
            f"{row.p95_milliseconds:6.0f}  {f'{row.replays_same} of {row.replays}':>14}"
        )
    out.print("Labels are taken as they are: one person under two names counts as a stranger to himself.")
