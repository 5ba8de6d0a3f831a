"""Events: created, changed, listed. An event is two items that change together: its configuration, which every request
reads, and its row in the organisation's list."""

import datetime as dt
import re
import time
import unicodedata
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from facesearch.admin.table import RefusedError, TableAdmin, checked_name, random_id
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import Event, EventRow
from facesearch.photos import SHARDS
from facesearch.store import schema
from facesearch.store.directory import row_from_item, row_of
from facesearch.store.reading import event_from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

DEFAULT_CONFIDENCE = 90
EVENTS_PER_ORG = 10_000
SLUG_LENGTH = 80
MODELS_UNDER_WAY = ("next_model", "previous_model")


class EventChanges(TypedDict, total=False):
    """What can be changed of an event."""

    name: str
    date: dt.date
    event_enabled: bool
    selfie_search: bool
    confidence: int
    cover: uuid.UUID | None
    retain_until: dt.date | None


class EventAdmin(TableAdmin):
    """The operator's use cases about events."""

    def create_event(
        self,
        org_id: int,
        name: str,
        confidence: int = DEFAULT_CONFIDENCE,
        event_date: dt.date | None = None,
        retention_days: int = 0,
    ) -> int:
        """A new event, open for selfie search, on a day that is today unless given.

        Its faces are kept for `retention_days` after that day; 0 = for good.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: the name is empty or too long, the confidence is no whole percent from 1 to 100, or the
                organisation has `EVENTS_PER_ORG` events already.
        """
        name = checked_name(name)
        _check_confidence(confidence)
        date = event_date or dt.datetime.now(dt.UTC).date()
        while True:
            event = Event(
                event_id=random_id(),
                org_id=org_id,
                name=name,
                selfie_search=True,
                event_enabled=True,
                confidence=confidence,
                shards=SHARDS,
                slug=slug_of(name),
                date=date.isoformat(),
                created_at=time.time_ns() // 1000,
                retain_until=(date + dt.timedelta(retention_days)).isoformat() if retention_days else "",
            )
            try:
                self._together(
                    [
                        self._count(org_id, "events", 1, EVENTS_PER_ORG),
                        self._put(_item(event), "attribute_not_exists(pk)"),
                        self._put(row_of(event)),
                        *([self._put(_retention(event))] if event.retain_until else []),
                    ]
                )
            except RefusedError as refused:
                if refused.position == 0:
                    raise self._why_no_more(org_id) from None
            else:
                return event.event_id

    def update_event(self, event_id: int, **changes: Unpack[EventChanges]) -> Event:
        """Change what is given, leave the rest; the next request sees it.

        Raises:
            NotFound: no such event.
            InvalidRequest: nothing to change, or a value that `create_event` would refuse too.
        """
        given: dict[str, Any] = dict(changes)
        if not given:
            raise InvalidRequest("Nothing to change was given.")
        if "confidence" in changes:
            _check_confidence(changes["confidence"])
        if "name" in changes:
            given["name"] = checked_name(changes["name"])
            given["slug"] = slug_of(given["name"])
        if "date" in changes:
            given["date"] = changes["date"].isoformat()
        if "retain_until" in changes:
            until = changes["retain_until"]
            given["retain_until"] = until.isoformat() if until else ""
        while True:
            before = self.event(event_id)
            if before is None:
                raise NotFound(f"There is no event {event_id}.")
            if before.closing:
                raise InvalidRequest(f"Event {event_id} is being deleted.")
            after = replace(before, **given)
            try:
                self._together(self._replacing(before, after))
            except RefusedError:  # somebody else changed it a moment ago
                continue
            return after

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""
        item = self._read(schema.event_key(event_id))
        return event_from_item(item) if item is not None else None

    def events(self, org_id: int) -> list[EventRow]:
        """The organisation's events, newest first.

        Raises:
            NotFound: no such organisation.
        """
        if self._read(schema.org_key(org_id)) is None:
            raise NotFound(f"There is no organisation {org_id}.")
        return [row_from_item(item) for item in reversed(self._list(schema.org_pk(org_id), schema.EVENTS))]

    def _replacing(self, before: Event, after: Event) -> "list[TransactWriteItemTypeDef]":
        unchanged = {f":{name}": value for name, value in _settings(before).items()}
        # What may be absent is written by others than `update_event`: a change of it must not be lost either.
        counted = "attribute_not_exists(closing) AND (attribute_not_exists(erasures) OR erasures = :erasures)"
        kept = {f":{name}": schema.s(getattr(before, name)) for name in MODELS_UNDER_WAY if getattr(before, name)}
        for name in MODELS_UNDER_WAY:
            counted += f" AND {name} = :{name}" if f":{name}" in kept else f" AND attribute_not_exists({name})"
        put = self._put(_item(after), " AND ".join([*(f"#{name[1:]} = {name}" for name in unchanged), counted]))
        put["Put"] |= {
            "ExpressionAttributeNames": {f"#{name[1:]}": name[1:] for name in unchanged},
            "ExpressionAttributeValues": unchanged | kept | {":erasures": schema.n(before.erasures)},
        }
        row, old_row = row_of(after), row_of(before)
        moved = (row["pk"], row["sk"]) != (old_row["pk"], old_row["sk"])
        old_key = {"pk": old_row["pk"], "sk": old_row["sk"]}
        return [put, self._put(row), *([self._delete(old_key)] if moved else []), *self._retaining(before, after)]

    def _retaining(self, before: Event, after: Event) -> "list[TransactWriteItemTypeDef]":
        """The list of events by their last day follows; an event whose faces are gone is not on it any more, and comes
        back with a new day only."""
        if before.retain_until == after.retain_until:
            return []
        writes = [self._put(_retention(after))] if after.retain_until else []
        if before.retain_until:
            writes.append(self._delete(schema.retention_key(before.retain_until, before.event_id)))
        return writes

    def _why_no_more(self, org_id: int) -> NotFound | InvalidRequest:
        if self._read(schema.org_key(org_id)) is None:
            return NotFound(f"There is no organisation {org_id}.")
        return InvalidRequest(f"Organisation {org_id} has {EVENTS_PER_ORG} events already, which is the most.")


