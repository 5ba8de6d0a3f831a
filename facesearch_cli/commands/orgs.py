"""`facesearch org …`."""

from typing import Annotated

import typer

from facesearch_cli.commands.common import AsJson, group, stack_of
from facesearch_cli.commands.quota import quota_json, shown
from facesearch_cli.terminal import plural, print_json, results

app = group("Organisations.")
OrgArgument = Annotated[int, typer.Argument(metavar="ORG", show_default=False)]


@app.command("create")
def create(context: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Create an organisation and print its number."""
    org_id = stack_of(context).container.admin.create_org(name)
    if as_json:
        print_json({"org_id": org_id})
    else:
        results().print(f"Organisation {org_id}")


@app.command("show")
def show(context: typer.Context, org_id: OrgArgument, as_json: AsJson = False) -> None:
    """Show an organisation and its quota."""
    org = stack_of(context).container.admin.org(org_id)
    if as_json:
        quota = quota_json(org.quota)
        print_json({"org_id": org_id, "name": org.name, "keys": org.keys, "events": org.events, "quota": quota})
    else:
        counts = f"{plural(org.keys, 'key')}, {plural(org.events, 'event')}"
        results().print(f"Organisation {org_id}: {org.name}; {counts}; {shown(org.quota)}")
