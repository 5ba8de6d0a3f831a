"""The list of what is being deleted in an event: written before a deletion begins, emptied as its last step.

Whatever a crash leaves undone is on it, and the next deletion in the event does it first.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.table import Item, Table
from facesearch.deletion.stores import Erasing, ErasureLog
from facesearch.records import Original


@dataclass(frozen=True)
class DynamoErasureLog(ErasureLog):
    """In the table."""

    table: Table

    @override
    def begin(self, event_id: int, each: Iterable[Erasing]) -> None:
        self.table.batch_put(_item(event_id, erasing) for erasing in each)

    @override
    def pending(self, event_id: int) -> list[Erasing]:
        return [_erasing(item) for item in self.table.query(schema.erasing_key(event_id))]

    @override
    def end(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> None:
        self.table.batch_delete(schema.erasing_key(event_id, image_id) for image_id in image_ids)


def _item(event_id: int, erasing: Erasing) -> Item:
    return schema.erasing_key(event_id, erasing.image_id) | {
        "whole": erasing.whole,
        "places": [(place.key, place.etag) for place in erasing.places],
        "renditions": erasing.renditions,
        "originals": erasing.originals,
    }


def _erasing(item: Item) -> Erasing:
    return Erasing(
        image_id=uuid.UUID(item["sk"]),
        whole=item["whole"],
        places=tuple(Original(*place) for place in item["places"]),
        renditions=item["renditions"],
        originals=item["originals"],
    )
