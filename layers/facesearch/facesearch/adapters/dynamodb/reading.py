"""The read side of the API: what one request needs, in one round trip; and the list of events."""

import json
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.bibs import bib_photos
from facesearch.adapters.dynamodb.quota import quota_from_item
from facesearch.adapters.dynamodb.table import Item, Table, record
from facesearch.models import (
    ApiKey,
    BibRules,
    Event,
    EventRow,
    FaceSet,
    GuestPage,
    Job,
    JobStatus,
    Page,
    PhotoMatch,
    QuotaLimits,
    RenditionUrls,
    Scope,
    SearchKey,
    SearchSummary,
    TokenRights,
    UpstreamEvent,
    Watermark,
    WatermarkPlace,
    WebhookSecret,
)
from facesearch.reading import EventDirectory, Known, Reader, StoredPage, Wanted, WatchState
from facesearch.search.quota import of_token

CHUNK_SIZE = 100
"""The largest page, so that any page touches at most two chunks; 2.4 KB, one read unit or half of one."""
BY_BIB = 2**31
_RECORD = struct.Struct(">16sII")


def pack_chunk(photos: Sequence[PhotoMatch]) -> bytes:
    """24 bytes a photo: image_id, width and height, big-endian. The highest bit of the width, which no picture needs,
    says that its bib has found it."""
    return b"".join(
        _RECORD.pack(photo.image_id.bytes, photo.width | (BY_BIB if photo.by_bib else 0), photo.height)
        for photo in photos
    )


def unpack_chunk(data: bytes) -> list[PhotoMatch]:
    return [
        PhotoMatch(uuid.UUID(bytes=raw), width & ~BY_BIB, height, by_bib=bool(width & BY_BIB))
        for raw, width, height in _RECORD.iter_unpack(data)
    ]


@dataclass(frozen=True)
class DynamoReader(Reader):
    """One BatchGetItem: key, event, quota, header, and the one or two chunks that a page of up to 100 can touch."""

    table: Table

    @override
    def read(self, wanted: Wanted) -> Known:
        """A read unit an item, half of one if not `consistent`: key, event, header and chunk have 4 KB at most."""
        keys = _keys_of(wanted)
        items = self.table.batch_get(list(keys.values()), consistent=wanted.consistent)
        by_key = {(item["pk"], item["sk"]): item for item in items}
        found = {name: by_key.get((key["pk"], key["sk"])) for name, key in keys.items()}
        key, event, org, header = found.get("key"), found.get("event"), found.get("org"), found.get("header")
        job, webhook = _unexpired(found.get("job")), _unexpired(found.get("webhook"))
        chunks = [item for name, item in found.items() if name.startswith("chunk")]
        if not wanted.consistent and len({each["expires_at"] for each in (header, *chunks) if each}) > 1:
            header = None  # a run's items expire in the same second: they are of two
        return Known(
            key=api_key_from_item(key) if key else None,
            event=event_from_item(event) if event else None,
            result=stored_page(header, chunks, wanted.page) if wanted.page is not None else None,
            events=org.get("events", 0) if org else None,
            quota=quota_from_item(found.get("quota")),
            token_quota=quota_from_item(found.get("token_quota")),
            secrets=secrets_from_item(found.get("secrets")),
            job=job_from_item(job) if job else None,
            webhook=uuid.UUID(webhook["request_id"]) if webhook else None,
            cancelled=header.get("cancelled", "") if header else "",
            bibs={
                bib: bib_photos(found.get(f"bib {bib}"), found.get(f"starters {schema.part_of(bib)}"), bib)
                for bib in wanted.bibs
            },
            watch=_watch_state(_unexpired(found.get("watch")), found.get("latest")),
        )


