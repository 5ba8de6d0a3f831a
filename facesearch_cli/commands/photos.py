"""`facesearch photos …`."""

from pathlib import Path
from typing import Annotated

import typer

from facesearch.admin.overview import file_of
from facesearch.faces.packing import FACE_BYTES
from facesearch.photos.pictures import MAX_FILE_BYTES
from facesearch_cli.commands.common import AsJson, EventId, group, stack_of
from facesearch_cli.commands.deletion import delete_photos
from facesearch_cli.pictures import scan
from facesearch_cli.terminal import plural, print_json, printable, progress_bar, results, say
from facesearch_cli.upload import Report, Uploader

app = group("Photos of an event.")
app.command("delete")(delete_photos)
SHOWN = 20


@app.command("upload")
def upload_photos(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", show_default=False)],
    event_id: EventId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every photo is indexed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload pictures, also those in folders and their subfolders. A second run sends only what is missing.

    Files that are left out are listed with the reason. The exit code is 1 if there are no pictures, if any failed, or
    if nothing more was indexed for two minutes.
    """
    stack = stack_of(context)
    event = stack.event(event_id)
    found = scan(*paths)
    with progress_bar() as watcher:
        report = Uploader(stack, event, MAX_FILE_BYTES, watcher).run(found, wait_until_indexed=wait)
    if as_json:
        print_json(report.to_json())
    else:
        results().print(_summary(report, waited=wait))
    _say_what_is_missing(report, listed=as_json)
    if not report.keeps_faces:
        say(
            f"Event {event_id} keeps no faces: their last day was {event.retain_until}. No search finds anybody in "
            f"these photos. To change that, run: facesearch event update {event_id} --retain-until YYYY-MM-DD, then "
            f"facesearch reindex {event_id}."
        )
    if not report.succeeded:
        raise typer.Exit(1)


def _summary(report: Report, *, waited: bool) -> str:
    indexed = f"{report.indexed} indexed with {plural(report.faces, 'face')}"
    line = f"{report.uploaded} uploaded, {indexed}, {len(report.failed)} failed."
    under_way = len(report.photos) - report.indexed
    return line if waited or not under_way else f"{line} {under_way} {'is' if under_way == 1 else 'are'} being indexed."


def _say_what_is_missing(report: Report, *, listed: bool) -> None:
    if not (report.photos or report.failed):
        say("No pictures were found.")
    if not listed:
        _say_some(report.failed, "failed")
        _say_some(report.left_out, "left out")
    elif report.left_out:
        say(f"{plural(len(report.left_out), 'other file')} left out.")
    if report.skipped:
        names = ", ".join(f"{count} {name}" for name, count in sorted(report.skipped.items()))
        say(f"{plural(sum(report.skipped.values()), 'file')} skipped: {names}.")
    if report.stalled:
        say("Some photos are not indexed yet, and none was for two minutes. See the indexing function's log.")
    if report.failed:
        say(f"{plural(len(report.failed), 'picture')} failed.")
    if report.refused:
        some = plural(report.refused, "photo") if report.uploaded else "Nothing"
        say(f"{some} could {'not ' if report.uploaded else ''}be uploaded. Run the same command again.")


def _say_some(files: list[tuple[str, str]], what: str) -> None:
    for file, reason in files[:SHOWN]:
        say(f"{file}: {reason}")
    if len(files) > SHOWN:
        say(f"… and {len(files) - SHOWN} more {what}; --json lists them all.")


@app.command("list")
def list_photos(
    context: typer.Context,
    event_id: EventId,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed",
            help="Only photos that could not be read, or that lost their faces because the original was gone.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the photos of an event with their faces, whichever way they came."""
    stack = stack_of(context)
    event = stack.event(event_id)
    records = (photo for shard in range(event.shards) for photo in stack.container.photos.records(event_id, shard))
    rows = sorted(
        (file_of(event, photo), str(photo.image_id), len(photo.faces) // FACE_BYTES, photo.reason or None)
        for photo in records
        if not failed or photo.status == "failed" or photo.reason
    )
    if as_json:
        names = ("file", "image_id", "faces", "reason")
        print_json({"event_id": event_id, "photos": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    for file, image_id, faces, reason in rows:
        results().print(printable(f"{image_id}  {file}: {reason or plural(faces, 'face')}"))
    say(f"{plural(len(rows), 'photo')}{' failed' if failed else ''}.")
