"""The list of what is being deleted in an event: written before a deletion begins, emptied as its last step.

Whatever a crash leaves undone is on it, and the next deletion in the event does it first.
"""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_delete, batch_put
from facesearch.deletion.stores import Erasing, ErasureLog
from facesearch.records import Original

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoErasureLog(ErasureLog):
    """In the table."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    @override
    def begin(self, event_id: int, each: Iterable[Erasing]) -> None:
        batch_put(
            self._dynamodb,
            self._table,
            (
                schema.erasing_key(event_id, erasing.image_id)
                | {
                    "whole": schema.flag(erasing.whole),
                    "places": schema.pairs((place.key, place.etag) for place in erasing.places),
                    "renditions": schema.flag(erasing.renditions),
                    "originals": schema.flag(erasing.originals),
                }
                for erasing in each
            ),
        )

    @override
    def pending(self, event_id: int) -> list[Erasing]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": schema.s(schema.erasing_pk(event_id))},
        )
        return [_erasing(item) for page in pages for item in page["Items"]]

    @override
    def end(self, event_id: int, image_ids: Iterable[uuid.UUID]) -> None:
        keys = (schema.erasing_key(event_id, image_id) for image_id in image_ids)
        batch_delete(self._dynamodb, self._table, keys)


def _erasing(item: "schema.Item") -> Erasing:
    return Erasing(
        image_id=uuid.UUID(schema.text(item, "sk")),
        whole=schema.boolean(item, "whole"),
        places=tuple(Original(*place) for place in schema.several_pairs(item, "places")),
        renditions=schema.boolean(item, "renditions"),
        originals=schema.boolean(item, "originals"),
    )
