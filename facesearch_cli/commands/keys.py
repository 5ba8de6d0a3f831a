"""`facesearch key …`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from facesearch.admin.models import KeyRow
from facesearch.models import KEY_SCOPES, Scope
from facesearch_cli.commands.common import AsJson, OrgId, group, stack_of
from facesearch_cli.keys import remember
from facesearch_cli.terminal import print_json, print_lines, results, say

app = group("API keys of an organisation.")
KeyArgument = Annotated[str, typer.Argument(metavar="KEY_ID", show_default=False)]


@app.command("create")
def create(
    context: typer.Context,
    org_id: OrgId,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What the key may do; repeat it for several. By default search and read.")
    ] = None,
    days: Annotated[int | None, typer.Option("--expires-in-days", help="By default the key never expires.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key. It is shown only once: keep it."""
    stack = stack_of(context)
    created = stack.container.admin.create_key(org_id, scope or KEY_SCOPES, days)
    if not scope or set(scope) == set(KEY_SCOPES):
        remember(stack, org_id, created.api_key)
    if as_json:
        print_json({"key_id": created.key_id, "api_key": created.api_key})
    else:
        results().print(f"Key {created.key_id}: {created.api_key}")
        say("It is not shown again.")


@app.command("list")
def list_keys(context: typer.Context, org_id: OrgId, as_json: AsJson = False) -> None:
    """List an organisation's keys, each by its first five characters."""
    rows = stack_of(context).container.admin.keys(org_id)
    if as_json:
        print_json({"keys": [_json(row) for row in rows]})
        return
    print_lines(map(_line, rows), f"Organisation {org_id} has no keys.")


@app.command("deactivate")
def deactivate(context: typer.Context, key_id: KeyArgument, org_id: OrgId, as_json: AsJson = False) -> None:
    """Deactivate a key. Its very next request is refused."""
    _switch(context, key_id, org_id, active=False, as_json=as_json)


@app.command("activate")
def activate(context: typer.Context, key_id: KeyArgument, org_id: OrgId, as_json: AsJson = False) -> None:
    """Activate a key again."""
    _switch(context, key_id, org_id, active=True, as_json=as_json)


@app.command("delete")
def delete(context: typer.Context, key_id: KeyArgument, org_id: OrgId, as_json: AsJson = False) -> None:
    """Delete a key for good. Its very next request is refused."""
    stack_of(context).container.admin.delete_key(org_id, key_id)
    if as_json:
        print_json({"key_id": key_id, "deleted": True})
    else:
        results().print(f"Key {key_id}: deleted")


def _switch(context: typer.Context, key_id: str, org_id: int, *, active: bool, as_json: bool) -> None:
    stack_of(context).container.admin.switch_key(org_id, key_id, active=active)
    if as_json:
        print_json({"key_id": key_id, "active": active})
    else:
        results().print(f"Key {key_id}: {'active' if active else 'inactive'}")


def _line(row: KeyRow) -> str:
    state = "active" if row.active else "inactive"
    end = f", until {_time(row.expires_at)}" if row.expires_at else ""
    return f"{row.key_id}  {row.api_key}  {state}, {' and '.join(sorted(row.scopes))}{end}"


def _json(row: KeyRow) -> dict[str, object]:
    return {
        "key_id": row.key_id,
        "api_key": row.api_key,
        "active": row.active,
        "scopes": sorted(row.scopes),
        "created_at": row.created_at,
        "expires_at": _time(row.expires_at) if row.expires_at else None,
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
