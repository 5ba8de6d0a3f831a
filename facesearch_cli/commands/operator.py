"""`facesearch operator`."""

from contextlib import suppress
from typing import Annotated

import typer

from facesearch_cli.commands.common import AsJson, stack_of
from facesearch_cli.terminal import print_json, results


def operator_view(
    context: typer.Context,
    org_id: Annotated[
        int | None, typer.Option("--org", metavar="ORG", help="Number of the organisation that is shown first.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1 to listen on; 0 = any free one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show events, photos, searches, queues and the last errors in a browser on this machine; change nothing.

    Prints the address and serves until Ctrl-C.
    """
    stack = stack_of(context)
    from facesearch_cli.operator.serving import serve
    from facesearch_cli.operator.view import OperatorView

    def tell(url: str) -> None:
        if as_json:
            print_json({"url": url})
        else:
            results().print(f"The operator's view of {stack.name}: {url}\nStop it with Ctrl-C.")

    with stack.container, suppress(KeyboardInterrupt):
        serve(OperatorView(lambda: stack, org_id), port, tell)
