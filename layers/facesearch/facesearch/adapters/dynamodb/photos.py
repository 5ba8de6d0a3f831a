"""Photo records in the table: one item per photo, followed through the local index `by-change`."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_delete, batch_get
from facesearch.errors import Throttled
from facesearch.records import (
    STAMPED_MICROSECONDS,
    TOMBSTONE_SECONDS,
    Held,
    Original,
    Photo,
    PhotoChange,
    PhotoEraser,
    PhotoRecords,
    Tombstone,
    face_bytes,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

ATTEMPTS = 8
"""Each one finds the item changed by somebody else since it was read; nobody changes a photo that often."""

BUILT = ("built_model", "built_faces", "built_reason")
PLACES = ("key", "etag", "copies")
OF_A_PHOTO = (*PLACES, "model", "faces", "qualities", *BUILT, "width", "height", "taken_at", "reason", "stripped")
"""What an item loses when it becomes a tombstone."""


def microseconds() -> int:
    """Since the epoch, by this machine's clock; Lambda's agrees with DynamoDB's."""
    return time.time_ns() // 1000


class DynamoPhotoStore(PhotoEraser, PhotoRecords):
    """`PhotoStore` and `PhotoEraser` over DynamoDB.

    Readers ask for what was stamped since a little before they last looked. A write with a stamp therefore returns only
    when it is visible under one that is `STAMPED_MICROSECONDS` old at most. A writer elsewhere than in Lambda brings a
    clock that agrees with DynamoDB's.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str, clock: Callable[[], int] = microseconds) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._clock = clock

    @override
    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        item = self._item(schema.photo_key(event_id, shards, image_id))
        return None if item is None or _is_tombstone(item) else _photo(item)

    @override
    def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        """100 to a round trip."""
        items = self._items(event_id, shards, image_ids)
        photos = [_photo(item) for item in items if not _is_tombstone(item)]
        return {photo.image_id: photo for photo in photos}

    @override
    def add(self, event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        key, stamp = schema.photo_key(event_id, shards, photo.image_id), max(self._clock(), uploaded_at)
        item = key | {
            "status": schema.s(photo.status),
            "changed_at": schema.n(stamp),  # later than the tombstone that it may replace
            "width": schema.n(photo.width),
            "height": schema.n(photo.height),
        }
        if photo.status == "indexed":
            item |= {"model": schema.s(photo.model), "faces": schema.b(photo.faces)}
        if photo.qualities:
            item["qualities"] = schema.b(photo.qualities)
        if photo.built_model:
            item |= {"built_model": schema.s(photo.built_model), "built_faces": schema.b(photo.built_faces)}
        if photo.taken_at is not None:
            item["taken_at"] = schema.s(photo.taken_at.isoformat())
        if photo.reason:
            item["reason"] = schema.s(photo.reason)
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item | _places(photo.originals),
                # `expires_at`: a deletion that is not over takes along whatever comes meanwhile.
                ConditionExpression="attribute_not_exists(pk) OR"
                " (#status = :deleted AND attribute_exists(expires_at) AND changed_at < :uploaded)",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":deleted": schema.s("deleted"), ":uploaded": schema.n(uploaded_at)},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as refused:
            if not _is_own(refused.response, stamp, uploaded_at):
                return False
        self._confirm(key, stamp)
        return True

    @override
    def remove(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        self._dynamodb.delete_item(TableName=self._table, Key=schema.photo_key(event_id, shards, image_id))

    @override
    def set_originals(self, event_id: int, shards: int, seen: Photo, originals: Sequence[Original]) -> bool:
        """A tombstone has no key."""
        before, after = _places(seen.originals), _places(originals)
        gone = [f"#{name}" for name in PLACES if name not in after]
        return self._update(
            schema.photo_key(event_id, shards, seen.image_id),
            f"SET {', '.join(f'#{name} = :{name}' for name in after)}" + (f" REMOVE {', '.join(gone)}" if gone else ""),
            " AND ".join(
                f"#{name} = :was_{name}" if name in before else f"attribute_not_exists(#{name})" for name in PLACES
            ),
            _named(*PLACES),
            {f":{name}": value for name, value in after.items()}
            | {f":was_{name}": value for name, value in before.items()},
        )

    @override
    def touch(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        """Another writer that changes the item meanwhile stamps it, too."""
        key = schema.photo_key(event_id, shards, image_id)
        item = self._item(key)
        if item is not None and "expires_at" not in item:
            self._change(key, schema.number(item, "changed_at"), "SET changed_at = :now", {}, {})

    @override
    def tombstone(self, event_id: int, shards: int, image_id: uuid.UUID) -> Tombstone | None:
        item = self._item(schema.photo_key(event_id, shards, image_id))
        return None if item is None or not _is_tombstone(item) else _tombstone(item)

    @override
    def tombstones(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Tombstone]:
        """100 to a round trip."""
        found = (_tombstone(item) for item in self._items(event_id, shards, image_ids) if _is_tombstone(item))
        return {tombstone.image_id: tombstone for tombstone in found}

    @override
    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[PhotoChange]:
        """One Query a page of 1 MB."""
        attributes = {"sk", "changed_at", "status", "model", "faces", "width", "height", "taken_at"}
        attributes |= {"built_model", "built_faces"}
        names = {f"#{name}": name for name in attributes - (set() if faces else {"faces", "built_faces"})}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=schema.BY_CHANGE,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND changed_at >= :since",
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":pk": schema.s(schema.photos_pk(event_id, shard)), ":since": schema.n(since)},
        )
        for page in pages:
            yield from map(_change, page["Items"])

    @override
    def records(self, event_id: int, shard: int) -> Iterator[Photo]:
        """From the table itself: its local index has no `qualities`, and no table that is there can get another."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": schema.s(schema.photos_pk(event_id, shard))},
        )
        for page in pages:
            yield from (_photo(item) for item in page["Items"] if not _is_tombstone(item))

    @override
    def delete(self, event_id: int, shards: int, image_id: uuid.UUID) -> int | None:
        key = schema.photo_key(event_id, shards, image_id)
        for _ in range(ATTEMPTS):
            item = self._item(key)
            if item is None:
                return None
            if _is_tombstone(item):
                self.touch(event_id, shards, image_id)
                return None
            update = f"SET #status = :deleted, changed_at = :now REMOVE {', '.join(f'#{name}' for name in OF_A_PHOTO)}"
            names = {f"#{name}": name for name in ("status", *OF_A_PHOTO)}
            if self._change(key, schema.number(item, "changed_at"), update, names, {":deleted": schema.s("deleted")}):
                return face_bytes(_change(item))
        raise Throttled("UpdateItem", "Unprocessed")

    @override
    def expire(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        """One transaction."""
        key, listed = schema.photo_key(event_id, shards, image_id), schema.erasing_key(event_id, image_id)
        for _ in range(ATTEMPTS):
            item = self._item(key)
            if item is None or not _is_tombstone(item) or "expires_at" in item:
                self._dynamodb.delete_item(TableName=self._table, Key=listed)
                return
            seen = schema.number(item, "changed_at")
            now = max(self._clock(), seen + 1)
            if self._expire(key, listed, seen, now):
                self._confirm(key, now)
                return
        raise Throttled("TransactWriteItems", "Unprocessed")

    @override
    def put_faces(self, event_id: int, shards: int, seen: Photo, model: str, faces: bytes, reason: str = "") -> bool:
        key = schema.photo_key(event_id, shards, seen.image_id)
        update = "SET #built_model = :model, #built_faces = :faces, #built_reason = :reason, changed_at = :now"
        values = {":model": schema.s(model), ":faces": schema.b(faces), ":reason": schema.s(reason)}
        return self._change(key, seen.changed_at, update, _named(*BUILT), values)

    @override
    def delete_faces(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        key = schema.photo_key(event_id, shards, image_id)
        for _ in range(ATTEMPTS):
            item = self._item(key)
            if item is None or schema.text(item, "built_model") != model:
                return False
            update = f"SET changed_at = :now REMOVE {', '.join(_named(*BUILT))}"
            if self._change(key, schema.number(item, "changed_at"), update, _named(*BUILT), {}):
                return True
        raise Throttled("UpdateItem", "Unprocessed")

    @override
    def promote(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        """One write that reads nothing first, for a million photos in a row."""
        return self._update(
            schema.photo_key(event_id, shards, image_id),
            "SET #model = #built_model, #faces = #built_faces, #reason = if_not_exists(#built_reason, :none)"
            f" REMOVE {', '.join(_named(*BUILT, 'qualities'))}",
            "#built_model = :model AND #status = :indexed",
            _named("model", "faces", "qualities", "reason", "status", *BUILT),
            {":model": schema.s(model), ":indexed": schema.s("indexed"), ":none": schema.s("")},
        )

    @override
    def replace_faces(
        self, event_id: int, shards: int, seen: Photo | PhotoChange, faces: bytes, model: str | None = None
    ) -> bool:
        return self._change(
            schema.photo_key(event_id, shards, seen.image_id),
            seen.changed_at,
            "SET #faces = :faces, #model = :model, #stripped = :yes, changed_at = :now"
            f" REMOVE {', '.join(_named(*BUILT, 'qualities'))}",
            _named("faces", "model", "qualities", "stripped", *BUILT),
            {
                ":faces": schema.b(faces),
                ":model": schema.s(model or seen.model),
                ":yes": schema.flag(value=True),
                ":was": schema.s(seen.model),
            },
            # A `promote` leaves `changed_at` as it is, but not the faces that the caller has seen.
            "changed_at = :seen AND #model = :was",
        )

    @override
    def purge(self, event_id: int, shard: int) -> Held:
        photos = faces = 0

        def keys() -> "Iterator[schema.Key]":
            nonlocal photos, faces
            for item in self._all(event_id, shard):
                photos += not _is_tombstone(item)
                faces += face_bytes(_change(item))
                yield {"pk": item["pk"], "sk": item["sk"]}

        batch_delete(self._dynamodb, self._table, keys())
        return Held(photos, faces)

    @override
    def count(self, event_id: int, shard: int) -> Held:
        photos = faces = 0
        for item in self._all(event_id, shard):
            photos, faces = photos + 1, faces + face_bytes(_change(item))
        return Held(photos, faces)

    def _item(self, key: "schema.Key") -> "schema.Item | None":
        return self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _items(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> "Iterable[schema.Item]":
        keys = [schema.photo_key(event_id, shards, image_id) for image_id in dict.fromkeys(image_ids)]
        return batch_get(self._dynamodb, self._table, keys)

    def _all(self, event_id: int, shard: int) -> "Iterator[schema.Item]":
        """Keys, status and faces of the shard's items, read strongly consistent."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ProjectionExpression="pk, sk, #status, #faces, #built_faces",
            ExpressionAttributeNames=_named("status", "faces", "built_faces"),
            ExpressionAttributeValues={":pk": schema.s(schema.photos_pk(event_id, shard))},
        )
        for page in pages:
            yield from page["Items"]

    def _change(
        self,
        key: "schema.Key",
        seen: int,
        update: str,
        names: dict[str, str],
        values: "dict[str, schema.Value]",
        condition: str = "changed_at = :seen",
    ) -> bool:
        """Change an item that is as it was `seen`; its new `changed_at` is later in any case: readers notice."""
        now = max(self._clock(), seen + 1)
        stamps = {":seen": schema.n(seen), ":now": schema.n(now)}
        if not self._update(key, update, condition, names, stamps | values):
            return False
        self._confirm(key, now)
        return True

    def _expire(self, key: "schema.Key", listed: "schema.Key", seen: int, now: int) -> bool:
        end = now // 1_000_000 + TOMBSTONE_SECONDS
        tombstone: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self._table,
                "Key": key,
                "UpdateExpression": "SET changed_at = :now, expires_at = :end",
                "ConditionExpression": "changed_at = :seen",
                "ExpressionAttributeValues": {":now": schema.n(now), ":end": schema.n(end), ":seen": schema.n(seen)},
            }
        }
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[tombstone, {"Delete": {"TableName": self._table, "Key": listed}}]
            )
        except self._dynamodb.exceptions.TransactionCanceledException as refused:
            reasons = {reason.get("Code") for reason in refused.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" in reasons:
                return False
            if "TransactionConflict" in reasons:
                raise Throttled("TransactWriteItems", "TransactionConflict") from None
            raise
        return True

    def _confirm(self, key: "schema.Key", stamp: int) -> None:
        """Stamp an item again until its write is known to be visible in time. Somebody who has changed it meanwhile
        does the same."""
        for _ in range(ATTEMPTS):
            now = self._clock()
            if now - stamp <= STAMPED_MICROSECONDS:
                return
            stamps = {":seen": schema.n(stamp), ":now": schema.n(now)}
            if not self._update(key, "SET changed_at = :now", "changed_at = :seen", {}, stamps):
                return
            stamp = now
        raise Throttled("UpdateItem", "Unprocessed")

    def _update(
        self, key: "schema.Key", update: str, condition: str, names: dict[str, str], values: "dict[str, schema.Value]"
    ) -> bool:
        named: Any = {"ExpressionAttributeNames": names} if names else {}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **named,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as refused:
            now, seen = schema.number(values, ":now"), schema.number(values, ":seen")
            return ":now" in values and _is_own(refused.response, now, seen + 1)
        return True


def _is_own(refusal: Mapping[str, Any], stamp: int, least: int) -> bool:
    """Whether the item that a write has found instead is its own: an attempt before had come through, and what was
    lost was the response. Nobody else has the same microsecond of the clock; the `least` that a stamp may be is no
    clock's, and two writers may have it."""
    return stamp > least and schema.number(refusal.get("Item", {}), "changed_at") == stamp


def _named(*names: str) -> dict[str, str]:
    return {f"#{name}": name for name in names}


def _is_tombstone(item: "schema.Item") -> bool:
    return schema.text(item, "status") == "deleted"


def _tombstone(item: "schema.Item") -> Tombstone:
    return Tombstone(uuid.UUID(schema.text(item, "sk")), schema.number(item, "changed_at"), "expires_at" in item)


def _places(originals: Sequence[Original]) -> "dict[str, schema.Value]":
    """Attributes of a photo that say where its file lies; those that would be empty are left out."""
    first, *copies = originals
    places = {"key": schema.s(first.key)}
    if first.etag:
        places["etag"] = schema.s(first.etag)
    if copies:
        places["copies"] = schema.pairs((copy.key, copy.etag) for copy in copies)
    return places


def _change(item: "schema.Item") -> PhotoChange:
    return PhotoChange(
        image_id=uuid.UUID(schema.text(item, "sk")),
        changed_at=schema.number(item, "changed_at"),
        status=schema.text(item, "status"),
        model=schema.text(item, "model"),
        faces=schema.blob(item, "faces"),
        width=schema.number(item, "width"),
        height=schema.number(item, "height"),
        taken_at=schema.moment(item, "taken_at"),
        built_model=schema.text(item, "built_model"),
        built_faces=schema.blob(item, "built_faces"),
    )


def _photo(item: "schema.Item") -> Photo:
    return Photo(
        image_id=uuid.UUID(schema.text(item, "sk")),
        status="indexed" if schema.text(item, "status") == "indexed" else "failed",
        key=schema.text(item, "key"),
        width=schema.number(item, "width"),
        height=schema.number(item, "height"),
        model=schema.text(item, "model"),
        faces=schema.blob(item, "faces"),
        taken_at=schema.moment(item, "taken_at"),
        reason=schema.text(item, "built_reason") or schema.text(item, "reason"),
        built_model=schema.text(item, "built_model"),
        built_faces=schema.blob(item, "built_faces"),
        stripped=schema.boolean(item, "stripped"),
        etag=schema.text(item, "etag"),
        qualities=schema.blob(item, "qualities"),
        copies=tuple(Original(key, etag) for key, etag in schema.several_pairs(item, "copies")),
        changed_at=schema.number(item, "changed_at"),
    )
