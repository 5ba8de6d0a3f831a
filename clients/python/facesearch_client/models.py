"""The bodies of the API's responses, as types of plain JSON.

They are checked on arrival for what is promised, and tolerate more: a field that the API gains later must not break an
older client.
"""

from typing import Any, Generic, NotRequired, TypeVar

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12 on

PAGE_SIZE = 32
"""Photos on a page if nobody asks for another number."""

LARGEST_PAGE = 100
"""Rows on a page at most, of searches, galleries and events."""

LARGEST_ORIGINALS_PAGE = 60
"""Links to originals on a page at most."""

_LENIENT = ConfigDict(extra="allow")

DataT = TypeVar("DataT")


@with_config(_LENIENT)
class Envelope(TypedDict, Generic[DataT]):
    """The three keys of every response."""

    responseType: str
    message: str
    data: DataT


@with_config(_LENIENT)
class ImageItem(TypedDict):
    """A photo that matches; `width` and `height` in pixels as displayed.

    `matched_by` is "face" or "bib", and there in the searches of events with bib search alone.
    """

    img_url: str
    thumbnail_url: str
    width: int | None
    height: int | None
    image_id: str
    original_url: str | None
    matched_by: NotRequired[str]


@with_config(_LENIENT)
class PaginationInfo(TypedDict):
    """Where this page stands; pages count from 1, and 0 of 0 means that nothing was found."""

    total: int
    currentPage: int
    totalPages: int
    hasNextPage: bool
    hasPreviousPage: bool
    page_size: int


@with_config(_LENIENT)
class FaceSearchResult(TypedDict):
    """`data` of a face search response."""

    request_id: str
    confidence_percentage: float
    images: list[ImageItem]
    pagination: PaginationInfo


@with_config(_LENIENT)
class Ping(TypedDict):
    """`data` of a ping."""

    status: str
    org_id: int
    event_id: int


@with_config(_LENIENT)
class EventDetails(TypedDict):
    """`data` of an event's details; `event_date` is YYYY-MM-DDThh:mm:ss, `status` "active" or "inactive"."""

    event_id: int
    event_name: str
    event_slug: str
    event_date: str
    status: str
    event_enabled: bool
    bib_search: bool
    selfie_search: bool
    name_search: bool
    video_search: bool
    video_selfie_search: bool
    timeline_search: bool


@with_config(_LENIENT)
class EventSummary(TypedDict):
    """A row of the organisation's events; `event_date` as in `EventDetails`, `cover_image` is a URL."""

    event_id: int
    event_name: str
    event_slug: str
    event_date: str
    status: str
    cover_image: str | None


@with_config(_LENIENT)
class EventPage(TypedDict):
    """`data` of a page of events, newest first."""

    events: list[EventSummary]
    pagination: PaginationInfo


@with_config(_LENIENT)
class ImagePage(TypedDict):
    """`data` of a page of an event's gallery, or of a part of it, by capture time."""

    images: list[ImageItem]
    pagination: PaginationInfo


@with_config(_LENIENT)
class TimelineHour(TypedDict):
    """An hour in UTC, 0 to 23, and how many photos were taken in it."""

    hour: int
    count: int


@with_config(_LENIENT)
class TimelineDay(TypedDict):
    """A day in UTC, such as 2026-05-17, and how many photos were taken on it."""

    date: str
    total: int
    hours: list[TimelineHour]


@with_config(_LENIENT)
class TimelineDays(TypedDict):
    """`data` of an event's timeline: the days and hours that have photos, in order."""

    days: list[TimelineDay]


@with_config(_LENIENT)
class OriginalLink(TypedDict):
    """Where one original can be fetched for an hour, and the name that the server gives it."""

    url: str
    filename: str


@with_config(_LENIENT)
class MissingOriginal(TypedDict):
    """A photo that has no link, and why; `path` is the key of its original in the bucket, None if there is none."""

    image_id: str
    error: str
    path: str | None


@with_config(_LENIENT)
class OriginalPhotos(TypedDict):
    """`data` of a page of originals: `total_images` of all pages, the two counts of this one."""

    presigned_urls: list[OriginalLink]
    failed_urls: list[MissingOriginal]
    total_images: int
    successful_count: int
    failed_count: int
    identifier: str | None
    message: str | None
    pagination: PaginationInfo


@with_config(_LENIENT)
class Upload(TypedDict):
    """`data` of a new upload: a form for `url`, good for `expires_in` seconds and for files up to `max_bytes`."""

    upload_id: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_in: int


@with_config(_LENIENT)
class PublishableToken(TypedDict):
    """`data` of a new token, for a page that everybody reads; `expires_at` is ISO 8601, in UTC."""

    token: str
    expires_at: str


@with_config(_LENIENT)
class Consent(TypedDict):
    """What a guest agrees to: `search` takes its `version`. `text` is the organiser's own; None for the page's."""

    version: str
    text: str | None


@with_config(_LENIENT)
class Retention(TypedDict):
    """How long what belongs to a search is kept, and the faces in the photos: until YYYY-MM-DD, or None."""

    selfie_days: int
    result_days: int
    faces_until: str | None


@with_config(_LENIENT)
class Allows(TypedDict):
    """What a guest may do with this key or token; `watch_days` is the longest watch."""

    search: bool
    bibs: bool
    originals: bool
    watch: bool
    watch_days: int


@with_config(_LENIENT)
class Arrival(TypedDict):
    """Whether photos still arrive; `newest_at` is ISO 8601, in UTC."""

    complete: bool
    newest_at: str | None


@with_config(_LENIENT)
class GuestPage(TypedDict):
    """`data` of what a page for guests says of an event; texts that the organiser did not choose are None.

    `consent` is None if none is asked for, `accent` is #rrggbb; `max_selfie_bytes` is for the selfies of one call.
    """

    event_id: int
    event_name: str
    event_date: str
    cover_image: str | None
    organiser: str | None
    privacy_url: str | None
    consent: Consent | None
    retention: Retention
    allows: Allows
    photos: Arrival
    locale: str | None
    accent: str | None
    max_selfie_bytes: int


@with_config(_LENIENT)
class WatchedSearch(TypedDict):
    """`data` of a watch; `watching_until` is ISO 8601, in UTC."""

    request_id: str
    watching_until: str


@with_config(_LENIENT)
class SearchUpdates(TypedDict):
    """`data` of what a watch has found: `latest` is the search with later photos too, `total` how many it has.

    `watching_until` is None where nothing is watched any more, `latest` where nothing came later.
    """

    request_id: str
    watching_until: str | None
    latest: str | None
    total: int


FaceSearchBody = Envelope[FaceSearchResult]
"""The body of a face search response."""

ErrorBody = dict[str, Any]
"""The body of a refusal: the envelope's keys, of which only `message` is sure."""
