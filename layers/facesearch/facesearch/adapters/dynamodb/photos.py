"""Photo records in the table: one item per photo, followed through the local index `by-change`."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.bibs import BibChange, bib_changes, items_of, photos_of, tidy
from facesearch.adapters.dynamodb.photo_items import (
    BUILT,
    OF_A_PHOTO,
    SEEN,
    bibs_of,
    is_tombstone,
    photo_of,
    places_of,
    tombstone_of,
    without,
)
from facesearch.adapters.dynamodb.table import (
    Conflict,
    Item,
    RefusedError,
    Table,
    Write,
    delete,
    encode,
    pause_before,
    put,
    replacing,
    update,
)
from facesearch.errors import Throttled
from facesearch.models import MICROSECONDS
from facesearch.records import (
    CHANGING_SECONDS,
    STAMPED_MICROSECONDS,
    TOMBSTONE_SECONDS,
    Bib,
    Held,
    Original,
    Photo,
    PhotoEraser,
    Tombstone,
    face_bytes,
)

ATTEMPTS = 8
"""Each one finds the item changed by somebody else since it was read; nobody changes a photo that often."""


def microseconds() -> int:
    """Since the epoch, by this machine's clock; Lambda's agrees with DynamoDB's."""
    return time.time_ns() // 1000


def corrected_clock(table: Table, clock: Callable[[], int] = microseconds) -> Callable[[], int]:
    """Microseconds since the epoch, corrected by the Date header of one response of DynamoDB's: what is stamped by a
    slow clock is missed by readers who ask for what is new.

    It is slow by a second at most, for which readers have room (`OVERLAP_MICROSECONDS`). A clock that the header does
    not prove wrong stays as it is.
    """
    asked = clock()
    response = table.client.get_item(TableName=table.name, Key=encode(schema.event_key(0)))
    header = response["ResponseMetadata"]["HTTPHeaders"].get("date")
    if header is None:  # a stand-in for DynamoDB, on this machine
        return clock
    # DynamoDB wrote it after the question, within the second that it names.
    least = int(parsedate_to_datetime(header).timestamp()) * MICROSECONDS - asked
    difference = min(max(0, least), least + MICROSECONDS)
    return lambda: clock() + difference


