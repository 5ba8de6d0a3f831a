"""Finished searches: chunks first, header last, so that a header that can be read is a result that is whole."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.reading import CHUNK_SIZE, pack_chunk, summary_of, unpack_chunk
from facesearch.adapters.dynamodb.table import (
    TRANSACTION_LIMIT,
    Item,
    RefusedError,
    Table,
    check,
    delete,
    put,
    record,
    slices,
    update,
)
from facesearch.models import PhotoMatch, SearchKey, SearchSummary
from facesearch.search.results import ConsentRecord, FinishedSearch, OutdatedError, ResultStore

SECONDS_PER_DAY = 86_400
CANCELLED_SECONDS = 3600
"""How long it is remembered that a search was deleted: no run of it that began before lasts as long."""
INLINE_PHOTOS = 28
"""A result of so many photos at most is kept in its header, which then still takes one write unit, 1 KB, where no
upstream shows its photos: 24 bytes a photo and some 250 of its own. It saves a write and a read. A header is written
twice, so a larger one would cost more than a chunk of its own, which is written once."""


@dataclass(frozen=True)
class DynamoResultStore(ResultStore):
    """Results in the table, a header and chunks of 100 photos, and a list of them per event.

    The header is *announced*, then confirmed, and an announced one is no result yet. Between the two the event's count
    of deletions is read. A deletion counts itself first and then looks for results to delete: it either finds the
    announced one, whose confirmation then fails, or the search sees that it has counted. No result outlives a deletion.
    So the count is read only once everything is there by which a deletion finds the result: its place in the event's
    list, which comes first, so that a run that is killed leaves nothing that no list leads to; then the chunks, with
    the header side by side. The place is looked at again with the count: it goes, with the chunks in one transaction,
    in the deletion of an earlier search under the same request_id, which deletes nothing once a header is there. (Of a
    result of more than 9,800 photos it goes with the last chunks. Such a one that begins anew meanwhile can lose
    others; reading it then says that there is none, until a search that finds as much is asked for again.)

    A search that is itself deleted leaves an item in the place of its header for a while. It names that cancellation,
    and who has asked for the search before does not know it and can announce nothing.
    """

    table: Table
    retention_days: int
    pool: Executor

    @override
    def enter(self, search: SearchKey) -> None:
        place = schema.search_key(search.event_id, search.request_id)
        self.table.write(put(place | {"org_id": search.org_id, "expires_at": self._end()}))

    @override
    def save(
        self,
        search: SearchKey,
        summary: SearchSummary,
        photos: Sequence[PhotoMatch],
        erasures: int | None = None,
        cancelled: str | None = None,
        consent: str = "",
        settle: Callable[[], None] = lambda: None,
    ) -> bool:
        now, expires_at = int(time.time()), self._end()
        key, announced = schema.header_key(search), uuid.uuid4().hex  # by this run, and no other that took over from it
        header = key | {
            "total": summary.total,
            "confidence": summary.confidence,
            "large_url": summary.renditions.large if summary.renditions is not None else None,
            "small_url": summary.renditions.small if summary.renditions is not None else None,
            "selfie_faces": summary.selfie_faces,
            "consent": {"version": consent, "at": now} if consent else None,
            "created_at": now,
            "expires_at": expires_at,
            "announced": announced,
            "photos": pack_chunk(photos) if photos and len(photos) <= INLINE_PHOTOS else None,
        }
        if self._announce(header, cancelled, _chunks(search, photos, expires_at)):
            confirmation = update(key, "REMOVE announced", "announced = :announced", announced=announced)
            is_current = self._is_current(search, erasures)
            settle()
            if is_current and self.table.write(confirmation):
                return True
            self.table.write(delete(key, "announced = :announced", announced=announced))
        found = self.table.get(key)  # else a deletion hid it, or another run has announced its own
        if found is not None and "total" in found and "announced" not in found:
            return False
        self.delete(search)
        raise OutdatedError

    @override
    def searches(self, event_id: int, begin: str = "", most: int | None = None) -> Iterator[SearchKey]:
        for item in self.table.query(schema.search_key(event_id, begin), most=most):
            yield SearchKey(item["org_id"], event_id, uuid.UUID(item["sk"]))

    @override
    def finished(self, searches: Sequence[SearchKey]) -> list[FinishedSearch]:
        by_key = {schema.header_key(search)["pk"]: search for search in searches}
        items = self.table.batch_get([schema.header_key(search) for search in by_key.values()])
        return [
            FinishedSearch(
                search=by_key[item["pk"]],
                summary=summary,
                created_at=item["created_at"],
                expires_at=item["expires_at"],
                consent=record(ConsentRecord, item["consent"]) if "consent" in item else None,
            )
            for item in items
            if (summary := summary_of(item)) is not None
        ]

    @override
    def holds(self, search: SearchKey) -> bool:
        """The list says so first and last."""
        item = self.table.get(schema.search_key(search.event_id, search.request_id))
        return item is not None and item["org_id"] == search.org_id

    @override
    def photos(self, search: SearchKey, *, whole: bool = False) -> list[uuid.UUID]:
        items = list(self.table.query(schema.result_key(search)))
        headers = [item for item in items if "total" in item and "announced" not in item]
        if whole and not headers:
            return []
        if whole and "photos" in headers[0]:
            items = headers  # its chunks are what a run left that found more and failed
        named = [photo.image_id for item in items if "photos" in item for photo in unpack_chunk(item["photos"])]
        return named[: headers[0]["total"]] if whole else named  # past it lies the like

    @override
    def hide(self, search: SearchKey) -> None:
        """Unless it was cancelled, and so there is none."""
        self.table.write(delete(schema.header_key(search), "attribute_not_exists(cancelled)"))

    @override
    def cancel(self, search: SearchKey) -> None:
        remembered = {"cancelled": uuid.uuid4().hex, "expires_at": int(time.time()) + CANCELLED_SECONDS}
        self.table.write(put(schema.header_key(search) | remembered))

    @override
    def delete(self, search: SearchKey) -> None:
        items = list(self.table.query(schema.result_key(search)))
        if any("total" in item for item in items):  # its request_id was free since it was hidden
            return
        gone = [delete({"pk": item["pk"], "sk": item["sk"]}) for item in items if "cancelled" not in item]
        gone.append(delete(schema.search_key(search.event_id, search.request_id)))
        while_free = check(schema.header_key(search), "attribute_not_exists(#total)")
        with suppress(RefusedError):  # one that has begun since is announced, and keeps its chunks and its place
            for some in slices(gone, TRANSACTION_LIMIT - 1):
                self.table.transact([while_free, *some])

    def _end(self) -> int:
        """A day after the idempotency record's: a record must never point at a result that is gone."""
        return int(time.time()) + (self.retention_days + 1) * SECONDS_PER_DAY

    def _announce(self, header: Item, cancelled: str | None, chunks: Sequence[Item]) -> bool:
        """Write the header, if its place is free, and the chunks beside it."""
        free = "attribute_not_exists(pk) OR expires_at <= :now OR attribute_exists(announced)"
        values = {"now": header["created_at"]}
        if cancelled is None:
            free += " OR attribute_exists(cancelled)"
        elif cancelled:
            free, values = f"{free} OR cancelled = :cancelled", values | {"cancelled": cancelled}
        written = self.pool.submit(self.table.batch_put, chunks) if chunks else None
        try:
            return self.table.write(put(header, free, **values))
        finally:
            if written is not None:  # before anybody undoes what this is about to write
                written.result()

    def _is_current(self, search: SearchKey, erasures: int | None) -> bool:
        """Whether nothing was deleted meanwhile, not even its place by the deletion of an earlier search of its id."""
        if erasures is None:
            return True
        keys = schema.event_key(search.event_id), schema.search_key(search.event_id, search.request_id)
        found = {item["pk"]: item for item in self.table.batch_get(keys)}
        event, place = (found.get(key["pk"]) for key in keys)
        return event is not None and place is not None and event.get("erasures", 0) == erasures


def _chunks(search: SearchKey, photos: Sequence[PhotoMatch], expires_at: int) -> list[Item]:
    """Of a result that its header does not hold."""
    starts = range(0, len(photos), CHUNK_SIZE) if len(photos) > INLINE_PHOTOS else ()
    return [
        schema.chunk_key(search, start // CHUNK_SIZE)
        | {"photos": pack_chunk(photos[start : start + CHUNK_SIZE]), "expires_at": expires_at}
        for start in starts
    ]
