"""`facesearch event …`."""

import uuid
from datetime import UTC, date, datetime
from typing import Annotated, cast

import typer

from facesearch.admin.models import DEFAULT_CONFIDENCE, EventChanges
from facesearch.api.presenters import start_of
from facesearch.errors import InvalidRequest
from facesearch.models import REKOGNITION, Event, FaceSet, FaceSetKind, UpstreamEvent
from facesearch.records import Photo
from facesearch_cli.commands import features, guest_page, watermark
from facesearch_cli.commands.check import check_event
from facesearch_cli.commands.common import AsJson, EventArgument, OrgId, Switch, group, stack_of, switch
from facesearch_cli.commands.deletion import delete_event
from facesearch_cli.commands.guest_page import PageOptions, page_json, page_line
from facesearch_cli.commands.links import render_links
from facesearch_cli.commands.watermark import WatermarkOptions
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import print_json, print_lines, results, say

app = group("Events.")
app.command("delete")(delete_event)
app.command("check")(check_event)
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Day = Annotated[
    datetime | None, typer.Option("--date", formats=_DATES, help="Day of the event, or the time when it starts.")
]


@app.command("create")
def create(  # noqa: PLR0913, PLR0917 - a command's options, each by its name
    context: typer.Context,
    name: str,
    org_id: OrgId,
    confidence: Annotated[
        int, typer.Option(help="Percent from 1 to 100: how sure a match must be.")
    ] = DEFAULT_CONFIDENCE,
    day: Day = None,
    faces: Annotated[FaceSetKind, typer.Option(help="Where its faces are kept.")] = FaceSetKind.EXACT,
    bib_search: features.BibSearch = None,
    timeline_search: features.TimelineSearch = None,
    time_zone: features.TimeZone = None,
    as_json: AsJson = False,
) -> None:
    """Create an event, open for selfie search. By default its day is today."""
    stack = stack_of(context)
    days = stack.settings.biometric_retention_days
    face_set = REKOGNITION if faces is FaceSetKind.REKOGNITION else FaceSet(kind=faces)
    table = stack.settings.faces_table_name if faces is FaceSetKind.VECTORS else ""
    if bib_search is Switch.ON:
        stack.require_embedded("--bib-search")
    if faces is not FaceSetKind.EXACT:
        stack.require_embedded("--faces")
        stack.container.face_sets.require(faces)
    event_id = stack.container.admin.create_event(
        org_id,
        name,
        confidence,
        day,
        days,
        faces=face_set,
        vector_table=table,
        features=features.features_of(bib_search, timeline_search, time_zone),
    )
    if face_set == REKOGNITION:  # if this fails, the first photo makes the collection
        stack.container.face_sets.open(stack.event(event_id), face_set).complete()
    if as_json:
        print_json({"event_id": event_id})
    else:
        results().print(f"Event {event_id}")


@app.command("update")
def update(  # noqa: PLR0913, PLR0917 - a command's options, each by its name
    context: typer.Context,
    event_id: EventArgument,
    selfie_search: Annotated[Switch | None, typer.Option(help="Whether guests may search by selfie.")] = None,
    enabled: Annotated[
        Switch | None, typer.Option(help="Off: the API serves nothing but the event's metadata.")
    ] = None,
    confidence: Annotated[int | None, typer.Option(help="Percent from 1 to 100, for new searches.")] = None,
    name: Annotated[str | None, typer.Option(help="New name; the slug follows it.")] = None,
    day: Day = None,
    cover: Annotated[str | None, typer.Option(help="image_id of the cover photo.")] = None,
    retain_until: Annotated[
        str | None,
        typer.Option(help='YYYY-MM-DD: the last day on which faces are kept and searched; "" for no last day.'),
    ] = None,
    upstream: Annotated[
        str | None,
        typer.Option(help='ORG/EVENT: the numbers of the event at the upstream; "" if they are the same as here.'),
    ] = None,
    bib_search: features.BibSearch = None,
    bibs: features.Bibs = None,
    bib_pattern: features.BibPattern = None,
    bibs_from_faces: features.BibsFromFaces = None,
    timeline_search: features.TimelineSearch = None,
    time_zone: features.TimeZone = None,
    organiser: guest_page.Organiser = None,
    privacy_url: guest_page.PrivacyUrl = None,
    consent: guest_page.Consent = None,
    consent_text: guest_page.ConsentText = None,
    locale: guest_page.Locale = None,
    accent: guest_page.Accent = None,
    photos_complete: guest_page.PhotosComplete = None,
    end_tokens: guest_page.EndTokens = False,
    mark: watermark.Mark = None,
    mark_place: watermark.Place = None,
    mark_size: watermark.Size = None,
    mark_opacity: watermark.Opacity = None,
    wait: watermark.Wait = True,
    as_json: AsJson = False,
) -> None:
    """Change an event. What you do not give stays as it is."""
    stack = stack_of(context)
    _require_engines(stack, upstream, bib_search)
    given = {
        "selfie_search": _is_on(selfie_search),
        "event_enabled": _is_on(enabled),
        "confidence": confidence,
        "name": name,
        "date": day,
        "cover": None if cover is None else _cover(stack, event_id, cover),
        "tokens_since": stack.container.clock() if end_tokens else None,
        **features.features_of(bib_search, timeline_search, time_zone),
    }
    changes = cast("EventChanges", {field: value for field, value in given.items() if value is not None})
    changes |= _ended_by_nothing(retain_until, upstream)
    if page := PageOptions(organiser, privacy_url, consent, consent_text, locale, accent, photos_complete):
        changes["guest_page"] = page.changed(stack.event(event_id).guest_page)
    if marking := WatermarkOptions(mark, mark_place, mark_size, mark_opacity):
        stack.require_embedded("--watermark")
        changes["watermark"] = marking.changed(stack, stack.event(event_id))
    listed = features.listed_by(bibs, bib_pattern)
    changes |= features.bib_changes(stack, event_id, bib_pattern, bibs_from_faces)
    admin = stack.container.admin
    event = admin.update_event(event_id, **changes) if changes or listed is None else stack.event(event_id)
    if listed is not None:  # last, when nothing of the rest was refused
        event = admin.give_start_list(event_id, listed)
    render_links(stack, event)
    unread = features.read_unread(stack, event) if bib_search is Switch.ON else {}
    rendered = watermark.render_again(stack, event_id, wait=wait) if marking else None
    if as_json:
        print_json(_json(event) | unread | ({"previews": rendered.to_json()} if rendered is not None else {}))
    else:
        _tell(event)
        if rendered is not None:
            watermark.tell_rendered(event, rendered)
        if end_tokens:
            say("All publishable tokens of the event have ended. Its links need new ones.")
    if rendered is not None and rendered.failed:
        raise typer.Exit(1)


