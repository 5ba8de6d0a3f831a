"""Options and helpers that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer

from facesearch_cli.stack import Stack, open_stack

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
OrgId = Annotated[int, typer.Option("--org", metavar="ORG", help="Number of the organisation.")]
EventId = Annotated[int, typer.Option("--event", metavar="EVENT", help="Number of the event.")]
EventArgument = Annotated[int, typer.Argument(metavar="EVENT", show_default=False)]


class Switch(StrEnum):
    """A feature of an event."""

    ON = "on"
    OFF = "off"


def group(about: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(help=about, no_args_is_help=True)


def stack_of(context: typer.Context) -> Stack:
    """The stack that was chosen; opened only now, so that --help always works."""
    return open_stack(*context.find_root().obj)


def switch(on: bool) -> Switch:
    """The word for it."""
    return Switch.ON if on else Switch.OFF
