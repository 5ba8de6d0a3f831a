"""The nouns of the domain, and the bodies of the answers."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class ApiKey:
    """What a presented key is good for."""

    key_id: str
    org_id: int
    active: bool


@dataclass(frozen=True)
class Event:
    """One event's configuration.

    Attributes:
        confidence: the threshold of its searches in percent, 1 to 100 (see `confidence`).
        shards: number of partition keys that its photo items are spread over.
    """

    event_id: int
    org_id: int
    name: str
    selfie_search: bool
    event_enabled: bool
    confidence: int
    shards: int


@dataclass(frozen=True)
class PhotoMatch:
    """One photo of a result. `width` and `height` in pixels as displayed, 0 where unknown."""

    image_id: uuid.UUID
    width: int
    height: int


@dataclass(frozen=True)
class SearchSummary:
    """What is known of a finished search without its photos."""

    total: int
    confidence: int


@dataclass(frozen=True)
class SearchKey:
    """The scope of one search: the same UUID under another organisation or event is another search."""

    org_id: int
    event_id: int
    request_id: uuid.UUID


class ImageItem(BaseModel):
    """A photo of the event in a face search answer."""

    model_config = ConfigDict(frozen=True)

    img_url: str
    height: int | None
    width: int | None
    image_id: str
    thumbnail_url: str
    original_url: None = None


class PaginationInfo(BaseModel):
    """Where a page stands among all pages; pages count from 1, and 0 of 0 means that nothing was found."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    total: int
    current_page: Annotated[int, Field(serialization_alias="currentPage")]
    total_pages: Annotated[int, Field(serialization_alias="totalPages")]
    has_next_page: Annotated[bool, Field(serialization_alias="hasNextPage")]
    has_previous_page: Annotated[bool, Field(serialization_alias="hasPreviousPage")]
    page_size: int


class FaceSearchResult(BaseModel):
    """`data` of a face search answer."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    confidence_percentage: int
    images: list[ImageItem]
    pagination: PaginationInfo


class FaceSearchResponse(BaseModel):
    """The whole answer of POST …/faces and GET …/faces/{request_id}."""

    model_config = ConfigDict(frozen=True)

    response_type: Annotated[Literal["success"], Field(serialization_alias="responseType")] = "success"
    message: str = "Computed face search"
    data: FaceSearchResult
