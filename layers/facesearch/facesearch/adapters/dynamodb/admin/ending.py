"""How events end: their deletions counted, closed for good, removed, and listed by the last day of their faces."""

import datetime as dt

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.orgs import OrgAdmin
from facesearch.adapters.dynamodb.reading import event_from_item, row_of
from facesearch.adapters.dynamodb.table import RefusedError, delete, put, update
from facesearch.admin.models import EndedEvent
from facesearch.admin.ports import EventEndings
from facesearch.errors import NotFound
from facesearch.models import Event


class EndingAdmin(OrgAdmin, EventEndings):
    """What deletions and retention do to events."""

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
            item = self.table.get(schema.event_key(event_id))
            if item is None:
                raise NotFound(f"There is no event {event_id}.")
            event = event_from_item(item)
            if event.closing:
                return event
            close = update(
                schema.event_key(event_id),
                "SET closing = :yes, event_enabled = :no ADD erasures :one",
                "attribute_not_exists(closing) AND event_date = :date AND #name = :name",
                yes=True,
                no=False,
                one=1,
                date=event.date,
                name=event.name,
            )
            try:
                self.table.transact([close, put(row_of(event) | {"event_enabled": False})])
            except RefusedError:  # somebody else changed it a moment ago
                continue

    @override
    def remove_event(self, event: Event) -> None:
        writes = [
            delete(schema.event_key(event.event_id), "attribute_exists(pk)"),
            delete(schema.org_event_key(event)),
            self._count(event.org_id, "events", -1),
        ]
        if event.retain_until:
            writes.append(delete(schema.retention_key(event.retain_until, event.event_id)))
        if event.upstream is not None:
            writes.append(delete(schema.upstream_key(event.upstream)))
        try:
            self.table.transact(writes)
        except RefusedError as refused:
            if refused.position != 0:  # removed by somebody else meanwhile, and counted
                raise

    @override
    def ended_events(self, today: dt.date) -> list[EndedEvent]:
        items = self.table.query(schema.RETENTION, "sk < :today", today=today.isoformat())
        return [EndedEvent(item["event_id"], item["sk"].partition("#")[0]) for item in items]

    @override
    def forget_ended(self, ended: EndedEvent) -> None:
        self.table.write(delete(schema.retention_key(ended.retain_until, ended.event_id)))
