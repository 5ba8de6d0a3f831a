"""PNGs of events' watermarks: items of their own, for every request reads the event's, and only indexing draws."""

import hashlib
from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import RefusedError, Table, check, delete, put
from facesearch.errors import NotFound
from facesearch.photos.watermark import WatermarkFiles

OPEN = "attribute_exists(pk) AND attribute_not_exists(closing)"
"""An event that a file may be kept for: a deletion looks for files after it has closed the event."""


@dataclass(frozen=True)
class DynamoWatermarkFiles(WatermarkFiles):
    """One item a file."""

    table: Table

    @override
    def get(self, event_id: int, digest: str) -> bytes | None:
        item = self.table.get(schema.watermark_key(event_id, digest))
        return item["data"] if item is not None else None

    @override
    def put(self, event_id: int, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        file = put(schema.watermark_key(event_id, digest) | {"data": data})
        try:
            self.table.transact([check(schema.event_key(event_id), OPEN), file])
        except RefusedError:
            raise NotFound(f"There is no event {event_id}, or it is being deleted.") from None
        return digest

    @override
    def keep(self, event_id: int, digest: str) -> None:
        unnamed = "#watermark.#picture <> :digest OR attribute_not_exists(#watermark)"
        for key in self._keys(event_id):
            if key["sk"] == digest:
                continue
            try:
                event = check(schema.event_key(event_id), unnamed, digest=key["sk"])
                self.table.transact([event, delete(key)])
            except RefusedError:  # another command has just named it
                continue

    @override
    def delete(self, event_id: int) -> int:
        return self.table.batch_delete(self._keys(event_id))

    @override
    def count(self, event_id: int) -> int:
        return len(self._keys(event_id))

    def _keys(self, event_id: int) -> list[dict[str, str]]:
        return list(self.table.query(schema.watermark_key(event_id), projection="pk, sk"))
