"""How events end: their deletions counted, closed for good, removed, and listed by the last day of their faces."""

import datetime as dt
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.table import RefusedError, TableAdmin
from facesearch.adapters.dynamodb.directory import row_of
from facesearch.adapters.dynamodb.reading import event_from_item
from facesearch.admin.models import EndedEvent
from facesearch.admin.ports import EventEndings
from facesearch.errors import NotFound
from facesearch.models import Event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class EndingAdmin(TableAdmin, EventEndings):
    """What deletions and retention do to events."""

    @override
    def count_erasure(self, event_id: int) -> None:
        try:
            self._together([self._counted(event_id)])
        except RefusedError:
            raise NotFound(f"There is no event {event_id}.") from None

    @override
    def close_event(self, event_id: int) -> Event:
        while True:
            event = self._event(event_id)
            if event.closing:
                return event
            row = row_of(event) | {"event_enabled": schema.flag(value=False)}
            counted = self._counted(event_id)
            counted["Update"] |= {
                "UpdateExpression": "SET closing = :yes, event_enabled = :no ADD erasures :one",
                "ConditionExpression": "attribute_not_exists(closing) AND event_date = :date AND #name = :name",
                "ExpressionAttributeNames": {"#name": "name"},
                "ExpressionAttributeValues": {
                    ":yes": schema.flag(value=True),
                    ":no": schema.flag(value=False),
                    ":one": schema.n(1),
                    ":date": schema.s(event.date),
                    ":name": schema.s(event.name),
                },
            }
            try:
                self._together([counted, self._put(row)])
            except RefusedError:  # somebody else changed it a moment ago
                continue

    @override
    def remove_event(self, event: Event) -> None:
        row = row_of(event)
        writes = [
            self._delete(schema.event_key(event.event_id), "attribute_exists(pk)"),
            self._delete({"pk": row["pk"], "sk": row["sk"]}),
            self._count(event.org_id, "events", -1),
        ]
        if event.retain_until:
            writes.append(self._delete(schema.retention_key(event.retain_until, event.event_id)))
        if event.upstream is not None:
            writes.append(self._delete(schema.upstream_key(event.upstream)))
        try:
            self._together(writes)
        except RefusedError as refused:
            if refused.position != 0:  # removed by somebody else meanwhile, and counted
                raise

    @override
    def ended_events(self, today: dt.date) -> list[EndedEvent]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND sk < :today",
            ExpressionAttributeValues={":pk": schema.s(schema.RETENTION), ":today": schema.s(today.isoformat())},
        )
        return [
            EndedEvent(schema.number(item, "event_id"), schema.text(item, "sk").partition("#")[0])
            for page in pages
            for item in page["Items"]
        ]

    @override
    def forget_ended(self, ended: EndedEvent) -> None:
        key = schema.retention_key(ended.retain_until, ended.event_id)
        self._dynamodb.delete_item(TableName=self._table, Key=key)

    def _event(self, event_id: int) -> Event:
        item = self._read(schema.event_key(event_id))
        if item is None:
            raise NotFound(f"There is no event {event_id}.")
        return event_from_item(item)

    def _counted(self, event_id: int) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": schema.event_key(event_id),
                "UpdateExpression": "ADD erasures :one",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": {":one": schema.n(1)},
            }
        }
