"""The read side of the API: everything that one request needs, in one strongly consistent round trip."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from facesearch.models import ApiKey, Event, PhotoMatch, SearchKey, SearchSummary
from facesearch.pagination import Page
from facesearch.store import schema
from facesearch.store.batch import batch_get
from facesearch.store.chunks import CHUNK_SIZE, unpack_chunk

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class StoredPage:
    """A page of a finished search: what is known of the whole, and the photos of the page asked for."""

    summary: SearchSummary
    photos: list[PhotoMatch]


@dataclass(frozen=True)
class Snapshot:
    """What the table knew about one request at one moment; None = not there."""

    key: ApiKey | None = None
    event: Event | None = None
    result: StoredPage | None = None


class Reader(Protocol):
    """What the API reads for a request."""

    def read(
        self, digest: str | None, event_id: int | None, search: SearchKey | None = None, page: Page | None = None
    ) -> Snapshot:
        """Look up the API key by its SHA-256, the event, and a page of a search, all at once.

        A part that is not asked for (None) is None in the answer.
        """


class DynamoReader:
    """One BatchGetItem: key, event, header, and the one or two chunks that a page of up to 100 can touch."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def read(
        self, digest: str | None, event_id: int | None, search: SearchKey | None = None, page: Page | None = None
    ) -> Snapshot:
        """See `Reader.read`. 0.5 KB of key and event, 2.4 KB a chunk: about 4 read units."""
        keys = []
        if digest is not None:
            keys.append(schema.api_key_key(digest))
        if event_id is not None:
            keys.append(schema.event_key(event_id))
        if search is not None and page is not None:
            keys.append(schema.header_key(search))
            keys.extend(schema.chunk_key(search, number) for number in chunks_of(page))
        items = batch_get(self._dynamodb, self._table, keys)
        by_key = {(schema.text(item, "pk"), schema.text(item, "sk")): item for item in items}

        def found(key: "schema.Key") -> "schema.Item | None":
            return by_key.get((schema.text(key, "pk"), schema.text(key, "sk")))

        key_item = found(schema.api_key_key(digest)) if digest is not None else None
        event_item = found(schema.event_key(event_id)) if event_id is not None else None
        result = None
        if search is not None and page is not None:
            header = found(schema.header_key(search))
            if header is not None and schema.number(header, "expires_at") > time.time():
                summary = SearchSummary(schema.number(header, "total"), schema.number(header, "confidence"))
                chunks = [found(schema.chunk_key(search, number)) for number in chunks_of(page)]
                result = StoredPage(summary, photos_of(page, chunks))
        return Snapshot(
            key=api_key_from_item(key_item) if key_item else None,
            event=event_from_item(event_item) if event_item else None,
            result=result,
        )

    def event(self, event_id: int) -> Event | None:
        """The event's configuration."""
        return self.read(None, event_id).event


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
    return ApiKey(schema.text(item, "key_id"), schema.number(item, "org_id"), schema.boolean(item, "active"))


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
    )