def slug_of(name: str) -> str:
    """The name as it may stand in a URL: ASCII letters, digits and hyphens; "event" if nothing of it may."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_LENGTH].strip("-") or "event"


def _item(event: Event) -> "schema.Key":
    item = schema.event_key(event.event_id) | _settings(event)
    item |= {
        "event_id": schema.n(event.event_id),
        "org_id": schema.n(event.org_id),
        "shards": schema.n(event.shards),
        "created_at": schema.n(event.created_at),
        "erasures": schema.n(event.erasures),
        "model": schema.s(event.model),
    }
    for name in MODELS_UNDER_WAY:
        if model := getattr(event, name):
            item[name] = schema.s(model)
    if event.retain_until:
        item["retain_until"] = schema.s(event.retain_until)
    return item | ({"cover": schema.s(str(event.cover))} if event.cover is not None else {})


def _settings(event: Event) -> "schema.Key":
    """What an operator can change, but for the cover, which may be absent."""
    return {
        "name": schema.s(event.name),
        "slug": schema.s(event.slug),
        "event_date": schema.s(event.date),
        "event_enabled": schema.flag(event.event_enabled),
        "selfie_search": schema.flag(event.selfie_search),
        "confidence": schema.n(event.confidence),
    }


def _retention(event: Event) -> "schema.Key":
    return schema.retention_key(event.retain_until, event.event_id) | {"event_id": schema.n(event.event_id)}


def _check_confidence(confidence: int) -> None:
    if not 1 <= confidence <= 100:
        raise InvalidRequest("A confidence is a whole percent from 1 to 100.")
