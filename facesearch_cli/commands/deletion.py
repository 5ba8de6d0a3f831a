"""`facesearch photos delete`, `person delete`, `search delete`, `event delete`: what they ask first, and how they show
a receipt."""

import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer

from facesearch.deletion.photos import Files
from facesearch.deletion.receipts import Counts, Receipt
from facesearch.errors import InvalidRequest
from facesearch.faces.several import MAX_SELFIES
from facesearch.models import Event, SearchKey
from facesearch.validation import parse_request_id
from facesearch_cli.commands.common import AsJson, EventArgument, EventId, group, stack_of
from facesearch_cli.commands.links import render_links
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import MODELS_VARIABLE, Stack
from facesearch_cli.terminal import following, plural, print_json, progress_bar, results, say

app = group("People in an event.")
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Originals = Annotated[bool, typer.Option("--originals", help="Delete the original files, too.")]
KeepRenditions = Annotated[bool, typer.Option("--keep-renditions", help="Keep the two public JPEGs of each photo.")]


def delete_photos(
    context: typer.Context,
    image_ids: Annotated[list[str], typer.Argument(metavar="IMAGE_ID…", show_default=False)],
    event_id: EventId,
    originals: Originals = False,
    keep_renditions: KeepRenditions = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete photos from every search and gallery, with their faces, renditions and the results that name them."""
    stack = stack_of(context)
    event, wanted = stack.event(event_id), [_image_id(text) for text in image_ids]
    _ask(f"Delete {plural(len(wanted), 'photo')} of {event.name!r} for good?", yes=yes)
    files = Files(renditions=not keep_renditions, originals=originals)
    with stack.working():
        receipt = stack.container.photo_deletion.delete_photos(event, wanted, files)
    _render_links(stack, event_id)
    _show(receipt, as_json=as_json)


@app.command("delete")
def delete_person(  # noqa: PLR0913, PLR0917 - a command's options, each by its name
    context: typer.Context,
    selfies: Annotated[
        list[Path],
        typer.Option(
            "--selfie",
            exists=True,
            dir_okay=False,
            readable=True,
            help="A picture of the person. Give the option up to three times.",
        ),
    ],
    event_id: EventId,
    photos: Annotated[bool, typer.Option("--photos", help="Delete the photos that show the person.")] = False,
    originals: Annotated[
        bool, typer.Option("--originals", help="With --photos: delete the original files, too.")
    ] = False,
    keep_renditions: Annotated[
        bool, typer.Option("--keep-renditions", help="With --photos: keep the two public JPEGs of each photo.")
    ] = False,
    confidence: Annotated[int | None, typer.Option(help="Percent from 1 to 100; by default the event's.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a person's faces from an event, or with --photos the photos: no search finds the person again. Stored
    selfies of the person are deleted too, with their searches."""
    if (originals or keep_renditions) and not photos:
        raise InvalidRequest("--originals and --keep-renditions need --photos: without it no file is deleted.")
    if len(selfies) > MAX_SELFIES:
        raise InvalidRequest(f"Give 1 to {MAX_SELFIES} selfies, not {len(selfies)}.")
    stack = stack_of(context)
    event = stack.event(event_id)
    what = "every photo that shows this person" if photos else "every face of this person"
    _ask(f"Delete {what} from {event.name!r} for good?", yes=yes)
    files = Files(renditions=not keep_renditions, originals=originals) if photos else None
    pictures = [selfie.read_bytes() for selfie in selfies]
    _require_engine(stack, event)
    with stack.working(), progress_bar() as watcher:
        deletion = stack.container.person_deletion(following(watcher, "Selfies"))
        receipt = deletion.delete_person(event, pictures, files, confidence)
    if photos:
        _render_links(stack, event_id)
    _show(receipt, as_json=as_json)
    if not receipt.deleted.total:
        say("Nothing of this person was left to delete. If an earlier run was interrupted, it had finished its work.")
    if not as_json:
        say(
            f"This is what the selfie finds at confidence {confidence or event.confidence}. The person may be in other "
            "photos, too, especially a child: try another selfie, or a lower --confidence. A search whose selfie has "
            "expired was deleted only if it had found a photo of the person."
        )


def delete_search(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(show_default=False)],
    event_id: EventId,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete one search: its result, selfie and watch, and what the watch has found. Its request_id is free again."""
    stack = stack_of(context)
    event = stack.event(event_id)
    search = SearchKey(event.org_id, event_id, parse_request_id(request_id))
    _ask(f"Delete the search {search.request_id} of {event.name!r} for good?", yes=yes)
    with stack.working():
        stack.container.search_deletion.delete(search)
    if as_json:
        print_json({"request_id": str(search.request_id)})
    else:
        results().print(f"Search {search.request_id}: deleted")


def delete_event(
    context: typer.Context,
    event_id: EventArgument,
    originals: Originals = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete an event with its photos, faces, renditions, results and selfies. The original files stay in the bucket
    unless you give --originals."""
    stack = stack_of(context)
    event = stack.event(event_id)
    files = "with its original files" if originals else "but not its original files"
    _ask(f"Delete the event {event.name!r} for good, {files}?", yes=yes)
    with stack.working():
        receipt = stack.container.event_deletion.delete_event(event_id, originals=originals)
    if not originals:
        say(f"The original files stay in the photos bucket, under {event.org_id}/{event_id}/.")
    _show(receipt, as_json=as_json)


def _require_engine(stack: Stack, event: Event) -> None:
    """Refuse to look for a person on a machine that cannot read a selfie.

    Raises:
        CommandError: there are no models here, or the stack's faces are in the upstream.
    """
    stack.require_embedded("This command")
    if not event.faces.is_ours:  # the service reads it
        return
    folder = stack.settings.models_dir
    if not folder.is_dir():
        raise CommandError(f"There are no face models in {folder}. Run `make assets`, or set {MODELS_VARIABLE}.")


def _render_links(stack: Stack, event_id: int) -> None:
    """Show the event without a cover that is deleted by now, maybe by an earlier run, on its guests' pages."""
    event = stack.container.admin.event(event_id)
    if event is not None:
        render_links(stack, event)


def _ask(question: str, *, yes: bool) -> None:
    """Ask on a terminal, with --json too; a script means what it says."""
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        typer.confirm(question, abort=True, err=True)


def _show(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.to_json())
    else:
        results().print(f"Deleted by this run: {_listed(receipt.deleted)}.")
        results().print(f"Left (counted again): {_listed(receipt.left)}.")
        if receipt.looked is not None:
            results().print(f"Stored selfies checked: {receipt.looked.selfies}.")
    if receipt.resumed:
        say("An earlier deletion in this event was interrupted. This run finished it, but counts only its own part.")
    if receipt.looked is not None and receipt.looked.unreadable:
        say(f"{receipt.looked.unreadable} of the stored selfies show no face to compare. They stay until they expire.")
    for image_id in receipt.unknown:
        say(f"Event {receipt.event_id} has no photo {image_id}.")
    if not receipt.complete:
        say("Not everything is deleted yet. Run the same command again.")
    if receipt.unknown or not receipt.complete:
        raise typer.Exit(1)


def _listed(counts: Counts) -> str:
    said = [plural(count, kind.removesuffix("s")) for kind, count in vars(counts).items() if count]
    return ", ".join(said) or "nothing"


def _image_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is not an image_id.") from None
