"""Events: created, changed, listed, ended. An event is two items that change together: its configuration, which every
request reads, and its row in the organisation's list."""

import datetime as dt
import re
import time
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any, Unpack

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.orgs import OrgAdmin, checked_name, random_id
from facesearch.adapters.dynamodb.bibs import start_list
from facesearch.adapters.dynamodb.reading import DynamoEventDirectory, event_from_item, row_of
from facesearch.adapters.dynamodb.table import Item, RefusedError, Write, check, delete, put, replacing, update
from facesearch.admin.features import check_features, checked_bibs
from facesearch.admin.guest_page import checked_page
from facesearch.admin.models import DEFAULT_CONFIDENCE, EndedEvent, EventChanges, Features
from facesearch.admin.ports import EventLifecycle
from facesearch.admin.watermark import check_watermark
from facesearch.errors import InvalidRequest, NotFound, Throttled
from facesearch.faces.sets import EventFaceSets
from facesearch.models import UTC_NAME, BibRules, Event, EventRow, FaceSet, GuestPage
from facesearch.records import SHARDS

EVENTS_PER_ORG = 10_000
SLUG_LENGTH = 80
NOT_CLOSING = "attribute_not_exists(closing)"


class EventAdmin(OrgAdmin, EventLifecycle, EventFaceSets):
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
        features: Features | None = None,
    ) -> int:
        """A new event, open for selfie search, on a day that is today unless given.

        A `datetime` in place of the day also says when it starts.

        Its faces are kept for `retention_days` after that day; 0 = for good. `faces`: its live face set, if not that of
        the default; of kind `vectors` in `vector_table`. `features`: what is on besides.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: the name is empty or too long, the confidence is no whole percent from 1 to 100, there is no
                such time zone, or the organisation has `EVENTS_PER_ORG` events already.
        """
        name = checked_name(name)
        _check_confidence(confidence)
        check_features(features or {})
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
                **(features or {}),
            )
            try:
                self.table.transact(
                    [
                        self._count(org_id, "events", 1, EVENTS_PER_ORG),
                        put(_item(event), "attribute_not_exists(pk)"),
                        put(row_of(event)),
                        *_retaining(event),
                    ]
                )
            except RefusedError as refused:
                if refused.position == 0:
                    self._org(org_id)
                    raise InvalidRequest(
                        f"Organisation {org_id} has {EVENTS_PER_ORG} events already, the most it may have."
                    ) from None
            else:
                return event.event_id

    @override
    def update_event(self, event_id: int, **changes: Unpack[EventChanges]) -> Event:
        given = _given(changes)
        while True:
            before = self._existing(event_id)
            if before.closing:
                raise InvalidRequest(f"Event {event_id} is being deleted.")
            after = replace(before, **given)
            try:
                self.table.transact(_changing(before, after))
            except RefusedError as refused:
                if refused.position == 0:  # somebody else changed it a moment ago
                    continue
                if after.watermark != before.watermark and refused.position == 1:
                    raise InvalidRequest("The watermark's file is gone: another command was faster.") from None
                raise InvalidRequest(f"Another event already searches the upstream's event {after.upstream}.") from None
            return after

    def give_start_list(self, event_id: int, bibs: Collection[str]) -> Event:
        """Have these bibs alone count in an event, in place of a pattern; none = it has no start list any more.

        Raises:
            NotFound: no such event.
            InvalidRequest: see `checked_bibs`.
        """
        bibs, rules = checked_bibs(bibs), self._existing(event_id).bibs
        after = replace(rules, pattern="" if bibs else rules.pattern, listed=len(bibs))
        if not bibs:  # in either order the list is there as long as the event says so
            event = self.update_event(event_id, bibs=after)
        try:
            self.table.transact([check(schema.event_key(event_id), NOT_CLOSING), *start_list(event_id, bibs)])
        except RefusedError:
            raise InvalidRequest(f"Event {event_id} is being deleted.") from None
        return self.update_event(event_id, bibs=after) if bibs else event

    @override
    def event(self, event_id: int) -> Event | None:
        item = self.table.get(schema.event_key(event_id))
        return event_from_item(item) if item is not None else None

    def events(self, org_id: int) -> list[EventRow]:
        """The organisation's events, newest first."""
        self._org(org_id)
        return list(DynamoEventDirectory(self.table).rows(org_id))

    @override
    def change_face_sets(self, before: Event, after: Event) -> bool:
        key, by = schema.event_key(before.event_id), int(before.faces != after.faces)
        change = replacing(key, _face_sets(before), _face_sets(after), NOT_CLOSING, "ADD erasures :by", by=by)
        try:
            return self.table.write(change)
        except Throttled as error:  # a settings change is at the same event
            if error.aws_code != "TransactionConflictException":
                raise
            return False

    @override
    def count_erasure(self, event_id: int) -> None:
        count = update(schema.event_key(event_id), "ADD erasures :one", "attribute_exists(pk)", one=1)
        try:
            self.table.transact([count])
        except RefusedError:
            raise NotFound(f"There is no event {event_id}.") from None

    @override
    def close_event(self, event_id: int) -> Event:
        while True:
            event = self._existing(event_id)
            if event.closing:
                return event
            seen, closed = {"event_date": event.date, "name": event.name}, {"closing": True, "event_enabled": False}
            close = replacing(schema.event_key(event_id), seen, closed, NOT_CLOSING, "ADD erasures :one", one=1)
            try:
                self.table.transact([close, put(row_of(event) | {"event_enabled": False})])
            except RefusedError:  # somebody else changed it a moment ago
                continue

    @override
    def remove_event(self, event: Event) -> None:
        writes = [
            delete(schema.event_key(event.event_id), "attribute_exists(pk)"),
            delete(schema.org_event_key(event.org_id, event)),
            self._count(event.org_id, "events", -1),
        ]
        if event.retain_until:
            writes.append(delete(_last_day_key(event)))
        if event.upstream is not None:
            writes.append(delete(schema.upstream_key(event.upstream)))
        try:
            self.table.transact(writes)
        except RefusedError as refused:
            if refused.position != 0:  # removed by somebody else meanwhile, and counted
                raise

    @override
    def ended_events(self, today: dt.date) -> list[EndedEvent]:
        items = self.table.query(schema.retention_key(), "sk < :today", today=today.isoformat())
        return [EndedEvent(item["event_id"], item["sk"].partition("#")[0]) for item in items]

    @override
    def delete_ended(self, ended: EndedEvent) -> None:
        self.table.write(delete(_last_day_key(ended)))

    def _existing(self, event_id: int) -> Event:
        event = self.event(event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        return event


def _changing(before: Event, after: Event) -> list[Write]:
    """Only what an operator changes is written: others write other attributes of the event meanwhile.

    The list of events by their last day follows; an event whose faces are gone is not on it any more, and comes back
    with a new day only. No two events search the same one of the upstream's: there, one request_id would be one search
    for both.
    """
    key = schema.event_key(before.event_id)
    writes = [replacing(key, _settings(before), _settings(after), NOT_CLOSING)]
    if after.watermark != before.watermark and after.watermark is not None and after.watermark.picture:
        file = schema.watermark_key(after.event_id, after.watermark.picture)
        writes.append(check(file, "attribute_exists(pk)"))
    writes.append(put(row_of(after)))
    old_key, row_key = (schema.org_event_key(event.org_id, event) for event in (before, after))
    if old_key != row_key:
        writes.append(delete(old_key))
    if before.retain_until != after.retain_until:
        writes += _retaining(after)
        if before.retain_until:
            writes.append(delete(_last_day_key(before)))
    if before.upstream != after.upstream:
        if before.upstream is not None:
            writes.append(delete(schema.upstream_key(before.upstream)))
        if after.upstream is not None:
            claim = schema.upstream_key(after.upstream) | {"event_id": after.event_id}
            writes.append(put(claim, "attribute_not_exists(pk)"))
    return writes


def _given(changes: EventChanges) -> dict[str, Any]:
    given: dict[str, Any] = dict(changes)
    if not given:
        raise InvalidRequest("There is nothing to change.")
    check_features(changes)
    if "confidence" in changes:
        _check_confidence(changes["confidence"])
    if "name" in changes:
        given["name"] = checked_name(changes["name"])
        given["slug"] = slug_of(given["name"])
    if "date" in changes:
        given["date"] = _text_of(changes["date"])
    if "guest_page" in changes:
        given["guest_page"] = checked_page(changes["guest_page"])
    if (watermark := changes.get("watermark")) is not None:
        check_watermark(watermark)
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


def _item(event: Event) -> Item:
    fixed = {
        "event_id": event.event_id,
        "org_id": event.org_id,
        "shards": event.shards,
        "created_at": event.created_at,
        "erasures": event.erasures,
    }
    return schema.event_key(event.event_id) | _settings(event) | _face_sets(event) | fixed


def _settings(event: Event) -> Item:
    """What an operator can change; None where nothing was chosen."""
    return {
        "name": event.name,
        "slug": event.slug,
        "event_date": event.date,
        "event_enabled": event.event_enabled,
        "selfie_search": event.selfie_search,
        "confidence": event.confidence,
        "cover": str(event.cover) if event.cover is not None else None,
        "retain_until": event.retain_until or None,
        "upstream": str(event.upstream) if event.upstream is not None else None,
        "bib_search": event.bib_search or None,
        "bibs": asdict(event.bibs) if event.bibs != BibRules() else None,
        "timeline_search": event.timeline_search or None,
        "time_zone": event.time_zone if event.time_zone != UTC_NAME else None,
        "guest_page": asdict(event.guest_page) if event.guest_page != GuestPage() else None,
        "tokens_since": event.tokens_since or None,
        "watermark": asdict(event.watermark) if event.watermark is not None else None,
    }


def _face_sets(event: Event) -> Item:
    """The attributes that say which face sets an event has; None for what it has not."""
    return {
        "faces": str(event.faces),
        "building": str(event.building) if event.building is not None else None,
        "leaving": str(event.leaving) if event.leaving is not None else None,
        "vector_table": event.vector_table or None,
        "face_shards": event.face_shards if event.vector_table else None,
        "vector_models": event.vector_models or None,
    }


def _retaining(event: Event) -> list[Write]:
    """Put it on the list of events by their last day, if it has one."""
    if not event.retain_until:
        return []
    return [put(_last_day_key(event) | {"event_id": event.event_id})]


def _last_day_key(event: Event | EndedEvent) -> Item:
    return schema.retention_key(f"{event.retain_until}#{event.event_id}")


def _check_confidence(confidence: int) -> None:
    if not 1 <= confidence <= 100:
        raise InvalidRequest("The confidence must be a whole percent from 1 to 100.")
