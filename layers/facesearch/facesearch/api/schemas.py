"""The bodies of the responses, envelope included: what the OpenAPI document describes is generated from these."""

import uuid
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

DataT = TypeVar("DataT", bound=BaseModel)
Status = Literal["queued", "running", "done", "failed"]


class Body(BaseModel):
    """A part of a response."""

    # Every field is in every response, those with a default too.
    model_config = ConfigDict(frozen=True, populate_by_name=True, json_schema_serialization_defaults_required=True)


class Success(Body, Generic[DataT]):
    """The envelope of every 2xx response."""

    response_type: Annotated[Literal["success"], Field(serialization_alias="responseType")] = "success"
    message: str
    data: DataT


class Failure(Body):
    """The envelope of every other response. `message` is for people and logs, never a contract."""

    response_type: Annotated[Literal["error"], Field(serialization_alias="responseType")] = "error"
    message: str
    data: None = None


class PaginationInfo(Body):
    """Where a page stands among all pages; pages count from 1, and 0 of 0 means that nothing was found."""

    total: Annotated[int, Field(ge=0, description="All that was found, on whichever page.")]
    current_page: Annotated[
        int, Field(serialization_alias="currentPage", ge=0, description="As asked; 0 if nothing was found.")
    ]
    total_pages: Annotated[int, Field(serialization_alias="totalPages", ge=0)]
    has_next_page: Annotated[bool, Field(serialization_alias="hasNextPage")]
    has_previous_page: Annotated[bool, Field(serialization_alias="hasPreviousPage")]
    page_size: Annotated[int, Field(ge=1, description="As asked, however many are on this page.")]


class ImageItem(Body):
    """A photo of the event. `width` and `height`: of the original, in pixels as displayed."""

    img_url: Annotated[str, Field(description="URL of the large rendition, a JPEG of at most 2048 px.")]
    height: int | None
    width: int | None
    image_id: uuid.UUID
    thumbnail_url: Annotated[str, Field(description="URL of the small rendition, a JPEG of at most 400 px.")]
    original_url: Annotated[None, Field(description="Always null: originals have a call of their own.")] = None


class FaceSearchResult(Body):
    """A page of a finished search. `confidence_percentage` is the event's threshold at the time of the search."""

    request_id: Annotated[uuid.UUID, Field(description="What every further page is asked for with.")]
    confidence_percentage: Annotated[int, Field(ge=1, le=100)]
    images: list[ImageItem]
    pagination: PaginationInfo


class Pong(Body):
    """The key works, and the event is the key's."""

    status: Literal["ok"] = "ok"
    org_id: int
    event_id: int


# Without a zone, so not JSON Schema's "date-time", which RFC 3339 defines and which needs one.
EventDate = Annotated[
    str,
    Field(
        description="When the event starts: ISO 8601, a date and a time without a zone.",
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$",
    ),
]


class EventDetails(Body):
    """An event's metadata and feature flags; the flags of features that are not served are false."""

    event_id: int
    event_name: str
    event_slug: str
    event_date: EventDate
    status: Annotated[Literal["active", "inactive"], Field(description="active = event_enabled")]
    event_enabled: bool
    bib_search: Literal[False] = False
    selfie_search: bool
    name_search: Literal[False] = False
    video_search: Literal[False] = False
    video_selfie_search: Literal[False] = False
    timeline_search: Literal[False] = False


class EventItem(Body):
    """One event of a list. `cover_image`: URL of a photo, null if none was chosen."""

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


class Images(Body):
    """A page of the event's gallery, by capture time, then image_id; photos without a capture time come last."""

    images: list[ImageItem]
    pagination: PaginationInfo


class PresignedUrl(Body):
    """A link to an original that lives one hour at most, and the file's name."""

    url: str
    filename: str


class FailedUrl(Body):
    """An image that there is no link for, and why."""

    image_id: Annotated[str, Field(description="As it was sent, so perhaps no UUID.")]
    error: str
    path: Annotated[str | None, Field(description="The original's object key, null if there is no such photo.")]


class OriginalPhotos(Body):
    """Links to a page of originals. `total_images` counts all that the identifier names, the counts are this page's."""

    presigned_urls: list[PresignedUrl]
    failed_urls: list[FailedUrl]
    total_images: Annotated[int, Field(ge=0)]
    successful_count: Annotated[int, Field(ge=0)]
    failed_count: Annotated[int, Field(ge=0)]
    identifier: Annotated[str | None, Field(description="As it was sent; null for `image_ids`.")]
    message: Annotated[str | None, Field(description="Says so if a link is missing.")]
    pagination: PaginationInfo


class SelfieUpload(Body):
    """Where to POST a selfie that is too large for one call: a form of `fields`, then the part `file` last."""

    upload_id: Annotated[uuid.UUID, Field(description="What stands in place of file when searching.")]
    url: str
    fields: dict[str, str]
    max_bytes: Annotated[int, Field(ge=1, description="The largest file that the form takes.")]
    expires_in: Annotated[int, Field(ge=1, description="Seconds for which the form is good.")]


class QueuedSearch(Body):
    """A search that a webhook has asked for."""

    request_id: Annotated[uuid.UUID, Field(description="The search.")]
    status: Annotated[Status, Field(description="How far it has come by now.")]
    results_url: Annotated[
        str, Field(description="Where its pages are when it is done, below the API's base URL.", pattern="^/")
    ]
    status_url: Annotated[str, Field(description="Where to ask how far it has come, likewise.", pattern="^/")]


class SearchStatus(Body):
    """How far a search has come."""

    request_id: uuid.UUID
    status: Status
    reason: Annotated[
        str | None, Field(description="Why it failed, or why a running one is being tried again; for people.")
    ]


class DeletedSearch(Body):
    """A search that is gone: its `request_id` names nothing any more."""

    request_id: uuid.UUID