@dataclass(frozen=True)
class DynamoPhotoStore(PhotoEraser):
    """`PhotoStore` and `PhotoEraser` over DynamoDB.

    Readers ask for what was stamped since a little before they last looked. A write with a stamp therefore returns only
    when it is visible under one that is `STAMPED_MICROSECONDS` old at most. A writer elsewhere than in Lambda brings a
    clock that agrees with DynamoDB's. Before a stamp is written, the event says that it may come: readers ask for
    nothing while no event says so.
    """

    table: Table
    clock: Callable[[], int] = microseconds
    _changing: dict[int, int] = field(default_factory=dict, repr=False)
    """Until when an event says so, as far as this writer knows."""

    @override
    def get(self, event_id: int, shards: int, image_id: uuid.UUID) -> Photo | None:
        item = self.table.get(schema.photo_key(event_id, shards, image_id))
        return None if item is None or is_tombstone(item) else photo_of(item)

    @override
    def get_many(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        items = self._items(event_id, shards, image_ids)
        photos = [photo_of(item) for item in items if not is_tombstone(item)]
        return {photo.image_id: photo for photo in photos}

    @override
    def add(self, event_id: int, shards: int, photo: Photo, uploaded_at: int = 0) -> bool:
        is_indexed, stamp = photo.status == "indexed", max(self.clock(), uploaded_at)
        key = schema.photo_key(event_id, shards, photo.image_id)
        item = (
            places_of(photo.originals)
            | bibs_of(photo.bibs, photo.bib_model)
            | {
                "status": photo.status,
                "changed_at": stamp,  # later than the tombstone that it may replace
                "width": photo.width,
                "height": photo.height,
                "model": photo.model if is_indexed else None,
                "faces": photo.faces if is_indexed else None,
                "qualities": photo.qualities or None,
                "built_model": photo.built_model or None,
                "built_faces": photo.built_faces if photo.built_model else None,
                "taken_at": photo.taken_at.isoformat() if photo.taken_at is not None else None,
                "reason": photo.reason or None,
                "rendered": photo.rendered or None,
            }
        )
        # `expires_at`: a deletion that is not over takes along whatever comes meanwhile.
        over = "#status = :deleted AND attribute_exists(expires_at) AND changed_at < :uploaded"
        self._say_changing(key, stamp)
        new = put(key | item, f"attribute_not_exists(pk) OR ({over})", deleted="deleted", uploaded=uploaded_at)
        try:
            self._write(new, bib_changes(event_id, photo, (), photo.bibs))
        except _NoBibError as wall:
            return self.add(event_id, shards, replace(photo, bibs=without(photo.bibs, wall.bib)), uploaded_at)
        except Conflict:  # everybody's photos show the number: rather no bibs, to be read later, than no photo
            if not photo.bibs:
                raise
            return self.add(event_id, shards, replace(photo, bibs=(), bib_model=""), uploaded_at)
        except RefusedError as refused:
            if not _is_own(refused.item, stamp, uploaded_at):
                return False
        self._confirm(key, stamp)
        return True

    @override
    def remove(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        photo = self.get(event_id, shards, image_id)
        bibs = bib_changes(event_id, photo, photo.bibs, ()) if photo is not None else []
        self._write(delete(schema.photo_key(event_id, shards, image_id)), bibs)
        tidy(self.table, event_id, [change.bib for change in bibs])

    @override
    def set_bibs(self, event_id: int, shards: int, seen: Photo, bibs: Sequence[Bib], model: str) -> bool:
        key, change = schema.photo_key(event_id, shards, seen.image_id), "SET #bibs = :bibs, #bib_model = :model"
        changes = bib_changes(event_id, seen, seen.bibs, bibs)
        try:
            values = bibs_of(bibs, model)
            is_set = self._change(
                key,
                seen.changed_at,
                f"{change}, changed_at = :now",
                "changed_at = :seen",
                changes,
                bibs=values["bibs"],
                model=model,
            )
        except _NoBibError as wall:
            return self.set_bibs(event_id, shards, seen, without(bibs, wall.bib), model)
        tidy(self.table, event_id, {bib.text for bib in seen.bibs} - {bib.text for bib in bibs})
        return is_set

    @override
    def set_originals(self, event_id: int, shards: int, seen: Photo, originals: Sequence[Original]) -> bool:
        """A tombstone has no key."""
        key = schema.photo_key(event_id, shards, seen.image_id)
        return self.table.write(replacing(key, places_of(seen.originals), places_of(originals)))

    @override
    def touch(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        """Another writer that changes the item meanwhile stamps it, too."""
        key = schema.photo_key(event_id, shards, image_id)
        item = self.table.get(key)
        if item is not None and "expires_at" not in item:
            self._change(key, item["changed_at"], "SET changed_at = :now")

    @override
    def tombstone(self, event_id: int, shards: int, image_id: uuid.UUID) -> Tombstone | None:
        item = self.table.get(schema.photo_key(event_id, shards, image_id))
        return None if item is None or not is_tombstone(item) else tombstone_of(item)

    @override
    def tombstones(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Tombstone]:
        found = [tombstone_of(item) for item in self._items(event_id, shards, image_ids) if is_tombstone(item)]
        return {tombstone.image_id: tombstone for tombstone in found}

    @override
    def changes(self, event_id: int, shard: int, since: int, *, faces: bool = True) -> Iterator[Photo]:
        key, projection = schema.photos_key(event_id, shard), SEEN + (", #faces, #built_faces" if faces else "")
        news = "changed_at >= :since"
        items = self.table.query(key, news, index=schema.BY_CHANGE, projection=projection, since=since)
        return map(photo_of, items)

    @override
    def newest(self, event_id: int, shard: int, before: int | None, most: int) -> Iterator[Photo]:
        key, projection = schema.photos_key(event_id, shard), f"{SEEN}, #faces, #built_faces"
        older, values = ("changed_at < :before", {"before": before}) if before is not None else ("", {})
        items = self.table.query(
            key, older, index=schema.BY_CHANGE, projection=projection, backwards=True, most=most, **values
        )
        return map(photo_of, items)

    @override
    def records(self, event_id: int, shard: int) -> Iterator[Photo]:
        """From the table itself: its local index has no `qualities`, and no table that is there can get another."""
        items = self.table.query(schema.photos_key(event_id, shard))
        return (photo_of(item) for item in items if not is_tombstone(item))

    @override
    def delete(self, event_id: int, shards: int, image_id: uuid.UUID) -> Held | None:
        key = schema.photo_key(event_id, shards, image_id)
        for _ in range(ATTEMPTS):
            item = self.table.get(key)
            if item is None:
                return None
            if is_tombstone(item):
                self.touch(event_id, shards, image_id)
                return None
            change, photo = f"SET #status = :deleted, changed_at = :now REMOVE {OF_A_PHOTO}", photo_of(item)
            bibs = bib_changes(event_id, photo, photo.bibs, ())
            if self._change(key, item["changed_at"], change, "changed_at = :seen", bibs, deleted="deleted"):
                tidy(self.table, event_id, [change.bib for change in bibs])
                return Held(1, face_bytes(photo), len(photo.bibs))
        raise Throttled("UpdateItem", "Unprocessed")

    @override
    def expire(self, event_id: int, shards: int, image_id: uuid.UUID) -> None:
        """One transaction."""
        key, listed = schema.photo_key(event_id, shards, image_id), delete(schema.erasing_key(event_id, image_id))
        for _ in range(ATTEMPTS):
            item = self.table.get(key)
            if item is None or not is_tombstone(item) or "expires_at" in item:
                self.table.write(listed)
                return
            seen = item["changed_at"]
            now = max(self.clock(), seen + 1)
            change, end = "SET changed_at = :now, expires_at = :end", now // MICROSECONDS + TOMBSTONE_SECONDS
            expiry = update(key, change, "changed_at = :seen", now=now, end=end, seen=seen)
            self._say_changing(key, now)
            try:
                self.table.transact([expiry, listed], attempts=1)
            except RefusedError:
                continue
            self._confirm(key, now)
            return
        raise Throttled("TransactWriteItems", "Unprocessed")

    @override
    def put_faces(self, event_id: int, shards: int, seen: Photo, model: str, faces: bytes, reason: str = "") -> bool:
        key = schema.photo_key(event_id, shards, seen.image_id)
        change = "SET #built_model = :model, #built_faces = :faces, #built_reason = :reason, changed_at = :now"
        return self._change(key, seen.changed_at, change, model=model, faces=faces, reason=reason)

    @override
    def delete_faces(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        key = schema.photo_key(event_id, shards, image_id)
        for _ in range(ATTEMPTS):
            item = self.table.get(key)
            if item is None or item.get("built_model") != model:
                return False
            if self._change(key, item["changed_at"], f"SET changed_at = :now REMOVE {BUILT}"):
                return True
        raise Throttled("UpdateItem", "Unprocessed")

    @override
    def claim_renditions(
        self, event_id: int, shards: int, image_id: uuid.UUID, seconds: int, *, even_so: bool = False
    ) -> int | None:
        now = self.clock()
        until, is_free = now + seconds * MICROSECONDS, "attribute_not_exists(claimed_until) OR claimed_until < :now"
        condition, values = ("", {}) if even_so else (f" AND ({is_free})", {"now": now})
        claim = update(
            schema.photo_key(event_id, shards, image_id),
            "SET claimed_until = :until",
            f"#status = :indexed{condition}",
            until=until,
            indexed="indexed",
            **values,
        )
        try:
            self.table.attempt(claim)
        except RefusedError as refused:  # maybe by its own attempt before, whose response was lost
            return until if refused.item.get("claimed_until") == until else None
        return until

    @override
    def end_claim(
        self, event_id: int, shards: int, image_id: uuid.UUID, claim: int, rendering: str, *, failed: bool = False
    ) -> bool:
        if failed:
            change, values = "SET unrendered = :failed REMOVE claimed_until", {"failed": f"{rendering}@{claim}"}
        elif rendering:
            change, values = "SET rendered = :rendered REMOVE claimed_until, unrendered", {"rendered": rendering}
        else:
            change, values = "REMOVE rendered, claimed_until, unrendered", {}
        key = schema.photo_key(event_id, shards, image_id)
        return self.table.write(update(key, change, "claimed_until = :claim", claim=claim, **values))

    @override
    def promote(self, event_id: int, shards: int, image_id: uuid.UUID, model: str) -> bool:
        """One write that reads nothing first, for a million photos in a row."""
        change = "SET #model = #built_model, #faces = #built_faces, #reason = if_not_exists(#built_reason, :none)"
        promotion = update(
            schema.photo_key(event_id, shards, image_id),
            f"{change} REMOVE {BUILT}, #qualities",
            "#built_model = :model AND #status = :indexed",
            model=model,
            indexed="indexed",
            none="",
        )
        return self.table.write(promotion)

    @override
    def replace_faces(
        self,
        event_id: int,
        shards: int,
        seen: Photo,
        faces: bytes,
        model: str | None = None,
        bibs: Sequence[Bib] = (),
    ) -> bool:
        changes = bib_changes(event_id, seen, seen.bibs, bibs)
        has_bibs = {"bibs": bibs_of(bibs, seen.bib_model)["bibs"], "by": seen.bib_model} if seen.bib_model else {}
        is_replaced = self._change(
            schema.photo_key(event_id, shards, seen.image_id),
            seen.changed_at,
            f"SET #faces = :faces, #model = :model, #stripped = :yes, changed_at = :now"
            f"{', #bibs = :bibs' if has_bibs else ''} REMOVE {BUILT}, #qualities",
            # A `promote` leaves `changed_at` as it is, but not the faces that the caller has seen.
            "changed_at = :seen AND #model = :was"
            f" AND {'#bib_model = :by' if has_bibs else 'attribute_not_exists(#bib_model)'}",
            changes,
            faces=faces,
            model=model or seen.model,
            yes=True,
            was=seen.model,
            **has_bibs,
        )
        tidy(self.table, event_id, {bib.text for bib in seen.bibs} - {bib.text for bib in bibs})
        return is_replaced

    @override
    def delete_all(self, event_id: int, shard: int) -> Held:
        photos = faces = bibs = 0

        def items() -> Iterator[Item]:
            nonlocal photos, faces, bibs
            for item in self._all(event_id, shard):
                photos += not is_tombstone(item)
                faces += face_bytes(photo_of(item))
                bibs += len(item.get("bibs", ()))
                yield item

        self.table.batch_delete(items())
        return Held(photos, faces, bibs)

    @override
    def count(self, event_id: int, shard: int) -> Held:
        faces = [face_bytes(photo_of(item)) for item in self._all(event_id, shard)]
        return Held(len(faces), sum(faces))

    @override
    def bib_photos(self, event_id: int, bib: str) -> list[uuid.UUID]:
        return [photo.image_id for photo in photos_of(self.table.get(schema.bib_key(event_id, bib)))]

    @override
    def delete_bibs(self, event_id: int) -> int:
        held = 0

        def items() -> Iterator[Item]:
            nonlocal held
            for item in items_of(self.table, event_id):
                held += len(item.get("photos", ()))
                yield item

        self.table.batch_delete(items())
        return held

    @override
    def count_bibs(self, event_id: int) -> int:
        return sum(len(item.get("photos", ())) or 1 for item in items_of(self.table, event_id))

    def _items(self, event_id: int, shards: int, image_ids: Iterable[uuid.UUID]) -> list[Item]:
        """100 to a round trip."""
        keys = [schema.photo_key(event_id, shards, image_id) for image_id in dict.fromkeys(image_ids)]
        return self.table.batch_get(keys)

    def _all(self, event_id: int, shard: int) -> Iterator[Item]:
        """Keys, status and faces of the shard's items."""
        projection = "pk, sk, #status, #faces, #built_faces, #bibs"
        return self.table.query(schema.photos_key(event_id, shard), projection=projection)

    def _change(
        self,
        key: Item,
        seen: int,
        expression: str,
        condition: str = "changed_at = :seen",
        bibs: Sequence[BibChange] = (),
        /,
        **values: Any,
    ) -> bool:
        """Change an item that is as it was `seen`, and with it what finds it by `bibs`. Its new `changed_at` is later
        in any case: readers notice."""
        now = max(self.clock(), seen + 1)
        if not self._stamp(key, expression, condition, bibs, seen=seen, now=now, **values):
            return False
        self._confirm(key, now)
        return True

    def _confirm(self, key: Item, stamp: int) -> None:
        """Stamp an item again until its write is known to be visible in time. Somebody who has changed it meanwhile
        does the same."""
        for _ in range(ATTEMPTS):
            now = self.clock()
            if now - stamp <= STAMPED_MICROSECONDS:
                return
            if not self._stamp(key, "SET changed_at = :now", "changed_at = :seen", seen=stamp, now=now):
                return
            stamp = now
        raise Throttled("UpdateItem", "Unprocessed")

    def _stamp(
        self,
        key: Item,
        expression: str,
        condition: str,
        bibs: Sequence[BibChange] = (),
        /,
        *,
        seen: int,
        now: int,
        **values: Any,
    ) -> bool:
        self._say_changing(key, now)
        try:
            self._write(update(key, expression, condition, seen=seen, now=now, **values), bibs)
        except RefusedError as refused:
            return _is_own(refused.item, now, seen + 1)
        return True

    def _say_changing(self, key: Item, stamp: int) -> None:
        """Have the event say that a photo may be stamped so, and for a while on: see `records.is_unchanged`.

        Writers that come at once do not hinder each other, and all but the first are refused. Only a transaction at the
        event, an operator's, is in the way for a moment.
        """
        event_id, half = schema.event_of(key), CHANGING_SECONDS * MICROSECONDS // 2
        enough, until = stamp + half, stamp + 2 * half
        if self._changing.get(event_id, 0) >= enough:
            return
        is_less = "attribute_not_exists(changing_until) OR changing_until < :enough"
        condition, values = f"attribute_exists(pk) AND ({is_less})", {"until": until, "enough": enough}
        change = update(schema.event_key(event_id), "SET changing_until = :until", condition, **values)
        for attempt in range(ATTEMPTS):
            pause_before(attempt)
            try:
                self.table.attempt(change)
            except RefusedError as refused:  # there is no such event, or somebody has said enough
                until = refused.item.get("changing_until", until)
            except Throttled as error:
                if error.aws_code != "TransactionConflictException" or attempt == ATTEMPTS - 1:
                    raise
                continue
            break
        self._changing[event_id] = until

    def _write(self, write: Write, bibs: Sequence[BibChange]) -> None:
        """Write a photo's record, and in the same transaction what finds it by its bibs, if that changes.

        A transaction that is sent again because its response was lost is done once: boto3 gives it a token.

        Raises:
            RefusedError: the record is another by now.
            _NoBibError: a bib is on too many photos.
        """
        if not bibs:
            self.table.attempt(write)
            return
        try:
            self.table.transact([write, *(change.write for change in bibs)])
        except RefusedError as refused:
            if refused.position:
                raise _NoBibError(bibs[refused.position - 1].bib) from None
            raise


class _NoBibError(Exception):
    """What is no runner's: it is on too many photos."""

    def __init__(self, bib: str) -> None:
        super().__init__("a bib is on too many photos")
        self.bib = bib


def _is_own(found: Item, stamp: int, least: int) -> bool:
    """Whether the item that a write has found instead is its own: an attempt before had come through, and what was
    lost was the response. Nobody else has the same microsecond of the clock; the `least` that a stamp may be is no
    clock's, and two writers may have it."""
    return stamp > least and found.get("changed_at") == stamp
