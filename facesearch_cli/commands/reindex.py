"""`facesearch reindex`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from facesearch.errors import InvalidRequest, Throttled
from facesearch.faces.engine import MODELS
from facesearch.faces.sets import LaggingError
from facesearch.models import FaceSetKind
from facesearch.photos.rebuild import Rebuild, Rebuilt
from facesearch_cli.commands.common import AsJson, EventArgument, stack_of
from facesearch_cli.commands.features import read_unread
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import following, plural, print_json, progress_bar, results, say

SHOWN_FAILURES = 20


def reindex_event(
    context: typer.Context,
    event_id: EventArgument,
    model: Annotated[
        str | None,
        typer.Option(help=f"{' or '.join(MODELS)}; without it, the event's own by today's settings."),
    ] = None,
    faces: Annotated[
        FaceSetKind | None, typer.Option(help="Where the faces are kept from then on; without it, where they are.")
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Cancel a rebuild that is under way, and delete what it made.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until searches use the new faces.")] = True,
    as_json: AsJson = False,
) -> None:
    """Rebuild an event's faces by another model or new settings, or keep them elsewhere; searches go on meanwhile.

    Whatever interrupts it, run it again and it goes on. Photos whose originals are gone are listed: nobody is found on
    them any more.
    """
    if cancel and (model is not None or faces is not None):
        raise InvalidRequest("--cancel takes no --model and no --faces.")
    stack = stack_of(context)
    stack.require_embedded("reindex")
    if cancel:
        _cancel(stack, event_id, as_json=as_json)
        return
    with _rebuild(stack) as rebuild:
        done = rebuild.run(event_id, model, faces, wait=wait)
    if done.switched:  # what was read while a service kept the faces is tied to nobody's
        read_unread(stack, stack.event(event_id))
    if as_json:
        print_json(done.to_json())
        return
    results().print(_summary(done))
    for image_id, reason in done.failed[:SHOWN_FAILURES]:
        say(f"{image_id}: {reason}")
    if len(done.failed) > SHOWN_FAILURES:
        say(f"… and {len(done.failed) - SHOWN_FAILURES} more; --json lists them all.")


def _cancel(stack: Stack, event_id: int, *, as_json: bool) -> None:
    if stack.event(event_id).building is None:
        say(f"Event {event_id} has no rebuild under way: there is nothing to cancel.")
    with _rebuild(stack) as rebuild:
        event = rebuild.cancel(event_id)
    if as_json:
        print_json({"event_id": event_id, "model": event.model, "kept_in": event.faces.kind, "switched": False})
    else:
        results().print(f"Event {event_id} keeps its faces by {event.faces.model} in {event.faces.kind}.")


@contextmanager
def _rebuild(stack: Stack) -> Iterator[Rebuild]:
    """The use case, which shows its progress and can be interrupted."""
    try:
        with progress_bar() as watcher, stack.working() as check:
            progress = following(watcher, "Indexing")

            def follow(done: int, total: int) -> None:
                check()
                progress(done, total)

            yield stack.container.rebuild(follow)
    except (LaggingError, Throttled) as error:
        raise CommandError(f"{error} The event is still searched by the faces that it had; run it again.") from error


def _summary(done: Rebuilt) -> str:
    seen = f"{plural(done.photos, 'photo')} with {plural(done.faces, 'face')} by {done.face_set.model}"
    if not done.switched:
        return f"{seen} so far. Run it again without --no-wait: it goes on, and switches when all are there."
    return f"{seen}, kept in {done.face_set.kind}; searches use them. {len(done.failed)} failed."
