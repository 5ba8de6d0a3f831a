"""`facesearch org …`."""

from typing import Annotated

import typer

from facesearch.errors import InvalidRequest
from facesearch.search.quota import QuotaLimits
from facesearch_cli.commands.common import AsJson, group, stack_of
from facesearch_cli.terminal import plural, print_json, results

app = group("Organisations.")
OrgArgument = Annotated[int, typer.Argument(metavar="ORG", show_default=False)]


@app.command("create")
def create(context: typer.Context, name: str, as_json: AsJson = False) -> None:
    """Create an organisation; its number is made for it."""
    org_id = stack_of(context).container.admin.create_org(name)
    if as_json:
        print_json({"org_id": org_id})
    else:
        results().print(f"Organisation {org_id}")


@app.command("show")
def show(context: typer.Context, org_id: OrgArgument, as_json: AsJson = False) -> None:
    """Show an organisation and its quota."""
    org = stack_of(context).container.admin.org(org_id)
    quota = None if org.quota is None else {"per_minute": org.quota.per_minute, "burst": org.quota.burst}
    if as_json:
        print_json({"org_id": org_id, "name": org.name, "keys": org.keys, "events": org.events, "quota": quota})
    else:
        own = "the deployment's quota" if org.quota is None else _shown(org.quota)
        counts = f"{plural(org.keys, 'key')}, {plural(org.events, 'event')}"
        results().print(f"Organisation {org_id}: {org.name}; {counts}; {own}")


@app.command("quota")
def set_quota(
    context: typer.Context,
    org_id: OrgArgument,
    per_minute: Annotated[int | None, typer.Option(help="Face matches per minute in the long run.")] = None,
    burst: Annotated[int | None, typer.Option(help="Face matches at once after a rest.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="The deployment's quota again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give an organisation a quota of its own, for searches from now on."""
    if reset == (per_minute is not None or burst is not None) or (not reset and None in (per_minute, burst)):
        raise InvalidRequest("Give both --per-minute and --burst, or --reset.")
    limits = None if per_minute is None or burst is None else QuotaLimits(per_minute, burst)
    stack_of(context).container.admin.set_quota(org_id, limits)
    if as_json:
        quota = None if limits is None else {"per_minute": limits.per_minute, "burst": limits.burst}
        print_json({"org_id": org_id, "quota": quota})
    else:
        own = "the deployment's quota" if limits is None else _shown(limits)
        results().print(f"Organisation {org_id}: {own}")


def _shown(limits: QuotaLimits) -> str:
    return f"{limits.per_minute} searches a minute, {limits.burst} at once"
