"""`facesearch callbacks …`."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from facesearch.errors import InvalidRequest
from facesearch.webhooks.callbacks.callback import Callback, CallbackStatus
from facesearch.webhooks.callbacks.replay import CallbackReplay
from facesearch_cli.commands.common import AsJson, OrgId, group, stack_of
from facesearch_cli.terminal import plural, print_json, print_lines, printable, results, say

app = group("Callbacks, which tell an organisation how the searches of its webhooks ended.")


@app.command("list")
def list_callbacks(
    context: typer.Context,
    org_id: OrgId,
    status: Annotated[CallbackStatus | None, typer.Option(help="Only those in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List an organisation's callbacks, oldest first."""
    rows = _desk(context, org_id).list(org_id, status)
    if as_json:
        print_json({"callbacks": [_json(row) for row in rows]})
        return
    kind = f"{status} callbacks" if status else "callbacks"
    print_lines(map(_line, rows), f"Organisation {org_id} has no {kind}.")


@app.command("replay")
def replay(
    context: typer.Context,
    org_id: OrgId,
    callback_ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CALLBACK_ID…]", help="Callbacks to send; by default all that were given up.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send callbacks again that were given up, or whose address was switched off; the address is switched on again."""
    wanted = [_callback_id(text) for text in callback_ids or ()]
    done = _desk(context, org_id).replay(org_id, wanted)
    if as_json:
        print_json(
            {
                "replayed": [str(each.key.callback_id) for each in done.callbacks],
                "unknown": [str(each) for each in done.unknown],
            }
        )
    else:
        results().print(f"{plural(len(done.callbacks), 'callback')} queued again.")
    for each in done.unknown:
        say(f"Organisation {org_id} has no undelivered callback {each}.")
    if done.unknown:
        raise typer.Exit(1)


def _desk(context: typer.Context, org_id: int) -> CallbackReplay:
    """The use cases, for an organisation that there is.

    Raises:
        NotFound: no such organisation.
    """
    container = stack_of(context).container
    container.admin.org(org_id)
    return container.callback_replay


def _line(row: Callback) -> str:
    tried = plural(row.attempts, "attempt") + (f": {row.reason}" if row.reason else "")
    return f"{row.key.callback_id}  {row.type}  {row.status}  {tried}  {printable(row.url)}"


def _json(row: Callback) -> dict[str, Any]:
    return {
        "callback_id": str(row.key.callback_id),
        "event_id": row.key.event_id,
        "request_id": str(row.request_id),
        "type": row.type,
        "url": row.url,
        "status": row.status,
        "attempts": row.attempts,
        "last_status": row.last_status or None,
        "reason": row.reason or None,
        "created_at": _time(row.created_at),
        "next_at": _time(row.next_at) if row.status is CallbackStatus.PENDING else None,
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _callback_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is not a callback_id.") from None
