"""`facesearch event …`."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Annotated

import typer

from facesearch.adapters.dynamodb.admin import DEFAULT_CONFIDENCE
from facesearch.admin.models import EventChanges
from facesearch.errors import InvalidRequest
from facesearch.models import REKOGNITION, Event, FaceSet, FaceSetKind, UpstreamEvent
from facesearch.records import Photo
from facesearch_cli.commands.common import AsJson, EventArgument, OrgId, Switch, group, stack_of, switch
from facesearch_cli.commands.erasing import delete_event
from facesearch_cli.commands.health import event_health
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import print_json, results

app = group("Events.")
app.command("delete")(delete_event)
app.command("health")(event_health)
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Day = Annotated[datetime | None, typer.Option("--date", formats=_DATES, help="Day of the event, or when it starts.")]


@app.command("create")
def create(
    context: typer.Context,
    name: str,
    org_id: OrgId,
    confidence: Annotated[
        int, typer.Option(help="Percent from 1 to 100: how sure a match must be.")
    ] = DEFAULT_CONFIDENCE,
    day: Day = None,
    faces: Annotated[FaceSetKind, typer.Option(help="Where its faces are kept.")] = FaceSetKind.EXACT,
    as_json: AsJson = False,
) -> None:
    """Create an event, open for selfie search; its day is today unless given."""
    stack = stack_of(context)
    days = stack.outputs.BiometricRetentionDays
    face_set = REKOGNITION if faces is FaceSetKind.REKOGNITION else FaceSet(kind=faces)
    table = stack.outputs.FacesTableName if faces is FaceSetKind.VECTORS else ""
    with ThreadPoolExecutor(1) as pool:
        if faces is not FaceSetKind.EXACT:
            stack.require_embedded("--faces")
            stack.face_sets(pool).require(faces)
        event_id = stack.admin.create_event(org_id, name, confidence, day, days, faces=face_set, vector_table=table)
        if face_set == REKOGNITION:  # if this fails, the first photo makes the collection
            stack.face_sets(pool).open(stack.event(event_id), face_set).complete()
    if as_json:
        print_json({"event_id": event_id})
    else:
        results().print(f"Event {event_id}")


@app.command("update")
def update(  # noqa: PLR0913, PLR0917 - a command's options, each by its name
    context: typer.Context,
    event_id: EventArgument,
    selfie_search: Annotated[Switch | None, typer.Option(help="Whether guests may search by selfie.")] = None,
    enabled: Annotated[Switch | None, typer.Option(help="Off: nothing but the event's metadata is answered.")] = None,
    confidence: Annotated[int | None, typer.Option(help="Percent from 1 to 100; searches from now on.")] = None,
    name: Annotated[str | None, typer.Option(help="Also makes a new slug.")] = None,
    day: Day = None,
    cover: Annotated[str | None, typer.Option(help="image_id of the photo that stands for the event.")] = None,
    retain_until: Annotated[
        str | None, typer.Option(help='YYYY-MM-DD: the last day on which faces are kept and searched; "" = for good.')
    ] = None,
    upstream: Annotated[
        str | None,
        typer.Option(help='ORG/EVENT: what the event is called at the upstream; "" = the same numbers as here.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change an event; what is not given stays."""
    stack = stack_of(context)
    changes: EventChanges = {}
    if selfie_search is not None:
        changes["selfie_search"] = selfie_search is Switch.ON
    if enabled is not None:
        changes["event_enabled"] = enabled is Switch.ON
    if confidence is not None:
        changes["confidence"] = confidence
    if name is not None:
        changes["name"] = name
    if day is not None:
        changes["date"] = day
    if cover is not None:
        changes["cover"] = _cover(stack, event_id, cover)
    changes |= _ended_by_nothing(retain_until, upstream)
    event = stack.admin.update_event(event_id, **changes)
    if as_json:
        print_json(_json(event))
    else:
        kept = f"faces in {event.faces.kind}"
        searched = f"selfie search {switch(event.selfie_search)}, confidence {event.confidence} %, {kept}"
        results().print(f"Event {event.event_id}: {switch(event.event_enabled)}, {searched}")


@app.command("list")
def list_events(context: typer.Context, org_id: OrgId, as_json: AsJson = False) -> None:
    """List an organisation's events, newest first."""
    rows = stack_of(context).admin.events(org_id)
    if as_json:
        shown = [
            {
                "event_id": row.event_id,
                "event_name": row.name,
                "event_slug": row.slug,
                "event_date": row.date,
                "event_enabled": row.event_enabled,
            }
            for row in rows
        ]
        print_json({"events": shown})
        return
    for row in rows:
        results().print(f"{row.event_id}  {row.date}  {switch(row.event_enabled):>3}  {row.name}")


def _json(event: Event) -> dict[str, object]:
    return {
        "event_id": event.event_id,
        "event_name": event.name,
        "event_slug": event.slug,
        "event_date": event.date,
        "event_enabled": event.event_enabled,
        "selfie_search": event.selfie_search,
        "confidence": event.confidence,
        "cover": str(event.cover) if event.cover else None,
        "retain_until": event.retain_until or None,
        "faces": event.faces.kind,
        "upstream": str(event.upstream) if event.upstream else None,
    }


def _ended_by_nothing(retain_until: str | None, upstream: str | None) -> EventChanges:
    """Changes by options whose empty text takes away what there was; None = the option was not given."""
    changes: EventChanges = {}
    if retain_until is not None:
        changes["retain_until"] = _last_day(retain_until)
    if upstream is not None:
        changes["upstream"] = _upstream_event(upstream)
    return changes


def _last_day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, wherever
    except ValueError:
        raise InvalidRequest("A last day is written YYYY-MM-DD.") from None


def _upstream_event(text: str) -> UpstreamEvent | None:
    try:
        return UpstreamEvent.of(text) if text else None
    except ValueError:
        raise InvalidRequest("An upstream's event is written ORG/EVENT, two numbers.") from None


def _cover(stack: Stack, event_id: int, text: str) -> uuid.UUID:
    try:
        image_id = uuid.UUID(text)
    except ValueError:
        raise InvalidRequest("A cover is the image_id of a photo.") from None
    photo: Photo | None = stack.photos.get(event_id, stack.event(event_id).shards, image_id)
    if photo is None or photo.status != "indexed":
        raise InvalidRequest(f"Event {event_id} has no such photo.")
    return image_id
