"""`facesearch quota …`."""

from typing import Annotated

import typer

from facesearch.models import QuotaLimits
from facesearch_cli.commands.common import AsJson, OrgId, group, stack_of
from facesearch_cli.terminal import print_json, results

app = group("Quota of an organisation's face searches; `org show` shows it.")


@app.command("set")
def set_quota(
    context: typer.Context,
    org_id: OrgId,
    per_minute: Annotated[int, typer.Option(help="Searches per minute in the long run.")],
    burst: Annotated[int, typer.Option(help="Searches at once after a pause.")],
    as_json: AsJson = False,
) -> None:
    """Give an organisation a quota of its own, from the next search on."""
    _change(context, org_id, QuotaLimits(per_minute, burst), as_json=as_json)


@app.command("reset")
def reset_quota(context: typer.Context, org_id: OrgId, as_json: AsJson = False) -> None:
    """Give an organisation the deployment's quota again."""
    _change(context, org_id, None, as_json=as_json)


def shown(limits: QuotaLimits | None) -> str:
    """The quota in words; None is the deployment's."""
    if limits is None:
        return "the deployment's quota"
    return f"{limits.per_minute} searches a minute, {limits.burst} at once"


def quota_json(limits: QuotaLimits | None) -> dict[str, int] | None:
    """The quota as `--json` shows it."""
    return None if limits is None else {"per_minute": limits.per_minute, "burst": limits.burst}


def _change(context: typer.Context, org_id: int, limits: QuotaLimits | None, *, as_json: bool) -> None:
    stack_of(context).container.admin.set_quota(org_id, limits)
    if as_json:
        print_json({"org_id": org_id, "quota": quota_json(limits)})
    else:
        results().print(f"Organisation {org_id}: {shown(limits)}")
