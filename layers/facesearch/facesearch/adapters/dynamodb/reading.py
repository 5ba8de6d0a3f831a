"""The read side of the API: everything that one request needs, in one strongly consistent round trip."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.batch import batch_get
from facesearch.adapters.dynamodb.chunks import CHUNK_SIZE, unpack_chunk
from facesearch.adapters.dynamodb.quota import quota_from_item
from facesearch.models import (
    FACE_SHARDS,
    ApiKey,
    Event,
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
from facesearch.reading import Known, Reader, StoredPage, Wanted

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoReader(Reader):
    """One BatchGetItem: key, event, quota, header, and the one or two chunks that a page of up to 100 can touch."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    @override
    def read(self, wanted: Wanted) -> Known:
        """0.5 KB of key and event, 2.4 KB a chunk: about 4 read units."""
        items = batch_get(self._dynamodb, self._table, list(_keys_of(wanted)))
        by_key = {(schema.text(item, "pk"), schema.text(item, "sk")): item for item in items}

        def found(key: "schema.Key") -> "schema.Item | None":
            return by_key.get((schema.text(key, "pk"), schema.text(key, "sk")))

        key = found(schema.api_key_key(wanted.digest)) if wanted.digest is not None else None
        event = found(schema.event_key(wanted.event_id)) if wanted.event_id is not None else None
        org = found(schema.org_key(wanted.org_id)) if wanted.org_id is not None else None
        quota = found(schema.quota_key(wanted.quota_of)) if wanted.quota_of is not None else None
        secrets = found(schema.secrets_key(wanted.secrets_of)) if wanted.secrets_of is not None else None
        job = found(schema.job_key(wanted.job)) if wanted.job is not None else None
        webhook = found(schema.webhook_key(*wanted.webhook)) if wanted.webhook is not None else None
        result, header = None, None
        if wanted.search is not None and wanted.page is not None:
            chunks = [found(schema.chunk_key(wanted.search, number)) for number in chunks_of(wanted.page)]
            header = found(schema.header_key(wanted.search))
            result = stored_page(header, chunks, wanted.page)
        return Known(
            key=api_key_from_item(key) if key else None,
            event=event_from_item(event) if event else None,
            result=result,
            events=schema.number(org, "events") if org else None,
            quota=quota_from_item(quota),
            secrets=secrets_from_item(secrets),
            job=job_from_item(job) if job and not _is_expired(job) else None,
            webhook=uuid.UUID(schema.text(webhook, "request_id")) if webhook and not _is_expired(webhook) else None,
            cancelled=schema.text(header, "cancelled") if header is not None else "",
        )


def _keys_of(wanted: Wanted) -> "Iterator[schema.Key]":
    if wanted.digest is not None:
        yield schema.api_key_key(wanted.digest)
    if wanted.event_id is not None:
        yield schema.event_key(wanted.event_id)
    if wanted.org_id is not None:
        yield schema.org_key(wanted.org_id)
    if wanted.quota_of is not None:
        yield schema.quota_key(wanted.quota_of)
    if wanted.secrets_of is not None:
        yield schema.secrets_key(wanted.secrets_of)
    if wanted.job is not None:
        yield schema.job_key(wanted.job)
    if wanted.webhook is not None:
        yield schema.webhook_key(*wanted.webhook)
    if wanted.search is not None and wanted.page is not None:
        yield schema.header_key(wanted.search)
        yield from (schema.chunk_key(wanted.search, number) for number in chunks_of(wanted.page))


def stored_page(header: "schema.Item | None", chunks: "list[schema.Item | None]", page: Page) -> StoredPage | None:
    """The page of a result; None without a header that counts: announced ones do not yet, expired ones no more, and
    what stands in the place of a cancelled one is none."""
    if header is None or "announced" in header or "cancelled" in header or _is_expired(header):
        return None
    summary = _summary_from_item(header)
    # Past its end may lie what a run left that found more and failed before its header.
    return StoredPage(summary, photos_of(page, chunks)[: max(0, summary.total - page.start)])


