"""The list of what is being deleted in an event."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.photo_items import originals_of
from facesearch.adapters.dynamodb.table import Item, Table, record
from facesearch.deletion.log import Erasing, ErasureLog


@dataclass(frozen=True)
class DynamoErasureLog(ErasureLog):
    """The list of what is being deleted in an event: written before a deletion begins, emptied as its last step.

    Whatever a crash leaves undone is on it, and the next deletion in the event does it first.
    """

    table: Table

    @override
    def begin(self, event_id: int, each: Iterable[Erasing]) -> None:
        self.table.batch_put(_entry(event_id, erasing) for erasing in each)

    @override
    def pending(self, event_id: int) -> list[Erasing]:
        items = self.table.query(schema.erasing_key(event_id))
        return [record(Erasing, item | {"image_id": uuid.UUID(item["sk"])}, places=originals_of) for item in items]

    @override
    def end(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> None:
        self.table.batch_delete(schema.erasing_key(event_id, image_id) for image_id in image_ids)


def _entry(event_id: int, erasing: Erasing) -> Item:
    return schema.erasing_key(event_id, erasing.image_id) | {
        "whole": erasing.whole,
        "places": [(place.key, place.etag) for place in erasing.places],
        "renditions": erasing.renditions,
        "originals": erasing.originals,
    }
