"""`facesearch link …`."""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from facesearch.admin.links import PER_MINUTE, GuestLink, LinkSettings, MadeLink
from facesearch.admin.page import TEMPLATE
from facesearch.errors import FaceSearchError, StoreUnavailable
from facesearch.models import Event
from facesearch_cli import qr
from facesearch_cli.commands.common import AsJson, EventId, OrgId, group, stack_of
from facesearch_cli.commands.quota import say_if_too_large
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import print_json, print_lines, results, say

app = group("Links to guests' pages, which can be printed as QR codes.")
LinkArgument = Annotated[str, typer.Argument(metavar="LINK", show_default=False, help="Its id, name or address.")]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day, by UTC; at most 400 days from now.")
]
Svg = Annotated[Path | None, typer.Option("--svg", metavar="FILE", dir_okay=False, help="Write the QR code as SVG.")]
Png = Annotated[Path | None, typer.Option("--png", metavar="FILE", dir_okay=False, help="Write the QR code as PNG.")]
Sheet = Annotated[
    Path | None,
    typer.Option(
        "--sheet", metavar="FILE", dir_okay=False, help="Write an HTML page of A5 with name, QR code and steps."
    ),
]


@app.command("create")
def create(  # noqa: PLR0913, PLR0917 - a command's options, each by its name
    context: typer.Context,
    event_id: EventId,
    until: Until = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin of a page of yours that may use the token, https://run.example; repeat for several."),
    ] = None,
    originals: Annotated[bool, typer.Option(help="Whether guests may save the originals of their photos.")] = True,
    watch: Annotated[bool, typer.Option(help="Whether guests may have later photos looked through.")] = False,
    preview: Annotated[
        bool, typer.Option(help="Show the event's cover to everybody in whose messages the address appears.")
    ] = False,
    per_minute: Annotated[int, typer.Option(help="Searches a minute that all its guests have together.")] = PER_MINUTE,
    svg: Svg = None,
    png: Png = None,
    sheet: Sheet = None,
    as_json: AsJson = False,
) -> None:
    """Create a link to an event's page, with a token of its own.

    The address can be printed: it stays the same whatever you change later.
    """
    stack = stack_of(context)
    settings = LinkSettings(_day(until), tuple(origin or ()), originals, watch, preview, per_minute)
    _check_files(stack, svg, png, sheet)
    made = stack.container.links.create(event_id, settings)
    _show(stack, made, svg, png, sheet, as_json=as_json)
    say_if_too_large(stack, made.link.org_id, [made.link])


@app.command("rotate")
def rotate(
    context: typer.Context,
    link_id: LinkArgument,
    until: Until = None,
    svg: Svg = None,
    png: Png = None,
    sheet: Sheet = None,
    as_json: AsJson = False,
) -> None:
    """Give a link another token. The old one is refused on its next request; the address and its QR code stay."""
    stack = stack_of(context)
    _check_files(stack, svg, png, sheet)
    _show(stack, stack.container.links.rotate(link_id, _day(until)), svg, png, sheet, as_json=as_json)


@app.command("list")
def list_links(
    context: typer.Context,
    org_id: OrgId,
    event_id: Annotated[int | None, typer.Option("--event", metavar="EVENT", help="Of one event alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """List an organisation's links, oldest first."""
    container = stack_of(context).container
    container.admin.org(org_id)  # or it is told that there is none
    links = container.links
    rows = links.links(org_id, event_id)
    ended = links.ended(rows)
    if as_json:
        print_json({"links": [_json(row, row.link_id in ended) | {"url": links.url(row) or None} for row in rows]})
        return
    lines = [_line(row, row.link_id in ended, links.url(row)) for row in rows]
    print_lines(lines, f"Organisation {org_id} has no links.")


@app.command("off")
def switch_off(context: typer.Context, link_id: LinkArgument, as_json: AsJson = False) -> None:
    """End a link for good. Its token is refused on the next request, and its page says so within a minute."""
    links = stack_of(context).container.links
    link = links.switch_off(link_id)
    if as_json:
        print_json(_json(link, bool(links.ended([link]))))
    else:
        results().print(f"Link {link.link_id} is off.")


def render_links(stack: Stack, event: Event) -> None:
    """Show a changed event on its guests' pages. A failure is told, for the change itself holds."""
    if stack.container.page_hosts is None:
        return
    try:
        with stack.working():
            done = stack.container.links.render(event)
    except (FaceSearchError, StoreUnavailable, BotoCoreError, ClientError) as error:
        say(f"The event has changed, but its guests' pages may not show it yet. Run the same command again. {error}")
    else:
        say_lost([link.link_id for link in done.lost])
        for message in done.failed:
            say(message)


def say_lost(link_ids: Sequence[str]) -> None:
    """Tell of links whose page could not be rendered anew, for the token in it is lost."""
    if link_ids:
        say(f"These links have lost their page, which `facesearch link rotate` makes anew: {', '.join(link_ids)}")


def _day(until: datetime | None) -> date | None:
    return until.date() if until is not None else None


def _check_files(stack: Stack, svg: Path | None, png: Path | None, sheet: Path | None) -> None:
    """Refuse, before a link has changed, what could not be written afterwards."""
    if stack.container.page_hosts is None and any((svg, png, sheet)):
        raise CommandError("This stack shows no pages, so links have no address: deploy it with CloudFront first.")
    for path, suffix in ((svg, ".svg"), (png, ".png"), (sheet, "")):
        if path is not None and not path.name.lower().endswith(suffix):
            raise CommandError(f"The name of {path} must end in {suffix}.")
        if path is not None and not path.parent.is_dir():
            raise CommandError(f"There is no folder {path.parent} for {path.name}.")


def _show(
    stack: Stack, made: MadeLink, svg: Path | None, png: Path | None, sheet: Path | None, *, as_json: bool
) -> None:
    if as_json:
        print_json(_json(made.link) | {"token": made.token, "url": made.url or None})
    else:
        results().print(made.url or f"Link {made.link.link_id}: {made.token}")
        if made.url and sys.stdout.isatty():
            qr.print_on(sys.stdout, made.url)
    for path in filter(None, (svg, png)):
        qr.save(made.url, path)
    if sheet is not None:
        sheet.write_text(qr.sheet(stack.event(made.link.event_id).name, made.url), encoding="utf-8")
    if not made.url:
        say("This stack shows no pages, for it has no CloudFront: use the token in a page of your own.")
    elif not stack.container.page_files.read(TEMPLATE):
        say("The guest page is not published yet: build it with make web, then run facesearch page publish.")


def _json(link: GuestLink, ended: bool = False) -> dict[str, Any]:
    return {
        "link_id": link.link_id,
        "event_id": link.event_id,
        "name": link.name,
        "token_prefix": link.prefix,
        "origins": list(link.origins),
        "originals": link.originals,
        "watch": link.watch,
        "per_minute": link.quota.per_minute,
        "burst": link.quota.burst,
        "valid_until": _end(link).isoformat(),
        "off": link.off,
        "ended": ended,
    }


def _line(link: GuestLink, ended: bool, url: str) -> str:
    if link.off:
        state = "off"
    elif _end(link) <= datetime.now(UTC):
        state = "expired"
    else:
        state = "ended" if ended else f"until {_end(link):%Y-%m-%d %H:%M}"
    return f"{link.link_id}  event {link.event_id}  {link.prefix}***  {state}  {url}".rstrip()


def _end(link: GuestLink) -> datetime:
    return datetime.fromtimestamp(link.valid_until, UTC)
