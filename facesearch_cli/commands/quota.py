"""`facesearch quota …`."""

from collections.abc import Iterable
from typing import Annotated

import typer

from facesearch.admin.links import GuestLink
from facesearch.models import QuotaLimits
from facesearch_cli.commands.common import AsJson, OrgId, group, stack_of
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import print_json, results, say

app = group("Quota of an organisation's face searches; `org show` shows it.")
NAMED = 3
"""Links, of any number, in one line."""


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


def say_if_too_large(stack: Stack, org_id: int, links: Iterable[GuestLink]) -> None:
    """Say of which links the guests can use up the organisation's quota, so that other links find nothing."""
    own = stack.container.admin.org(org_id).quota
    most = own.per_minute if own is not None else stack.settings.search_quota_per_minute
    large = [link.link_id for link in links if not link.off and link.quota.per_minute >= most]
    if large:
        named = ", ".join(large[:NAMED]) + (f" and {len(large) - NAMED} more" if len(large) > NAMED else "")
        quota = f"the organisation's quota, {most} a minute"
        say(f"The guests of one link could use up {quota}: {named}. Raise it, or make links with a lower --per-minute.")


def _change(context: typer.Context, org_id: int, limits: QuotaLimits | None, *, as_json: bool) -> None:
    stack = stack_of(context)
    stack.container.admin.set_quota(org_id, limits)
    if as_json:
        print_json({"org_id": org_id, "quota": quota_json(limits)})
    else:
        results().print(f"Organisation {org_id}: {shown(limits)}")
    say_if_too_large(stack, org_id, stack.container.links.links(org_id))
