"""The read side of the API: what one request needs, in one strongly consistent round trip; and the list of events."""

import json
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.quota import quota_from_item
from facesearch.adapters.dynamodb.table import Item, Table
from facesearch.models import (
    FACE_SHARDS,
    ApiKey,
    Event,
    EventRow,
    FaceSet,
    Job,
    JobStatus,
    Page,
    PhotoMatch,
    RenditionUrls,
    Scope,
    SearchKey,
    SearchSummary,
    UpstreamEvent,
    WebhookSecret,
)
from facesearch.reading import EventDirectory, Known, Reader, StoredPage, Wanted

CHUNK_SIZE = 100
"""The largest page, so that any page touches at most two chunks; 2.4 KB, one strongly consistent read unit."""
_RECORD = struct.Struct(">16sII")


def pack_chunk(photos: Sequence[PhotoMatch]) -> bytes:
    """24 bytes a photo: image_id, width and height, big-endian."""
    return b"".join(_RECORD.pack(photo.image_id.bytes, photo.width, photo.height) for photo in photos)


def unpack_chunk(data: bytes) -> list[PhotoMatch]:
    """Inverse of `pack_chunk`."""
    return [PhotoMatch(uuid.UUID(bytes=raw), width, height) for raw, width, height in _RECORD.iter_unpack(data)]


@dataclass(frozen=True)
class DynamoReader(Reader):
    """One BatchGetItem: key, event, quota, header, and the one or two chunks that a page of up to 100 can touch."""

    table: Table

    @override
    def read(self, wanted: Wanted) -> Known:
        """0.5 KB of key and event, 2.4 KB a chunk: about 4 read units."""
        keys = _keys_of(wanted)
        by_key = {(item["pk"], item["sk"]): item for item in self.table.batch_get(list(keys.values()))}
        found = {name: by_key.get((key["pk"], key["sk"])) for name, key in keys.items()}
        key, event, org, header = found.get("key"), found.get("event"), found.get("org"), found.get("header")
        job, webhook = _unexpired(found.get("job")), _unexpired(found.get("webhook"))
        chunks = [item for name, item in found.items() if name.startswith("chunk")]
        return Known(
            key=api_key_from_item(key) if key else None,
            event=event_from_item(event) if event else None,
            result=stored_page(header, chunks, wanted.page) if wanted.page is not None else None,
            events=org.get("events", 0) if org else None,
            quota=quota_from_item(found.get("quota")),
            secrets=secrets_from_item(found.get("secrets")),
            job=job_from_item(job) if job else None,
            webhook=uuid.UUID(webhook["request_id"]) if webhook else None,
            cancelled=header.get("cancelled", "") if header else "",
        )


def _keys_of(wanted: Wanted) -> dict[str, Item]:
    """The keys of what is wanted, by the names that `read` finds their items by."""
    keys = {
        "key": schema.api_key_key(wanted.digest) if wanted.digest is not None else None,
        "event": schema.event_key(wanted.event_id) if wanted.event_id is not None else None,
        "org": schema.org_key(wanted.org_id) if wanted.org_id is not None else None,
        "quota": schema.quota_key(wanted.quota_of) if wanted.quota_of is not None else None,
        "secrets": schema.secrets_key(wanted.secrets_of) if wanted.secrets_of is not None else None,
        "job": schema.job_key(wanted.job) if wanted.job is not None else None,
        "webhook": schema.webhook_key(*wanted.webhook) if wanted.webhook is not None else None,
    }
    if wanted.search is not None and wanted.page is not None:
        keys["header"] = schema.header_key(wanted.search)
        keys |= {f"chunk {number}": schema.chunk_key(wanted.search, number) for number in chunks_of(wanted.page)}
    return {name: key for name, key in keys.items() if key is not None}


def stored_page(header: Item | None, chunks: list[Item | None], page: Page) -> StoredPage | None:
    """The page of a result; None without a header that counts: announced ones do not yet, expired ones no more, and
    what stands in the place of a cancelled one is none."""
    header = _unexpired(header)
    if header is None or "announced" in header or "cancelled" in header:
        return None
    large = header.get("large_url")
    renditions = RenditionUrls(large, header["small_url"]) if large else None
    summary = SearchSummary(header["total"], header["confidence"], renditions)
    # Past its end may lie what a run left that found more and failed before its header.
    return StoredPage(summary, photos_of(page, chunks)[: max(0, summary.total - page.start)])


def _unexpired(item: Item | None) -> Item | None:
    """TTL deletes within days, not at once."""
    return item if item is not None and item["expires_at"] > time.time() else None