def _summary_from_item(header: "schema.Item") -> SearchSummary:
    large, small = schema.text(header, "large_url"), schema.text(header, "small_url")
    return SearchSummary(
        total=schema.number(header, "total"),
        confidence=schema.number(header, "confidence"),
        renditions=RenditionUrls(large, small) if large else None,
    )


def _is_expired(item: "schema.Item") -> bool:
    """TTL deletes within days, not at once."""
    return schema.number(item, "expires_at") <= time.time()


def chunks_of(page: Page) -> range:
    """Numbers of the chunks that hold the page."""
    return range(page.start // CHUNK_SIZE, (page.stop - 1) // CHUNK_SIZE + 1)


def photos_of(page: Page, chunks: "list[schema.Item | None]") -> list[PhotoMatch]:
    """Cut the page out of its chunks; a chunk past the end of the result is None."""
    photos = [photo for chunk in chunks if chunk is not None for photo in unpack_chunk(schema.blob(chunk, "photos"))]
    first = page.start % CHUNK_SIZE
    return photos[first : first + page.size]


def api_key_from_item(item: "schema.Item") -> ApiKey:
    """The API key that an item describes."""
    return ApiKey(
        key_id=schema.text(item, "key_id"),
        org_id=schema.number(item, "org_id"),
        active=schema.boolean(item, "active"),
        scopes=frozenset(Scope(name) for name in schema.string_set(item, "scopes")),
        expires_at=schema.number(item, "valid_until") or None,
    )


def secrets_from_item(item: "schema.Item | None") -> tuple[WebhookSecret, ...]:
    """The webhook secrets in an organisation's item of them, oldest first."""
    slots = [item[slot]["M"] for slot in schema.SECRET_SLOTS if item is not None and slot in item]
    secrets = [
        WebhookSecret(
            secret_id=schema.text(slot, "secret_id"),
            secret=schema.text(slot, "secret"),
            created_at=schema.text(slot, "created_at"),
        )
        for slot in slots
    ]
    return tuple(sorted(secrets, key=lambda secret: secret.created_at))


def event_from_item(item: "schema.Item") -> Event:
    """The event that an item describes."""
    return Event(
        event_id=schema.number(item, "event_id"),
        org_id=schema.number(item, "org_id"),
        name=schema.text(item, "name"),
        selfie_search=schema.boolean(item, "selfie_search"),
        event_enabled=schema.boolean(item, "event_enabled"),
        confidence=schema.number(item, "confidence"),
        shards=schema.number(item, "shards"),
        slug=schema.text(item, "slug"),
        date=schema.text(item, "event_date"),
        created_at=schema.number(item, "created_at"),
        cover=uuid.UUID(cover) if (cover := schema.text(item, "cover")) else None,
        retain_until=schema.text(item, "retain_until"),
        erasures=schema.number(item, "erasures"),
        closing=schema.boolean(item, "closing"),
        faces=_face_set(item, "faces") or FaceSet(),
        building=_face_set(item, "building"),
        leaving=_face_set(item, "leaving"),
        vector_table=schema.text(item, "vector_table"),
        vector_models=frozenset(item.get("vector_models", {}).get("SS", ())),
        face_shards=schema.number(item, "face_shards") or FACE_SHARDS,
        upstream=UpstreamEvent.of(upstream) if (upstream := schema.text(item, "upstream")) else None,
    )


def _face_set(item: "schema.Item", name: str) -> FaceSet | None:
    text = schema.text(item, name)
    return FaceSet.of(text) if text else None


def job_from_item(item: "schema.Item") -> Job:
    """The webhook's search that an item describes."""
    search = SearchKey(
        schema.number(item, "org_id"), schema.number(item, "event_id"), uuid.UUID(schema.text(item, "request_id"))
    )
    return Job(
        search=search,
        urls=schema.several_texts(item, "url"),
        selfies=schema.several_texts(item, "selfie"),
        callback_url=schema.text(item, "callback_url"),
        metadata=json.loads(metadata) if (metadata := schema.text(item, "metadata")) else None,
        watch_days=schema.number(item, "watch_days") or None,
        webhook=schema.text(item, "webhook"),
        created_at=schema.number(item, "created_at"),
        status=JobStatus(schema.text(item, "status")),
        reason=schema.text(item, "reason"),
        enqueued="enqueued_at" in item,
    )
