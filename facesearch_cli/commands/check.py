"""`facesearch event check`."""

from collections.abc import Iterator
from dataclasses import asdict

import typer

from facesearch.faces.engine import is_default
from facesearch.faces.health import SMALL, TINY, Alikeness, Health, health_of
from facesearch.models import DEFAULT_MODEL, Event
from facesearch_cli.commands.common import AsJson, EventArgument, stack_of
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import held_interrupts, plural, print_json, printable, progress_bar, results

UNUSUAL = """\
The faces of this event are unusually alike (children, relatives, one school?).
Searches may find strangers where those in other events find none. Keep the confidence at 90 or raise it to 95,
ask for recent selfies, and have a person check results that matter. Children below about four years of age
cannot be told apart: promise nothing for them."""
USUAL = "Nothing unusual: the confidence table holds for this event."
UNKNOWN = "There are too few faces to say how alike they are."


def check_event(context: typer.Context, event_id: EventArgument, as_json: AsJson = False) -> None:
    """Show how well searches in an event can work: its photos, its faces, and how alike different people look."""
    stack = stack_of(context)
    event = stack.event(event_id)
    _require_faces(stack, event)
    with held_interrupts() as check, stack.container as container, progress_bar() as watcher:
        stage = watcher.stage("photos", None)

        def advance(count: int) -> None:
            check()
            stage.advance(count)

        found = health_of(event, container.photos, container.pool, advance)
    if as_json:
        print_json({"event_id": event_id, "model": event.model, "confidence": event.confidence} | asdict(found))
        return
    console = results()
    for line in _lines(event, found):
        console.print(line)


def _require_faces(stack: Stack, event: Event) -> None:
    """Refuse what the records here cannot tell.

    Raises:
        CommandError: the faces are kept by somebody else.
    """
    if stack.settings.engine == "upstream" or not event.faces.is_ours:
        kept = "The upstream API" if event.faces.is_ours else "Amazon Rekognition"
        raise CommandError(
            f"{kept} keeps the faces of event {event.event_id}. How large, how sharp and how alike they are,"
            " and how many strangers a search will find, is not known here."
        )


def _lines(event: Event, found: Health) -> Iterator[str]:
    yield f"Event {event.event_id}, {printable(event.name)}: confidence {event.confidence} %, {event.model}"
    yield _row("Photos", f"{found.photos:,}, {found.without_faces:,} without a face, {found.failed:,} failed")
    if found.unseen:
        yield _row("", f"{plural(found.unseen, 'photo')} not looked at by this model yet")
    yield _row("Faces", f"{found.faces:,}")
    yield from _looks(found)
    yield _row("Alikeness", f"of two faces in one photo: {_quantiles(found.together)}")
    yield _row("", f"of faces in two photos: {_quantiles(found.apart)}")
    yield from _strangers(event, found)
    yield ""
    if not is_default(event.model):
        yield f"Scores of {event.model} are not levelled, and the second pass adds strangers among alike faces."
        yield f"facesearch reindex {event.event_id} --model {DEFAULT_MODEL} fixes both."
    yield UNKNOWN if found.alike is None else UNUSUAL if found.alike else USUAL


def _looks(found: Health) -> Iterator[str]:
    looks = found.looks
    if looks is None:
        yield _row("Sizes", "-")
        yield _row("Blurred", "-")
        return
    small = f"{looks.small:.0%} below {SMALL} px, {looks.tiny:.0%} below {TINY} px"
    yield _row("Sizes", f"median {looks.median_pixels} px, {small}")
    yield _row("Blurred", f"{looks.blurred:.0%}, though {SMALL} px or more")
    if looks.faces < found.faces:
        yield _row("", f"sizes and blur are known of {looks.faces:,} of the faces")


def _quantiles(alikeness: Alikeness | None) -> str:
    return "-" if alikeness is None else f"q75 {alikeness.q75:.2f}, q90 {alikeness.q90:.2f}"


def _strangers(event: Event, found: Health) -> Iterator[str]:
    if found.strangers is None:
        yield _row("Strangers", "-")
        return
    yield _row("Strangers", "expected in one search, by confidence")
    for percent, expected in found.strangers.items():
        yield _row("", f"{percent} %  {_count(expected)}{', this event' if percent == event.confidence else ''}")


def _count(expected: float) -> str:
    if expected < 0.001:
        return "below 0.001"
    return f"{expected:.1g}" if expected < 10 else f"{expected:,.0f}"


def _row(name: str, text: str) -> str:
    return f"{name:<11}{text}"