def chunks_of(page: Page) -> range:
    """Numbers of the chunks that hold the page."""
    return range(page.start // CHUNK_SIZE, (page.stop - 1) // CHUNK_SIZE + 1)


def photos_of(page: Page, chunks: list[Item | None]) -> list[PhotoMatch]:
    """Cut the page out of its chunks; a chunk past the end of the result is None."""
    photos = [photo for chunk in chunks if chunk is not None for photo in unpack_chunk(chunk["photos"])]
    first = page.start % CHUNK_SIZE
    return photos[first : first + page.size]


def api_key_from_item(item: Item) -> ApiKey:
    """The API key that an item describes."""
    return ApiKey(
        key_id=item["key_id"],
        org_id=item["org_id"],
        active=item["active"],
        scopes=frozenset(Scope(name) for name in item["scopes"]),
        expires_at=item.get("valid_until"),
    )


def secrets_from_item(item: Item | None) -> tuple[WebhookSecret, ...]:
    """The webhook secrets in an organisation's item of them, oldest first."""
    slots = [item[slot] for slot in schema.SECRET_SLOTS if item is not None and slot in item]
    return tuple(sorted((WebhookSecret(**slot) for slot in slots), key=lambda secret: secret.created_at))


def event_from_item(item: Item) -> Event:
    """The event that an item describes."""

    def face_set(name: str) -> FaceSet | None:
        return FaceSet.of(item[name]) if name in item else None

    return Event(
        event_id=item["event_id"],
        org_id=item["org_id"],
        name=item.get("name", ""),
        selfie_search=item["selfie_search"],
        event_enabled=item["event_enabled"],
        confidence=item["confidence"],
        shards=item["shards"],
        slug=item.get("slug", ""),
        date=item.get("event_date", ""),
        created_at=item.get("created_at", 0),
        cover=uuid.UUID(item["cover"]) if "cover" in item else None,
        retain_until=item.get("retain_until", ""),
        erasures=item.get("erasures", 0),
        closing=item.get("closing", False),
        faces=face_set("faces") or FaceSet(),
        building=face_set("building"),
        leaving=face_set("leaving"),
        vector_table=item.get("vector_table", ""),
        vector_models=frozenset(item.get("vector_models", ())),
        face_shards=item.get("face_shards", FACE_SHARDS),
        upstream=UpstreamEvent.of(item["upstream"]) if "upstream" in item else None,
    )


def job_from_item(item: Item) -> Job:
    """The webhook's search that an item describes."""
    return Job(
        search=SearchKey(item["org_id"], item["event_id"], uuid.UUID(item["request_id"])),
        urls=_several(item.get("url", ())),
        selfies=_several(item.get("selfie", ())),
        callback_url=item.get("callback_url", ""),
        metadata=json.loads(item["metadata"]) if "metadata" in item else None,
        watch_days=item.get("watch_days"),
        webhook=item["webhook"],
        created_at=item["created_at"],
        status=JobStatus(item["status"]),
        reason=item.get("reason", ""),
        enqueued="enqueued_at" in item,
    )


def _several(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


@dataclass(frozen=True)
class DynamoEventDirectory(EventDirectory):
    """An organisation's events: all that a row says is in the list's own items.

    A page is read by one Query, which also reads what the page skips: a row has 0.3 KB, a read unit takes 13 of them
    and one round trip 3,000. An organisation has at most `admin.EVENTS_PER_ORG`.
    """

    table: Table

    @override
    def page(self, org_id: int, page: Page) -> list[EventRow]:
        return list(islice(self.rows(org_id), page.start, page.stop))

    def rows(self, org_id: int) -> Iterator[EventRow]:
        """All, newest first, as far as they are asked for."""
        return map(_row, self.table.query(schema.org_event_key(org_id), backwards=True))


def row_of(event: Event) -> Item:
    """The item of an event in its organisation's list."""
    return schema.org_event_key(event.org_id, event) | {
        "event_id": event.event_id,
        "name": event.name,
        "slug": event.slug,
        "event_date": event.date,
        "event_enabled": event.event_enabled,
        "cover": str(event.cover) if event.cover is not None else None,
    }


def _row(item: Item) -> EventRow:
    return EventRow(
        event_id=item["event_id"],
        name=item["name"],
        slug=item["slug"],
        date=item["event_date"],
        event_enabled=item["event_enabled"],
        cover=uuid.UUID(item["cover"]) if "cover" in item else None,
    )
