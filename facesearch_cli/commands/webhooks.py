"""`facesearch webhook secret …`."""

from typing import Annotated

import typer

from facesearch_cli.commands.common import AsJson, OrgId, group, stack_of
from facesearch_cli.terminal import print_json, print_lines, results, say

app = group("Webhooks of an organisation.")
secret = group("Secrets that sign webhooks and callbacks; two at most, so that you can replace one.")
app.add_typer(secret, name="secret")


@secret.command("create")
def create(context: typer.Context, org_id: OrgId, as_json: AsJson = False) -> None:
    """Create a secret. It is shown only once: keep it."""
    created = stack_of(context).container.admin.create_webhook_secret(org_id)
    if as_json:
        print_json({"secret_id": created.secret_id, "secret": created.secret})
    else:
        results().print(f"Secret {created.secret_id}: {created.secret}")
        say("It is not shown again.")


@secret.command("list")
def list_secrets(context: typer.Context, org_id: OrgId, as_json: AsJson = False) -> None:
    """List an organisation's secrets, oldest first, without their values."""
    secrets = stack_of(context).container.admin.webhook_secrets(org_id)
    if as_json:
        print_json({"secrets": [{"secret_id": each.secret_id, "created_at": each.created_at} for each in secrets]})
        return
    lines = [f"{each.secret_id}  since {each.created_at}" for each in secrets]
    print_lines(lines, f"Organisation {org_id} has no webhook secrets.")


@secret.command("delete")
def delete(
    context: typer.Context,
    secret_id: Annotated[str, typer.Argument(metavar="SECRET_ID", show_default=False)],
    org_id: OrgId,
    as_json: AsJson = False,
) -> None:
    """Delete a secret for good. The very next webhook that it alone has signed is refused."""
    stack_of(context).container.admin.delete_webhook_secret(org_id, secret_id)
    if as_json:
        print_json({"secret_id": secret_id, "deleted": True})
    else:
        results().print(f"Secret {secret_id}: deleted")
