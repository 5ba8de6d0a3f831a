"""Bodies of all responses but pages of photos. The OpenAPI document is generated from all bodies."""

import datetime as dt
import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from facesearch.api.envelope import Body
from facesearch.api.pages import PaginationInfo

Status = Literal["queued", "running", "done", "failed"]


class Pong(Body):
    """The key is valid for this event."""

    status: Literal["ok"] = "ok"
    org_id: int
    event_id: int


# Without a zone, so not JSON Schema's "date-time", which RFC 3339 defines and which needs one.
_DATE = Field(
    description="When the event starts: an ISO 8601 date and time, without a time zone.",
    pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$",
)
EventDate = Annotated[str, _DATE]


class EventDetails(Body):
    """An event's metadata and feature flags. Flags of features that this service does not offer are false."""

    event_id: int
    event_name: str
    event_slug: str
    event_date: EventDate
    status: Annotated[Literal["active", "inactive"], Field(description="`active` if `event_enabled` is true.")]
    event_enabled: bool
    bib_search: bool
    selfie_search: bool
    name_search: Literal[False] = False
    video_search: Literal[False] = False
    video_selfie_search: Literal[False] = False
    timeline_search: bool


class Consent(Body):
    """What a guest agrees to before a search: send `version` as the form field `consent`."""

    version: str
    text: Annotated[str | None, Field(description="The organiser's own words; null for the page's.")]


class Retention(Body):
    """How long what belongs to a search is kept, and the faces in the photos."""

    selfie_days: Annotated[int, Field(ge=0, description="0: selfies are never stored.")]
    result_days: Annotated[int, Field(ge=1)]
    faces_until: Annotated[dt.date | None, Field(description="The last day; null if there is none.")]


class Allows(Body):
    """What a guest may do. For an API key, what the token of a new link allows."""

    search: Annotated[bool, Field(description="Whether a search would be admitted now.")]
    bibs: Annotated[bool, Field(description="Whether photos are found by bib now.")]
    originals: Annotated[bool, Field(description="Whether there are links to the originals of what was found.")]
    watch: Annotated[bool, Field(description="Whether later photos can be watched for.")]
    watch_days: Annotated[int, Field(ge=1, description="The longest watch.")]


class Arrival(Body):
    """Whether photos still arrive."""

    complete: Annotated[bool, Field(description="The organiser expects no more photos.")]
    newest_at: Annotated[dt.datetime | None, Field(description="When the newest photo was indexed, in UTC.")]


class EventPage(Body):
    """What the guests' page says of an event. Texts that the organiser did not choose are null."""

    event_id: int
    event_name: str
    event_date: EventDate
    cover_image: str | None
    organiser: str | None
    privacy_url: str | None
    consent: Annotated[Consent | None, Field(description="Null: none is asked for.")]
    retention: Retention
    allows: Allows
    photos: Arrival
    locale: Annotated[str | None, Field(description="For guests whose languages the page does not speak.")]
    accent: Annotated[str | None, Field(description="A colour.", pattern="^#[0-9a-f]{6}$")]
    max_selfie_bytes: Annotated[int, Field(ge=1, description="What the selfies of one call may have together.")]
    challenge: Annotated[None, Field(description="Always null.")] = None


class EventItem(Body):
    """An event in a list. `cover_image` is the URL of a photo, or null if none was chosen."""

    event_id: int
    event_name: str
    event_slug: str
    event_date: EventDate
    status: Literal["active", "inactive"]
    cover_image: str | None


class Events(Body):
    """A page of the organisation's events, newest first."""

    events: list[EventItem]
    pagination: PaginationInfo


class TimelineHour(Body):
    """An hour in which photos were taken."""

    hour: Annotated[int, Field(ge=0, le=23)]
    count: Annotated[int, Field(ge=1)]


class TimelineDay(Body):
    """A day in UTC on which photos were taken, and those of its hours in which they were."""

    date: dt.date
    total: Annotated[int, Field(ge=1)]
    hours: list[TimelineHour]


class TimelineDays(Body):
    """When photos were taken, in order. Photos without a capture time are not counted."""

    days: list[TimelineDay]


class PresignedUrl(Body):
    """A link to an original, valid for at most one hour, and the file's name."""

    url: str
    filename: str


class FailedUrl(Body):
    """An image without a link, and why it has none."""

    image_id: Annotated[str, Field(description="As you sent it, so it may not be a UUID.")]
    error: str
    path: Annotated[str | None, Field(description="The original's object key; null if there is no such photo.")]


class OriginalPhotos(Body):
    """Links to a page of originals. `total_images` counts all pages, the other counts only this one."""

    presigned_urls: list[PresignedUrl]
    failed_urls: list[FailedUrl]
    total_images: Annotated[int, Field(ge=0)]
    successful_count: Annotated[int, Field(ge=0)]
    failed_count: Annotated[int, Field(ge=0)]
    identifier: Annotated[str | None, Field(description="As you sent it; null for `image_ids`.")]
    message: Annotated[str | None, Field(description="Set if a link is missing.")]
    pagination: PaginationInfo


class SelfieUpload(Body):
    """Where to upload a selfie that is too large for one call: POST a form with these `fields`, and `file` last."""

    upload_id: Annotated[uuid.UUID, Field(description="Send it in place of `file` when you search.")]
    url: str
    fields: dict[str, str]
    max_bytes: Annotated[int, Field(ge=1, description="The largest file that the form accepts.")]
    expires_in: Annotated[int, Field(ge=1, description="How many seconds the form is valid.")]


class QueuedSearch(Body):
    """A search that a webhook started."""

    request_id: uuid.UUID
    status: Status
    results_url: Annotated[
        str, Field(description="Its pages, when it is done, below the API's base URL.", pattern="^/")
    ]
    status_url: Annotated[str, Field(description="Its progress, below the API's base URL.", pattern="^/")]


class SearchStatus(Body):
    """The progress of a search."""

    request_id: uuid.UUID
    status: Status
    reason: Annotated[str | None, Field(description="For people: why it failed, or is being tried again.")]


class WatchedSearch(Body):
    """A search that is watched for later photos."""

    request_id: uuid.UUID
    watching_until: datetime


class SearchUpdates(Body):
    """What a search's watch has found since."""

    request_id: uuid.UUID
    watching_until: Annotated[
        datetime | None, Field(description="When the watch ends; null if there is none, or it has ended.")
    ]
    latest: Annotated[
        uuid.UUID | None,
        Field(description="The newest search that the watch has made: read its pages. Null if nothing came later."),
    ]
    total: Annotated[int, Field(ge=0, description="Photos in `latest`, or in this search if that is null.")]


class DeletedSearch(Body):
    """A deleted search. Its `request_id` is unknown from now on."""

    request_id: uuid.UUID


class PublishableToken(Body):
    """A token for one visitor of a page, shown this once."""

    token: str
    expires_at: Annotated[datetime, Field(description="ISO 8601, in UTC.")]
