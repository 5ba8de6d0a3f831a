"""`facesearch photos …`."""

from pathlib import Path
from typing import Annotated

import typer

from facesearch.indexing import MAX_FILE_BYTES
from tools.cli.commands.common import AsJson, EventId, group, stack_of
from tools.cli.commands.erasing import delete_photos
from tools.cli.pictures import scan
from tools.cli.terminal import plural, print_json, progress_bar, results, say
from tools.cli.upload import Report, Uploader

app = group("Photos of an event.")
app.command("delete")(delete_photos)
SHOWN_FAILURES = 20


@app.command("upload")
def upload_photos(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", show_default=False)],
    event_id: EventId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every photo is indexed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload the pictures of a folder and those below it; a second run sends only what is missing.

    Pictures that cannot be read are listed with the reason, and are no error of the command. It ends with 1 if the
    store refused one, or if nothing more was indexed for two minutes.
    """
    stack = stack_of(context)
    event = stack.event(event_id)
    folder = scan(directory)
    with progress_bar() as watcher:
        report = Uploader(stack, event, MAX_FILE_BYTES, watcher).run(folder, wait_until_indexed=wait)
    if as_json:
        print_json(report.to_json())
    else:
        results().print(_summary(report, waited=wait))
    _say_what_is_missing(report, listed=as_json)
    if not report.succeeded:
        raise typer.Exit(1)


def _summary(report: Report, *, waited: bool) -> str:
    indexed = f"{report.indexed} indexed with {plural(report.faces, 'face')}"
    line = f"{report.uploaded} uploaded, {indexed}, {len(report.failed)} failed."
    under_way = len(report.photos) - report.indexed
    return line if waited or not under_way else f"{line} {under_way} are being indexed."


def _say_what_is_missing(report: Report, *, listed: bool) -> None:
    if report.ignored:
        say(f"{plural(report.ignored, 'other file')} ignored.")
    if not listed:
        for file, reason in report.failed[:SHOWN_FAILURES]:
            say(f"{file}: {reason}")
        if len(report.failed) > SHOWN_FAILURES:
            say(f"… and {len(report.failed) - SHOWN_FAILURES} more; --json lists them all.")
    if report.stalled:
        say("Some photos are not indexed yet, nothing more for two minutes: see the indexing function's log.")
    if report.refused:
        some = plural(report.refused, "photo") if report.uploaded else "Nothing"
        say(f"{some} could {'not ' if report.uploaded else ''}be uploaded: run the same command again.")
