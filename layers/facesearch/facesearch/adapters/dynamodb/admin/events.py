"""Events: created, changed, listed. An event is two items that change together: its configuration, which every request
reads, and its row in the organisation's list."""

import datetime as dt
import re
import time
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.face_sets import face_sets_of
from facesearch.adapters.dynamodb.admin.table import RefusedError, TableAdmin, checked_name, random_id
from facesearch.adapters.dynamodb.directory import row_from_item, row_of
from facesearch.adapters.dynamodb.reading import event_from_item
from facesearch.admin.models import DEFAULT_CONFIDENCE, EventChanges
from facesearch.admin.ports import EventSettings
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import Event, EventRow, FaceSet
from facesearch.records import SHARDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

EVENTS_PER_ORG = 10_000
SLUG_LENGTH = 80
_OPTIONAL = ("cover", "retain_until", "upstream")


class EventAdmin(TableAdmin, EventSettings):
    """The operator's use cases about events."""

    def create_event(
        self,
        org_id: int,
        name: str,
        confidence: int = DEFAULT_CONFIDENCE,
        event_date: dt.date | None = None,
        retention_days: int = 0,
        *,
        faces: FaceSet | None = None,
        vector_table: str = "",
    ) -> int:
        """A new event, open for selfie search, on a day that is today unless given.

        A `datetime` in place of the day also says when it starts.

        Its faces are kept for `retention_days` after that day; 0 = for good. `faces`: its live face set, if not that of
        the default; of kind `vectors` in `vector_table`.

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
                date=_text_of(date),
                created_at=time.time_ns() // 1000,
                retain_until=_last_day(date, retention_days) if retention_days else "",
                faces=faces or FaceSet(),
                vector_table=vector_table,
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

    @override
    def update_event(self, event_id: int, **changes: Unpack[EventChanges]) -> Event:
        given = _given(changes)
        while True:
            before = self.event(event_id)
            if before is None:
                raise NotFound(f"There is no event {event_id}.")
            if before.closing:
                raise InvalidRequest(f"Event {event_id} is being deleted.")
            after = replace(before, **given)
            try:
                self._together(self._replacing(before, after))
            except RefusedError as refused:
                if refused.position == 0:  # somebody else changed it a moment ago
                    continue
                raise InvalidRequest(f"Another event already searches the upstream's event {after.upstream}.") from None
            return after

    @override
    def event(self, event_id: int) -> Event | None:
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
        """Only what an operator changes is written: others write other attributes of the event meanwhile."""
        was = {f":was_{name}": value for name, value in _settings(before).items()}
        conditions = [f"#{name[5:]} = {name}" for name in was]
        conditions += [f"attribute_not_exists({name})" for name in _OPTIONAL if f":was_{name}" not in was]
        conditions.append("attribute_not_exists(closing)")
        wanted = _settings(after)
        row, old_row = row_of(after), row_of(before)
        moved = (row["pk"], row["sk"]) != (old_row["pk"], old_row["sk"])
        old_key = {"pk": old_row["pk"], "sk": old_row["sk"]}
        gone = [name for name in _OPTIONAL if f":was_{name}" in was and name not in wanted]
        update = self._set(schema.event_key(before.event_id), **wanted)
        update["Update"] |= {
            "UpdateExpression": update["Update"]["UpdateExpression"] + (f" REMOVE {', '.join(gone)}" if gone else ""),
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": {f"#{name}": name for name in {*wanted, *gone}},
            "ExpressionAttributeValues": {f":{name}": value for name, value in wanted.items()} | was,
        }
        return [
            update,
            self._put(row),
            *([self._delete(old_key)] if moved else []),
            *self._retaining(before, after),
            *self._mapping(before, after),
        ]

    def _retaining(self, before: Event, after: Event) -> "list[TransactWriteItemTypeDef]":
        """The list of events by their last day follows; an event whose faces are gone is not on it any more, and comes
        back with a new day only."""
        if before.retain_until == after.retain_until:
            return []
        writes = [self._put(_retention(after))] if after.retain_until else []
        if before.retain_until:
            writes.append(self._delete(schema.retention_key(before.retain_until, before.event_id)))
        return writes

    def _mapping(self, before: Event, after: Event) -> "list[TransactWriteItemTypeDef]":
        """No two events search the same one of the upstream's: there, one request_id would be one search for both."""
        if before.upstream == after.upstream:
            return []
        writes = [self._delete(schema.upstream_key(before.upstream))] if before.upstream is not None else []
        if after.upstream is not None:
            claim = schema.upstream_key(after.upstream) | {"event_id": schema.n(after.event_id)}
            writes.append(self._put(claim, "attribute_not_exists(pk)"))
        return writes

    def _why_no_more(self, org_id: int) -> NotFound | InvalidRequest:
        if self._read(schema.org_key(org_id)) is None:
            return NotFound(f"There is no organisation {org_id}.")
        return InvalidRequest(f"Organisation {org_id} has {EVENTS_PER_ORG} events already, the most it may have.")


