"""The read side: what one request needs of everything that is stored, in one round trip."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from facesearch.models import (
    ApiKey,
    Event,
    EventRow,
    Job,
    Page,
    PhotoMatch,
    QuotaState,
    SearchKey,
    SearchSummary,
    WebhookSecret,
)


@dataclass(frozen=True)
class StoredPage:
    """A page of a finished search: what is known of the whole, and the photos of the page asked for.

    `expires_at`: seconds since the epoch, from when on there is no result; 0 = it was only just found.
    """

    summary: SearchSummary
    photos: list[PhotoMatch]
    expires_at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class WatchState:
    """What a search's watch has come to.

    Attributes:
        until: when it ends, in seconds since the epoch; 0 = there is none, or it has ended.
        latest: the search that told of later photos last, which outlives the watch and may be deleted by itself.
    """

    until: int = 0
    latest: uuid.UUID | None = None


@dataclass(frozen=True)
class BibPhotos:
    """What is known of a bib.

    Attributes:
        photos: that show it, by capture time, then image_id.
        is_listed: whether it is on the event's start list, if the event has one.
    """

    photos: tuple[PhotoMatch, ...] = ()
    is_listed: bool = False


@dataclass(frozen=True)
class Wanted:
    """What one request needs to know; what is None is not read.

    Attributes:
        digest: SHA-256 in hex of the API key or token that was presented.
        search, page: a page of that search; both or neither.
        org_id: the organisation's item.
        quota_of: the organisation whose quota matters.
        token_quota: whether that of a token matters, too.
        secrets_of: the organisation whose webhook secrets matter.
        job: that search as a webhook has asked for it.
        webhook: organisation, and digest of event and webhook-id.
        watch: the search whose watch matters.
        bibs: of the event, in upper case.
        consistent: whether what was written before is surely seen. Else it may be missing or old, usually for less than
            a second, at half the price: nobody is to be refused for that (see `api.handler.refusing_surely`).
    """

    digest: str | None = None
    event_id: int | None = None
    search: SearchKey | None = None
    page: Page | None = None
    org_id: int | None = None
    quota_of: int | None = None
    token_quota: bool = False
    secrets_of: int | None = None
    job: SearchKey | None = None
    webhook: tuple[int, str] | None = None
    watch: SearchKey | None = None
    bibs: tuple[str, ...] = field(default=(), repr=False)
    consistent: bool = True


@dataclass(frozen=True)
class Known:
    """What the table knew about one request at one moment; None = not there, or not asked for.

    Attributes:
        events: number of the organisation's events.
        quota, token_quota: of who has not searched yet: a full bucket.
        webhook: the request_id of the search that the webhook has started.
        bibs: those that were asked for.
        cancelled: names the search's last cancellation, if it is not long ago; empty = there was none.
    """

    key: ApiKey | None = None
    event: Event | None = None
    result: StoredPage | None = None
    events: int | None = None
    quota: QuotaState = field(default_factory=QuotaState)
    token_quota: QuotaState = field(default_factory=QuotaState)
    secrets: tuple[WebhookSecret, ...] = ()
    job: Job | None = None
    webhook: uuid.UUID | None = None
    cancelled: str = ""
    watch: WatchState = WatchState()
    bibs: Mapping[str, BibPhotos] = field(default_factory=dict, repr=False)


class EventDirectory(Protocol):
    """The list of an organisation's events, newest first."""

    def page(self, org_id: int, page: Page) -> list[EventRow]:
        """The events of a page, as the list shows them."""


class Reader(Protocol):
    """What the API reads for a request."""

    def read(self, wanted: Wanted) -> Known:
        """All that is wanted, as of one moment."""
