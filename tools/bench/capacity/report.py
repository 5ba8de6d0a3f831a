"""The tables, in Markdown as docs/operating/capacity.md has them, and the same as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from math import ceil, inf
from textwrap import fill
from typing import Any

from tools.bench.capacity.checks import Check
from tools.bench.capacity.crowd import Crowd, cold_starts
from tools.bench.capacity.figures import snapshot_gets
from tools.bench.capacity.load import Constraint
from tools.bench.capacity.model import Model
from tools.bench.capacity.simulation import Outcome
from tools.bench.capacity.storms import Step, Storm

RATES = (10, 100, 1_000, 10_000, 100_000)
PAGES = (3, 10, 30, 100)
FACES = (1_000, 10_000, 100_000, 1_000_000)


def published(model: Model, crowd: Crowd, met: Iterable[Step], begun: Iterable[Storm]) -> list[str]:
    """The tables and sentences of docs/operating/capacity.md, in its order."""
    return [
        ladder(model),
        rates(model),
        needs(model),
        requests(model),
        by_pages(model),
        storms(begun),
        crowd_line(crowd),
        events(model, crowd),
        slowest(model),
        steps(met),
    ]


def rewritten(document: str, blocks: Iterable[str]) -> str:
    """A document with these blocks in place of those that begin as they do: a table by its head, a sentence by its
    first words.

    Raises:
        LookupError: it has none of them.
    """
    paragraphs = document.split("\n\n")
    for block in blocks:
        begins = block.partition("\n")[0] + "\n" if block.startswith("|") else " ".join(block.split()[1:4])
        place = next((place for place, paragraph in enumerate(paragraphs) if begins in paragraph), None)
        if place is None:
            raise LookupError(begins)
        paragraphs[place] = block if block.startswith("|") else fill(block, 120, break_on_hyphens=False)
    return "\n\n".join(paragraphs)


def inputs(model: Model, crowd: Crowd) -> str:
    """All that is counted with."""
    given: dict[str, dict[str, Any]] = {
        "deployment": asdict(model.deployed),
        "load": asdict(model.load),
        "figures": {key: value for key, value in asdict(model.figures.assumed).items() if key not in DEPLOYED},
        "crowd": asdict(crowd),
    }
    rows = [(name, ", ".join(f"{key} {_said(value)}" for key, value in of.items())) for name, of in given.items()]
    more = f"restore {model.figures.restore:g}, spread {model.figures.spread:g}"
    return _table(("what", "is"), [*rows, ("more figures", more)])


DEPLOYED = {"http_api", "pages", "snapstart"}
"""Assumptions of `make cost` in whose place load and deployment stand."""


def _said(value: Any) -> str:
    if isinstance(value, dict):  # a throttle
        return f"{value['rate']:g} a second and {value['burst']:g} at once"
    return f"{value:,g}" if isinstance(value, float) else f"{value}"


def ladder(model: Model) -> str:
    """Each limit, in the order in which they break, with its arithmetic."""
    return _table(
        ("breaks at, searches/s", "limit", "gives", "a search a second asks", "what moves it"),
        [
            (_rate(each.breaks_at), each.name, f"{each.limit:,.0f}", each.how, each.moves)
            for each in model.constraints()
        ],
    )


def rates(model: Model, wanted: Sequence[float] = RATES) -> str:
    """What breaks first at each rate and next, and what will when settings and requests have moved what they can."""
    head = (
        "searches/s",
        "busy: searches + pages",
        "first",
        "next",
        "first that stays",
        "next",
        "broken",
        "dollars a day",
    )
    return _table(head, [_at(model, rate) for rate in wanted])


def _at(model: Model, rate: float) -> tuple[str, ...]:
    limits = model.constraints()
    named = [*limits[:2], *[each for each in limits if each.fixed][:2]]
    return (
        f"{rate:,.0f}",
        " + ".join(f"{each:,.0f}" for each in model.environments(rate)),
        *(f"{each.name}: {_share(each.used(rate))}" for each in named),
        f"{sum(each.used(rate) > 1 for each in limits)} of {len(limits)}",
        f"${model.dollars_a_day(rate):,.0f}",
    )


def needs(model: Model, wanted: Sequence[float] = RATES) -> str:
    """What each rate needs in place of each limit that it breaks: of what is counted, so many; else so much of it."""
    rows = [(each.name, *(each.needs(rate) or "-" for rate in wanted)) for each in model.constraints()]
    return _table(("needed in place of", *(f"{rate:,.0f}/s" for rate in wanted)), rows)


def requests(model: Model, wanted: Sequence[float] = RATES) -> str:
    """What to ask AWS for."""
    limits, found = model.limits, {each.name: each for each in model.constraints()}
    rows = []
    for name, limit in (
        ("API Gateway, account", limits.gateway_rate),
        ("Table, reads", limits.table_reads),
        ("Table, writes", limits.table_writes),
    ):
        asked = [rate * found[name].asks for rate in wanted]
        rows.append((f"{name}, a second", limit, asked))
    rows.insert(0, ("Lambda, concurrent executions", limits.lambda_concurrency, list(map(model.concurrency, wanted))))
    return _table(
        ("quota", "code", "given", *(f"{rate:,.0f}/s" for rate in wanted)),
        [
            (
                name,
                f"`{limit.code}`",
                f"{limit.value:,.0f}",
                *(f"{ceil(x):,}" if x > limit.value else "-" for x in asked),
            )
            for name, limit, asked in rows
        ],
    )


def by_pages(model: Model) -> str:
    """At which rate what pages ask for breaks, by their number."""
    names = ("route GET faces", "heat of EVENT", "heat of KEY", "Table, reads", "API Gateway, account", "Lambda, calls")
    rows = []
    for pages in PAGES:
        found = {each.name: each for each in replace(model, load=replace(model.load, pages=pages)).constraints()}
        rows.append((f"{pages}", *(_rate(found[name].breaks_at) for name in names)))
    return _table(("pages a search", *names), rows)


def events(model: Model, crowd: Crowd) -> str:
    """What an event's faces cost a cold start, and the crowd's storm of them."""
    rows = []
    for faces in FACES:
        warm, gets = model.figures.search_seconds(faces), snapshot_gets(faces)
        row = [f"{faces:,}", f"{1e3 * warm:,.0f}"]
        for snapstart in (False, True):
            cold = model.figures.cold_seconds(faces, snapstart)
            starts = cold_starts(crowd, warm, cold)
            row += [f"{1e3 * cold:,.0f}", f"{starts:,.0f}", f"{starts / (warm + cold) * gets:,.0f}"]
        rows.append((*row, f"{gets}"))
    start = ("start, ms", "starts", "S3 GET/s")
    return _table(("faces", "search, ms", *start, *(f"SnapStart: {each}" for each in start), "GETs a start"), rows)


def slowest(model: Model) -> str:
    """The search that takes longest, beside the time that it has."""
    faces = max(FACES)
    cold = model.figures.search_seconds(faces) + model.figures.cold_seconds(faces, snapstart=False)
    return (
        f"A cold search among {faces:,} faces takes {cold:.1f} s of the function's {model.deployed.search_timeout:g} "
        f"and the gateway's {model.limits.gateway_timeout.value:g}."
    )


def crowd_line(crowd: Crowd) -> str:
    """The arrival curve with its numbers."""
    return (
        f"{crowd.people:,} people, of whom {crowd.share:g} search, told at once: {crowd.searches:,.0f} searches, "
        f"{crowd.searches:,.0f} / {crowd.seconds:g} s = {crowd.peak:,.0f} a second at first, "
        f"{crowd.peak:,.0f} × e^(-t / {crowd.seconds:g} s) later. The same people as they finish: "
        f"{crowd.finish_peak:,.1f} a second at most."
    )


def steps(found: Iterable[Step]) -> str:
    """What the crowd meets."""
    return _table(
        ("moved", *MET, "busiest", "refusals by"),
        [
            (
                each.moved,
                *_met(each.outcome),
                f"{each.outcome.busiest:,}",
                ", ".join(f"{name} {count:,}" for name, count in each.outcome.refusals.most_common()) or "-",
            )
            for each in found
        ],
    )


def storms(found: Iterable[Storm]) -> str:
    """What a rate meets that begins from nothing."""
    return _table(
        ("searches/s", "SnapStart", "starts at once", "busy then", "so many after, s", *MET),
        [
            (
                f"{each.rate:,.0f}",
                "yes" if each.snapstart else "no",
                f"{each.starts:,.0f}",
                f"{each.busy:,.0f}",
                f"{each.seconds:,.0f}",
                *(["-"] * len(MET) if each.outcome is None else _met(each.outcome)),
            )
            for each in found
        ],
    )


MET = ("cold", "refused at first", "given up", "p50, s", "p99, s")


def _met(outcome: Outcome) -> tuple[str, ...]:
    return (
        f"{outcome.cold:,} = {_percent(outcome.cold / outcome.searches)}",
        _percent(outcome.refused / outcome.searches),
        _percent(outcome.given_up),
        f"{outcome.wait(50):.2f}",
        f"{outcome.wait(99):.2f}",
    )


def compared(found: Iterable[Check]) -> str:
    """The formulas beside the simulation."""
    return _table(
        ("what", "how", "formula", "simulation", "± its standard error"),
        [(each.name, each.how, f"{each.model:,.4g}", f"{each.simulated:,.4g}", f"{each.error:.2g}") for each in found],
    )


def as_json(
    model: Model, crowd: Crowd, found: Sequence[Step], begun: Sequence[Storm], checked: Sequence[Check]
) -> dict[str, Any]:
    """All of it. Times are seconds; a limit that nothing asks of breaks at null."""
    return {
        "deployed": asdict(model.deployed),
        "load": asdict(model.load),
        "figures": asdict(model.figures),
        "limits": asdict(model.limits) | {"as_of": str(model.limits.as_of)},
        "constraints": [_constraint(each) for each in model.constraints()],
        "rates": [
            {
                "searches": rate,
                "environments": model.environments(rate),
                "dollars_a_day": model.dollars_a_day(rate),
                "used": {each.name: each.used(rate) for each in model.constraints()},
            }
            for rate in RATES
        ],
        "crowd": asdict(crowd) | {"peak": crowd.peak, "finish_peak": crowd.finish_peak},
        "steps": [{"moved": each.moved} | _outcome(each.outcome) for each in found],
        "storms": [asdict(replace(each, outcome=None)) | {"outcome": _outcome(each.outcome)} for each in begun],
        "checks": [asdict(each) for each in checked],
    }


def _constraint(each: Constraint) -> dict[str, Any]:
    return asdict(each) | {"breaks_at": None if each.breaks_at == inf else each.breaks_at}


def _outcome(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    return {
        "searches": outcome.searches,
        "refused_at_first": outcome.refused,
        "gave_up": outcome.gave_up,
        "cold": outcome.cold,
        "busiest": outcome.busiest,
        "refusals": dict(outcome.refusals),
        "p50": outcome.wait(50),
        "p99": outcome.wait(99),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rate(rate: float) -> str:
    return "-" if rate == inf else f"{rate:,.0f}"


def _share(share: float) -> str:
    """Times the limit, two digits."""
    return f"{float(f'{share:.2g}'):,g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