def _tell(event: Event) -> None:
    kept = f"faces in {event.faces.kind}"
    searched = f"selfie search {switch(event.selfie_search)}, confidence {event.confidence} %, {kept}"
    results().print(f"Event {event.event_id}: {switch(event.event_enabled)}, {searched}")
    results().print(f"Features: {features.features_line(event)}")
    if line := page_line(event):
        results().print(f"Guests' page: {line}")
    if line := watermark.watermark_line(event):
        results().print(f"Watermark: {line}")


@app.command("list")
def list_events(context: typer.Context, org_id: OrgId, as_json: AsJson = False) -> None:
    """List an organisation's events, newest first."""
    rows = stack_of(context).container.admin.events(org_id)
    if as_json:
        shown = [
            {
                "event_id": row.event_id,
                "event_name": row.name,
                "event_slug": row.slug,
                "event_date": start_of(row.date),
                "event_enabled": row.event_enabled,
            }
            for row in rows
        ]
        print_json({"events": shown})
        return
    lines = [f"{row.event_id}  {row.date}  {switch(row.event_enabled):>3}  {row.name}" for row in rows]
    print_lines(lines, f"Organisation {org_id} has no events.")


def _json(event: Event) -> dict[str, object]:
    return {
        "event_id": event.event_id,
        "event_name": event.name,
        "event_slug": event.slug,
        "event_date": start_of(event.date),
        "event_enabled": event.event_enabled,
        "selfie_search": event.selfie_search,
        "confidence": event.confidence,
        "cover": str(event.cover) if event.cover else None,
        "retain_until": event.retain_until or None,
        "faces": event.faces.kind,
        "upstream": str(event.upstream) if event.upstream else None,
        **features.features_json(event),
        "guest_page": page_json(event),
        "watermark": watermark.watermark_json(event),
    }


def _is_on(given: Switch | None) -> bool | None:
    return None if given is None else given is Switch.ON


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
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, wherever
    except ValueError:
        raise InvalidRequest("--retain-until takes a day, YYYY-MM-DD.") from None
    if day < (today := datetime.now(UTC).date()):
        raise InvalidRequest(f"--retain-until takes today, {today} (UTC), or a later day: {day} is over.")
    return day


def _upstream_event(text: str) -> UpstreamEvent | None:
    try:
        return UpstreamEvent.of(text) if text else None
    except ValueError:
        raise InvalidRequest("--upstream takes ORG/EVENT, two numbers.") from None


def _require_engines(stack: Stack, upstream: str | None, bib_search: Switch | None) -> None:
    if bib_search is Switch.ON:
        stack.require_embedded("--bib-search")
    if upstream and stack.settings.engine != "upstream":
        raise CommandError(f"--upstream works with the upstream engine only; {stack.name!r} uses embedded.")


def _cover(stack: Stack, event_id: int, text: str) -> uuid.UUID:
    try:
        image_id = uuid.UUID(text)
    except ValueError:
        raise InvalidRequest("--cover takes the image_id of a photo.") from None
    photo: Photo | None = stack.container.photos.get(event_id, stack.event(event_id).shards, image_id)
    if photo is None or photo.status != "indexed":
        raise InvalidRequest(f"Event {event_id} has no indexed photo {image_id}.")
    return image_id
