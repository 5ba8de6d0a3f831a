"""`facesearch search …`."""

from pathlib import Path
from typing import Annotated

import typer

import facesearch_client
from facesearch_cli.commands.common import AsJson, EventId, group, stack_of
from facesearch_cli.commands.deletion import delete_search
from facesearch_cli.keys import key_for
from facesearch_cli.terminal import plural, print_json, printable, results

app = group("Face searches in an event.")
app.command("delete")(delete_search)


@app.command("run")
def run_search(  # noqa: PLR0913, PLR0917 - a command's options, each by its name
    context: typer.Context,
    selfies: Annotated[
        list[Path],
        typer.Argument(
            metavar="SELFIE",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
            help="A picture of the person; up to three.",
        ),
    ],
    event_id: EventId,
    page: Annotated[int, typer.Option(help="Number of the page, from 1.")] = 1,
    page_size: Annotated[int, typer.Option(help="Photos per page, at most 100.")] = facesearch_client.PAGE_SIZE,
    request_id: Annotated[str | None, typer.Option(help="UUID of the search; by default a new one.")] = None,
    downscale: Annotated[
        int | None,
        typer.Option(min=1, help="Send a copy whose longer side has at most this many pixels, for example 1600."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="FACESEARCH_API_KEY", help="API key; the local stack needs none.", show_envvar=True),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search an event for the person in one to three selfies. --json prints the response of the API, even an error."""
    stack = stack_of(context)
    event = stack.event(event_id)
    api_key = key or key_for(stack, event.org_id)
    try:
        with facesearch_client.FaceSearchClient(stack.api_url, api_key, event.org_id, transport=stack.transport) as api:
            response = api.search(event_id, selfies, request_id, page, page_size, downscale=downscale)
    except facesearch_client.ClientError as error:
        if as_json and error.envelope is not None:
            print_json(error.envelope)
        raise
    if as_json:
        print_json(response.body)
    else:
        _show(response)


def _show(response: facesearch_client.FaceSearchResponse) -> None:
    data, pagination = response.body["data"], response.pagination
    out = results()
    for image in response.images:
        size = f"{image['width']} x {image['height']}" if image["width"] and image["height"] else "?"
        out.print(f"{image['image_id']}  {size:>13}  {printable(image['img_url'])}")
    found = f"{plural(pagination['total'], 'photo')} at confidence {data['confidence_percentage']}"
    where = f"page {pagination['currentPage']} of {pagination['totalPages']}"
    out.print(f"{found}, {where}{', replayed' if response.replayed else ''}")
    out.print(f"request_id {response.request_id}")
