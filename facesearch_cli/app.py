"""`facesearch`: the operator's command line.

Results go to stdout, alone and as one JSON object with --json; everything else goes to stderr.
Exit codes: 0 done, 1 not done (one line on stderr says why), 2 wrong usage, 130 interrupted. Of errors nothing goes to
stdout, but for `search run --json`, which prints the API's own error body there.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

import facesearch_client
from facesearch.errors import FaceSearchError, StoreUnavailable, Throttled
from facesearch.photos.objects import StillThereError
from facesearch.photos.rebuild import StalledError
from facesearch.settings import MissingSetting
from facesearch_cli.commands import (
    callbacks,
    deletion,
    events,
    keys,
    links,
    orgs,
    page,
    photos,
    quota,
    search,
    webhooks,
)
from facesearch_cli.commands.operator import operator_view
from facesearch_cli.commands.reindex import reindex_event
from facesearch_cli.errors import CommandError
from facesearch_cli.interrupts import INTERRUPTED
from facesearch_cli.stack import LOCAL, STACK_FILE_VARIABLE
from facesearch_cli.terminal import say

app = typer.Typer(
    name="facesearch",
    help="Operate Face Search: organisations, API keys, events, photos, searches.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
GROUPS = {
    "org": orgs.app,
    "quota": quota.app,
    "key": keys.app,
    "event": events.app,
    "link": links.app,
    "page": page.app,
    "photos": photos.app,
    "search": search.app,
    "person": deletion.app,
    "webhook": webhooks.app,
    "callbacks": callbacks.app,
}
for name, group in GROUPS.items():
    app.add_typer(group, name=name)
app.command("reindex")(reindex_event)
app.command("operator")(operator_view)


@app.callback()
def choose_stack(
    context: typer.Context,
    stack: Annotated[str, typer.Option(help='"local", or the name of a CloudFormation stack.')] = LOCAL,
    state: Annotated[
        Path | None,
        typer.Option(
            envvar=STACK_FILE_VARIABLE,
            help="stack.json of the local stack, or its folder; by default .local/ here or in the nearest parent.",
        ),
    ] = None,
) -> None:
    """Remember which stack; it is opened by the command that needs it, so that --help always works."""
    context.obj = (stack, state)


REFUSING = "AWS kept refusing some requests. Run the same command again: it continues where this one stopped."


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    try:
        app(arguments, prog_name="facesearch")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (Throttled, StillThereError):
        say(REFUSING)
    except (CommandError, FaceSearchError, StalledError, facesearch_client.ClientError, ValueError, OSError) as error:
        say(_line_of(error))
    except (StoreUnavailable, BotoCoreError, ClientError) as error:
        say(_refusal(error))
    return 1


def _refusal(error: Exception) -> str:
    match error.__cause__ or error:
        case NoCredentialsError():
            return "No AWS credentials were found: log in first, or set AWS_PROFILE."
        case NoRegionError():
            return "No AWS region was named: set AWS_REGION, or AWS_PROFILE to a profile that has one."
        case EndpointConnectionError() as lost:
            return f"The stack's stores do not respond: {lost} Is the stack still running?"
    return f"AWS refused: {error}"


def _line_of(error: Exception) -> str:
    text = str(error)
    if isinstance(error, MissingSetting):
        text = f"The stack has no output for {error.name}. Deploy it again with this version first."
    if isinstance(error, facesearch_client.ClientError) and error.status is not None:
        text = f"The API responded with {error.status}: {text}"
    if isinstance(error, facesearch_client.ClientError) and error.retryable:
        text = f"{text} To try again without a second search, add: --request-id {error.request_id}"
    return " ".join(text.split())


def main() -> None:
    """Entry point of the `facesearch` command."""
    code = run()
    if code == INTERRUPTED:
        say("Stopped.")
    sys.exit(code)
