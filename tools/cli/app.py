"""`facesearch`: the operator's command line.

Results go to stdout, alone and as one JSON object with --json; everything else goes to stderr.
Exit codes: 0 done, 1 not done (one line on stderr says why), 2 wrong usage, 130 interrupted. Of errors nothing goes to
stdout, but for `search --json`, which prints the API's own error body there.
"""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from facesearch import client
from facesearch.admin import DEFAULT_CONFIDENCE
from facesearch.errors import FaceSearchError
from facesearch.indexing import MAX_FILE_BYTES
from tools.cli.errors import CommandError
from tools.cli.keys import key_for, remember
from tools.cli.pictures import scan
from tools.cli.stack import LOCAL, STACK_FILE_VARIABLE, Stack, open_stack
from tools.cli.terminal import plural, print_json, printable, progress_bar, results, say
from tools.cli.upload import Report, Uploader

app = typer.Typer(
    name="facesearch",
    help="Operate Face Search: organisations, API keys, events, photos, searches.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
org_app = typer.Typer(help="Organisations.", no_args_is_help=True)
key_app = typer.Typer(help="API keys of an organisation.", no_args_is_help=True)
event_app = typer.Typer(help="Events.", no_args_is_help=True)
photos_app = typer.Typer(help="Photos of an event.", no_args_is_help=True)
for name, group in {"org": org_app, "key": key_app, "event": event_app, "photos": photos_app}.items():
    app.add_typer(group, name=name)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
OrgId = Annotated[int, typer.Option("--org", metavar="ORG", help="Number of the organisation.")]
EventId = Annotated[int, typer.Option("--event", metavar="EVENT", help="Number of the event.")]
SHOWN_FAILURES = 20
INTERRUPTED = 130


class Switch(StrEnum):
    """A feature of an event."""

    ON = "on"
    OFF = "off"


@app.callback()
def choose_stack(
    context: typer.Context,
    stack: Annotated[str, typer.Option(help='"local", or the name of a CloudFormation stack.')] = LOCAL,
    state: Annotated[
        Path | None,
        typer.Option(
            envvar=STACK_FILE_VARIABLE,
            help="The local stack's stack.json or its folder; without it .local/ is looked for from here upwards.",
        ),
    ] = None,
) -> None:
    """Remember which stack; it is opened by the command that needs it, so that --help always works."""
    context.obj = (stack, state)


def _stack(context: typer.Context) -> Stack:
    return open_stack(*context.find_root().obj)


@org_app.command("create")
def create_org(context: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Create an organisation; its number is made for it."""
    org_id = _stack(context).admin.create_org(name)
    if as_json:
        print_json({"org_id": org_id})
    else:
        results().print(f"Organisation {org_id}")


@key_app.command("create")
def create_key(context: typer.Context, org_id: OrgId, as_json: AsJson = False) -> None:
    """Create an API key. It is shown this once: keep it."""
    stack = _stack(context)
    created = stack.admin.create_key(org_id)
    remember(stack, org_id, created.api_key)
    if as_json:
        print_json({"key_id": created.key_id, "api_key": created.api_key})
    else:
        results().print(f"Key {created.key_id}: {created.api_key}")
        say("It is not shown again.")


@event_app.command("create")
def create_event(
    context: typer.Context,
    name: str,
    org_id: OrgId,
    confidence: Annotated[
        int, typer.Option(help="Percent from 1 to 100: how sure a match must be.")
    ] = DEFAULT_CONFIDENCE,
    as_json: AsJson = False,
) -> None:
    """Create an event, open for selfie search."""
    event_id = _stack(context).admin.create_event(org_id, name, confidence)
    if as_json:
        print_json({"event_id": event_id})
    else:
        results().print(f"Event {event_id}")


@event_app.command("update")
def update_event(
    context: typer.Context,
    event_id: Annotated[int, typer.Argument(metavar="EVENT")],
    selfie_search: Annotated[Switch | None, typer.Option(help="Whether guests may search by selfie.")] = None,
    confidence: Annotated[int | None, typer.Option(help="Percent from 1 to 100; searches from now on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change an event; what is not given stays."""
    wanted = None if selfie_search is None else selfie_search is Switch.ON
    event = _stack(context).admin.update_event(event_id, selfie_search=wanted, confidence=confidence)
    if as_json:
        print_json({"event_id": event.event_id, "selfie_search": event.selfie_search, "confidence": event.confidence})
    else:
        state = Switch.ON if event.selfie_search else Switch.OFF
        results().print(f"Event {event.event_id}: selfie search {state}, confidence {event.confidence} %")


@photos_app.command("upload")
def upload_photos(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", show_default=False)],
    event_id: EventId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every photo is indexed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload the pictures of a folder and those below it; a second run sends only what is missing.

    Pictures that cannot be read are listed with the reason, and are no error of the command. It ends with 1 if nothing
    could be uploaded, or if nothing more was indexed for two minutes.
    """
    stack = _stack(context)
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
    elif report.unreachable:
        say("Nothing could be uploaded.")


@app.command("search")
def search_event(
    context: typer.Context,
    selfie: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, show_default=False)],
    event_id: EventId,
    page: Annotated[int, typer.Option(help="From 1.")] = 1,
    page_size: Annotated[int, typer.Option(help="Photos on a page, at most 100.")] = client.PAGE_SIZE,
    request_id: Annotated[str | None, typer.Option(help="UUID of the search; one is made if not given.")] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="FACESEARCH_API_KEY", help="API key; the local stack needs none.", show_envvar=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search an event for the person of a selfie. --json prints the API's answer as it came, errors too."""
    stack = _stack(context)
    event = stack.event(event_id)
    api_key = key or key_for(stack, event.org_id)
    try:
        with client.FaceSearchClient(stack.api_url, api_key, event.org_id, transport=stack.transport) as api:
            answer = api.search(event_id, selfie, request_id, page, page_size)
    except client.ClientError as error:
        if as_json and error.envelope is not None:
            print_json(error.envelope)
        raise
    if as_json:
        print_json(answer.body)
    else:
        _show(answer)


def _show(answer: client.FaceSearchAnswer) -> None:
    data, pagination = answer.body["data"], answer.pagination
    out = results()
    for image in answer.images:
        size = f"{image['width']} x {image['height']}" if image["width"] and image["height"] else "?"
        out.print(f"{image['image_id']}  {size:>13}  {printable(image['img_url'])}")
    found = f"{plural(pagination['total'], 'photo')} at confidence {data['confidence_percentage']}"
    where = f"page {pagination['currentPage']} of {pagination['totalPages']}"
    out.print(f"{found}, {where}{', replayed' if answer.replayed else ''}")
    out.print(f"request_id {answer.request_id}")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    try:
        app(arguments, prog_name="facesearch")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (CommandError, FaceSearchError, client.ClientError, ValueError, OSError) as error:
        say(_line_of(error))
    except NoCredentialsError:
        say("No AWS credentials were found: log in first, or set AWS_PROFILE.")
    except EndpointConnectionError as error:
        say(f"No answer from the stack's stores: {error} Is it still running?")
    except (BotoCoreError, ClientError) as error:
        say(f"AWS refused: {error}")
    return 1


def _line_of(error: Exception) -> str:
    text = str(error)
    if isinstance(error, client.ClientError) and error.status is not None:
        text = f"The API answered {error.status}: {text}"
    if isinstance(error, client.ClientError) and error.retryable:
        text = f"{text} Nothing is searched twice if you try again with: --request-id {error.request_id}"
    return " ".join(text.split())


def main() -> None:
    """Entry point of the `facesearch` command."""
    code = run()
    if code == INTERRUPTED:
        say("Stopped.")
    sys.exit(code)