def _given(changes: EventChanges) -> dict[str, Any]:
    """The changes as an event has them."""
    given: dict[str, Any] = dict(changes)
    if not given:
        raise InvalidRequest("There is nothing to change.")
    if "confidence" in changes:
        _check_confidence(changes["confidence"])
    if "name" in changes:
        given["name"] = checked_name(changes["name"])
        given["slug"] = slug_of(given["name"])
    if "date" in changes:
        given["date"] = _text_of(changes["date"])
    if "retain_until" in changes:
        until = changes["retain_until"]
        given["retain_until"] = until.isoformat() if until else ""
    return given


def _text_of(date: dt.date) -> str:
    """An event's date as it is stored: YYYY-MM-DD, and Thh:mm:ss behind it if it starts at another time than midnight.

    Both sort by time among each other, for they are the beginning of a sort key and "#" comes before "T".
    """
    if not isinstance(date, dt.datetime):
        return date.isoformat()
    start = date.replace(tzinfo=None, microsecond=0)
    return start.isoformat() if start.time() != dt.time() else start.date().isoformat()


def _last_day(date: dt.date, retention_days: int) -> str:
    day = date.date() if isinstance(date, dt.datetime) else date
    return (day + dt.timedelta(retention_days)).isoformat()


def slug_of(name: str) -> str:
    """The name as it may stand in a URL: ASCII letters, digits and hyphens; "event" if nothing of it may."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_LENGTH].strip("-") or "event"


def _item(event: Event) -> "schema.Key":
    fixed = {
        "event_id": schema.n(event.event_id),
        "org_id": schema.n(event.org_id),
        "shards": schema.n(event.shards),
        "created_at": schema.n(event.created_at),
        "erasures": schema.n(event.erasures),
    }
    return schema.event_key(event.event_id) | _settings(event) | face_sets_of(event) | fixed


def _settings(event: Event) -> "schema.Key":
    """What an operator can change; some of it is absent where nothing was chosen, see `_OPTIONAL`."""
    settings = {
        "name": schema.s(event.name),
        "slug": schema.s(event.slug),
        "event_date": schema.s(event.date),
        "event_enabled": schema.flag(event.event_enabled),
        "selfie_search": schema.flag(event.selfie_search),
        "confidence": schema.n(event.confidence),
    }
    if event.cover is not None:
        settings["cover"] = schema.s(str(event.cover))
    if event.retain_until:
        settings["retain_until"] = schema.s(event.retain_until)
    if event.upstream is not None:
        settings["upstream"] = schema.s(str(event.upstream))
    return settings


def _retention(event: Event) -> "schema.Key":
    return schema.retention_key(event.retain_until, event.event_id) | {"event_id": schema.n(event.event_id)}


def _check_confidence(confidence: int) -> None:
    if not 1 <= confidence <= 100:
        raise InvalidRequest("The confidence must be a whole percent from 1 to 100.")