def _keys_of(wanted: Wanted) -> dict[str, Item]:
    """The keys of what is wanted, by the names that `read` finds their items by."""
    keys = {
        "key": schema.api_key_key(wanted.digest) if wanted.digest is not None else None,
        "event": schema.event_key(wanted.event_id) if wanted.event_id is not None else None,
        "org": schema.org_key(wanted.org_id) if wanted.org_id is not None else None,
        "quota": schema.quota_key(str(wanted.quota_of)) if wanted.quota_of is not None else None,
        "token_quota": schema.quota_key(of_token(wanted.digest)) if wanted.digest and wanted.token_quota else None,
        "secrets": schema.secrets_key(wanted.secrets_of) if wanted.secrets_of is not None else None,
        "job": schema.job_key(wanted.job) if wanted.job is not None else None,
        "webhook": schema.webhook_key(*wanted.webhook) if wanted.webhook is not None else None,
    }
    if wanted.event_id is not None:
        for bib in wanted.bibs:
            part = schema.part_of(bib)
            keys[f"bib {bib}"] = schema.bib_key(wanted.event_id, bib)
            keys[f"starters {part}"] = schema.start_list_key(wanted.event_id, part)
    if wanted.watch is not None:
        keys["watch"] = schema.watch_key(wanted.watch.event_id, wanted.watch.request_id)
        keys["latest"] = schema.latest_child_key(wanted.watch)
    if wanted.search is not None and wanted.page is not None:
        keys["header"] = schema.header_key(wanted.search)
        chunks = range(wanted.page.start // CHUNK_SIZE, (wanted.page.stop - 1) // CHUNK_SIZE + 1)
        keys |= {f"chunk {number}": schema.chunk_key(wanted.search, number) for number in chunks}
    return {name: key for name, key in keys.items() if key is not None}


def stored_page(header: Item | None, chunks: list[Item | None], page: Page) -> StoredPage | None:
    """The page of a result, cut out of its chunks, of which those past its end are None.

    None without a summary, and where a chunk is missing: the result is being deleted, or is too new for this read.
    """
    summary = summary_of(header)
    if summary is None:
        return None
    # A small result's header has the photos; what may lie in its first chunk is an earlier run's that found more.
    holders = [header] if header is not None and "photos" in header and page.start < CHUNK_SIZE else chunks
    photos = [photo for holder in holders if holder is not None for photo in unpack_chunk(holder["photos"])]
    first = page.start % CHUNK_SIZE
    # Past its end may lie what a run left that found more and failed before its header.
    shown = photos[first : first + page.size][: max(0, summary.total - page.start)]
    if len(shown) < min(page.size, summary.total - page.start):
        return None
    return StoredPage(summary, shown, header["expires_at"] if header else 0)


def summary_of(header: Item | None) -> SearchSummary | None:
    """What a header says of its search. None without one that counts: announced ones do not yet, expired ones no more,
    and what stands in the place of a cancelled one is none."""
    header = _unexpired(header)
    if header is None or "announced" in header or "cancelled" in header:
        return None
    large = header.get("large_url")
    renditions = RenditionUrls(large, header["small_url"]) if large else None
    return SearchSummary(header["total"], header["confidence"], renditions, header.get("selfie_faces"))


def _watch_state(watch: Item | None, latest: Item | None) -> WatchState:
    return WatchState(watch["expires_at"] if watch else 0, uuid.UUID(latest["child"]) if latest else None)


def _unexpired(item: Item | None) -> Item | None:
    """TTL deletes within days, not at once."""
    return item if item is not None and item["expires_at"] > time.time() else None


def api_key_from_item(item: Item) -> ApiKey:
    named = {"scopes": frozenset(map(Scope, item["scopes"])), "expires_at": item.get("valid_until")}
    return record(ApiKey, item | named, token=_token_from_item)


def _token_from_item(item: Item) -> TokenRights:
    named = {"quota": QuotaLimits(item["per_minute"], item["burst"]), "origins": tuple(item["origins"])}
    return record(TokenRights, item | named)


def token_item(token: TokenRights) -> Item:
    """The attribute `token` of a key's item that makes it a publishable token's."""
    return {
        "event_id": token.event_id,
        "link_id": token.link_id,
        "origins": list(token.origins),
        "originals": token.originals,
        "watch": token.watch,
        "per_minute": token.quota.per_minute,
        "burst": token.quota.burst,
        "created_at": token.created_at,
    }


def secrets_from_item(item: Item | None) -> tuple[WebhookSecret, ...]:
    """The webhook secrets in an organisation's item of them, oldest first."""
    slots = [item[slot] for slot in schema.SECRET_SLOTS if item is not None and slot in item]
    return tuple(sorted((WebhookSecret(**slot) for slot in slots), key=lambda secret: secret.created_at))


def event_from_item(item: Item) -> Event:
    return record(
        Event,
        item | {"date": item["event_date"]},
        cover=uuid.UUID,
        faces=FaceSet.of,
        building=FaceSet.of,
        leaving=FaceSet.of,
        upstream=UpstreamEvent.of,
        bibs=lambda rules: record(BibRules, rules),
        guest_page=lambda page: record(GuestPage, page),
        watermark=lambda watermark: record(Watermark, watermark, place=WatermarkPlace),
    )


def job_from_item(item: Item) -> Job:
    search = SearchKey(item["org_id"], item["event_id"], uuid.UUID(item["request_id"]))
    texts = {"urls": item.get("url", ()), "selfies": item.get("selfie", ())}
    named = {"search": search, "enqueued": "enqueued_at" in item}
    item = item | texts | named
    return record(Job, item, urls=_several, selfies=_several, metadata=json.loads, status=JobStatus)


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
        for item in self.table.query(schema.org_event_key(org_id), backwards=True):
            yield record(EventRow, item | {"date": item["event_date"]}, cover=uuid.UUID)


def row_of(event: Event) -> Item:
    return schema.org_event_key(event.org_id, event) | {
        "event_id": event.event_id,
        "name": event.name,
        "slug": event.slug,
        "event_date": event.date,
        "event_enabled": event.event_enabled,
        "cover": str(event.cover) if event.cover is not None else None,
    }
