"""`facesearch reindex`."""

from typing import Annotated

import typer

from facesearch.errors import InvalidRequest
from facesearch.faces.engine import MODELS
from facesearch.photos.reindexing import Reindexed
from facesearch_cli.commands.common import AsJson, EventArgument, stack_of
from facesearch_cli.terminal import following, plural, print_json, progress_bar, results, say

THREADS = 8
SHOWN_FAILURES = 20


def reindex_event(
    context: typer.Context,
    event_id: EventArgument,
    model: Annotated[
        str | None,
        typer.Option(help=f"{' or '.join(MODELS)}; the event's own, by the settings of today, if not given."),
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="End one that is under way, and remove what it made.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until searches are answered by it.")] = True,
    as_json: AsJson = False,
) -> None:
    """Look at an event's photos again, by another model or new settings; searches go on meanwhile.

    Whatever interrupts it, run it again and it goes on. Photos whose originals are gone are listed: nobody is found on
    them any more.
    """
    if cancel and model is not None:
        raise InvalidRequest("--cancel takes no --model.")
    stack = stack_of(context)
    stack.require_embedded("reindex")
    with progress_bar() as watcher, stack.working() as check:
        progress = following(watcher, "Indexing")

        def follow(done: int, total: int) -> None:
            check()
            progress(done, total)

        use_case = stack.container.reindexing(follow)
        if cancel:
            event = use_case.cancel(event_id)
        else:
            done = use_case.run(event_id, model, wait=wait)
    if cancel:
        if as_json:
            print_json({"event_id": event_id, "model": event.model, "switched": False})
        else:
            results().print(f"Event {event_id} stays with {event.model}.")
        return
    if as_json:
        print_json(done.to_json())
        return
    results().print(_summary(done))
    for image_id, reason in done.failed[:SHOWN_FAILURES]:
        say(f"{image_id}: {reason}")
    if len(done.failed) > SHOWN_FAILURES:
        say(f"… and {len(done.failed) - SHOWN_FAILURES} more; --json lists them all.")


def _summary(done: Reindexed) -> str:
    seen = f"{plural(done.photos, 'photo')} with {plural(done.faces, 'face')} by {done.model}"
    if not done.switched:
        return f"{seen}; the others are being looked at. Run it again to go on."
    return f"{seen}; searches are answered by it. {len(done.failed)} failed."
