"""`facesearch photos delete`, `person delete`, `search-delete`, `event delete`: what they ask first, and how they show
a receipt."""

import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer

from facesearch.deletion.event import EventDeletion
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.receipts import Counts, Receipt
from facesearch.errors import InvalidRequest
from facesearch.faces.several import MAX_SELFIES
from facesearch.models import SearchKey
from facesearch.validation import parse_request_id
from facesearch_cli.commands.common import AsJson, EventArgument, EventId, group, stack_of
from facesearch_cli.erasing import person_eraser, search_eraser, stores_of
from facesearch_cli.terminal import following, plural, print_json, progress_bar, results, say

app = group("People in an event.")
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Originals = Annotated[bool, typer.Option("--originals", help="The original files, too.")]
KeepRenditions = Annotated[bool, typer.Option("--keep-renditions", help="Leave the two public JPEGs of each photo.")]


def delete_photos(
    context: typer.Context,
    image_ids: Annotated[list[str], typer.Argument(metavar="IMAGE_ID…", show_default=False)],
    event_id: EventId,
    originals: Originals = False,
    keep_renditions: KeepRenditions = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete photos: from every search and gallery, with their faces, renditions and the results that name them."""
    stack = stack_of(context)
    event, wanted = stack.event(event_id), [_image_id(text) for text in image_ids]
    _ask(f"Delete {plural(len(wanted), 'photo')} of {event.name!r} for good?", yes=yes)
    with stores_of(stack) as stores:
        files = Files(renditions=not keep_renditions, originals=originals)
        _show(PhotoDeletion(stores=stores).delete_photos(event, wanted, files), as_json=as_json)


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
            help="A picture of the person; up to three times.",
        ),
    ],
    event_id: EventId,
    photos: Annotated[bool, typer.Option("--photos", help="Delete the photos that show the person.")] = False,
    originals: Annotated[bool, typer.Option("--originals", help="With --photos: the original files, too.")] = False,
    keep_renditions: Annotated[
        bool, typer.Option("--keep-renditions", help="With --photos: leave the two public JPEGs of each photo.")
    ] = False,
    confidence: Annotated[int | None, typer.Option(help="Percent from 1 to 100; the event's if not given.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a person's faces from an event, or with --photos the photos: no search finds the person again. Stored
    selfies that show the person go too, with their searches."""
    if (originals or keep_renditions) and not photos:
        raise InvalidRequest("--originals and --keep-renditions need --photos: without it no file is deleted.")
    if len(selfies) > MAX_SELFIES:
        raise InvalidRequest(f"A person is known by 1 to {MAX_SELFIES} selfies, not {len(selfies)}.")
    stack = stack_of(context)
    event = stack.event(event_id)
    what = "every photo that shows this person" if photos else "every face of this person"
    _ask(f"Delete {what} from {event.name!r} for good?", yes=yes)
    files = Files(renditions=not keep_renditions, originals=originals) if photos else None
    pictures = [selfie.read_bytes() for selfie in selfies]
    with (
        stores_of(stack) as stores,
        progress_bar() as watcher,
        person_eraser(stack, stores, following(watcher, "Selfies")) as eraser,
    ):
        receipt = eraser.delete_person(event, pictures, files, confidence)
    _show(receipt, as_json=as_json)
    if not as_json:
        say(
            f"That is what the selfie finds at confidence {confidence or event.confidence}. The person may be on other "
            "photos, too, above all a child: try another selfie, or a lower --confidence. Of a search "
            "whose selfie has expired nobody can tell whose it was: it is deleted if it found a photo of the person."
        )


def delete_search(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(show_default=False)],
    event_id: EventId,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete one search: its result, its selfie, its watch and what that has told of. The request_id is free again."""
    stack = stack_of(context)
    event = stack.event(event_id)
    search = SearchKey(event.org_id, event_id, parse_request_id(request_id))
    _ask(f"Delete the search {search.request_id} of {event.name!r} for good?", yes=yes)
    with stores_of(stack) as stores:
        search_eraser(stores).delete(search)
    if as_json:
        print_json({"request_id": str(search.request_id)})
    else:
        results().print(f"Deleted: search {search.request_id}.")


def delete_event(
    context: typer.Context,
    event_id: EventArgument,
    originals: Originals = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete an event: its photos, faces, renditions, results, selfies, and itself."""
    stack = stack_of(context)
    _ask(f"Delete the event {stack.event(event_id).name!r} for good?", yes=yes)
    with stores_of(stack) as stores:
        _show(EventDeletion(stores=stores).delete_event(event_id, originals=originals), as_json=as_json)


def _ask(question: str, *, yes: bool) -> None:
    """On a terminal, with --json too; a script has meant what it says."""
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        typer.confirm(question, abort=True, err=True)


def _show(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.to_json())
    else:
        results().print(f"Deleted by this run: {_listed(receipt.deleted)}.")
        results().print(f"Counted again, left: {_listed(receipt.left)}.")
        if receipt.looked is not None:
            results().print(f"Stored selfies looked at: {receipt.looked.selfies}.")
    if receipt.resumed:
        say("An earlier run in this event was interrupted: this run has finished it, but counts only its own part.")
    if receipt.looked is not None and receipt.looked.unreadable:
        say(f"{receipt.looked.unreadable} of the stored selfies show no face to compare. They stay until they expire.")
    for image_id in receipt.unknown:
        say(f"{image_id} is no photo of event {receipt.event_id}.")
    if not receipt.complete:
        say("Something is left: run the same command again.")
    if receipt.unknown or not receipt.complete:
        raise typer.Exit(1)


def _listed(counts: Counts) -> str:
    said = [plural(count, kind.removesuffix("s")) for kind, count in vars(counts).items() if count]
    return ", ".join(said) or "nothing"


def _image_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is no image_id.") from None
