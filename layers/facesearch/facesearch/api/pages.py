"""Pages of photos: of a search's result and of lists."""

import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from facesearch.api.envelope import Body
from facesearch.models import Event, Page, PhotoMatch, SearchKey
from facesearch.photos.links import RenditionLinks
from facesearch.reading import StoredPage


class PaginationInfo(Body):
    """Where this page stands. Pages count from 1; 0 of 0 means that nothing was found."""

    total: Annotated[int, Field(ge=0, description="Results on all pages together.")]
    current_page: Annotated[int, Field(serialization_alias="currentPage", ge=0, description="0 if nothing was found.")]
    total_pages: Annotated[int, Field(serialization_alias="totalPages", ge=0)]
    has_next_page: Annotated[bool, Field(serialization_alias="hasNextPage")]
    has_previous_page: Annotated[bool, Field(serialization_alias="hasPreviousPage")]
    page_size: Annotated[int, Field(ge=1, description="As requested, even if this page has fewer.")]


# A dictionary, for a page has many, and as models they took a third of its time.
class ImageItem(TypedDict):
    """A photo of the event. `width` and `height` are the original's, in pixels as displayed."""

    img_url: Annotated[str, Field(description="URL of the large rendition, a JPEG of at most 2048 px.")]
    height: int | None
    width: int | None
    image_id: uuid.UUID
    thumbnail_url: Annotated[str, Field(description="URL of the small rendition, a JPEG of at most 400 px.")]
    original_url: Annotated[None, Field(description="Always null: request links to originals instead.")]
    matched_by: NotRequired[
        Annotated[
            Literal["face", "bib"] | None,
            Field(
                description="How a search has found it. Only in results of events with `bib_search`.",
                exclude_if=lambda value: value is None,  # else the OpenAPI document calls it required
            ),
        ]
    ]


class FaceSearchResult(Body):
    """A page of a finished search. `confidence_percentage` is the event's threshold at the time of the search."""

    request_id: Annotated[uuid.UUID, Field(description="Use it to request more pages.")]
    confidence_percentage: Annotated[int, Field(ge=1, le=100)]
    images: list[ImageItem]
    pagination: PaginationInfo


class Images(Body):
    """A page of photos, by capture time, then image_id. Photos without a capture time come last."""

    images: list[ImageItem]
    pagination: PaginationInfo


def face_search_result(
    links: RenditionLinks, event: Event, search: SearchKey, page: Page, stored: StoredPage
) -> FaceSearchResult:
    """How photos were found is said where bibs may have found some."""
    elsewhere = stored.summary.renditions
    urls = elsewhere.of if elsewhere is not None else links.pairs(search.event_id)
    return FaceSearchResult(
        request_id=search.request_id,
        confidence_percentage=stored.summary.confidence,
        images=_image_items(urls, stored.photos, tells_how=event.bib_search),
        pagination=paginate(page, stored.summary.total),
    )


def images(links: RenditionLinks, event_id: int, photos: Sequence[PhotoMatch], page: Page, total: int) -> Images:
    return Images(images=_image_items(links.pairs(event_id), photos), pagination=paginate(page, total))


def _image_items(
    urls: Callable[[uuid.UUID], tuple[str, str]], photos: Sequence[PhotoMatch], *, tells_how: bool = False
) -> list[ImageItem]:
    items = list[ImageItem]()
    for photo in photos:
        large, small = urls(photo.image_id)
        item: ImageItem = {
            "img_url": large,
            "height": photo.height or None,
            "width": photo.width or None,
            "image_id": photo.image_id,
            "thumbnail_url": small,
            "original_url": None,
        }
        if tells_how:
            item["matched_by"] = "bib" if photo.by_bib else "face"
        items.append(item)
    return items


def paginate(page: Page, total: int) -> PaginationInfo:
    pages = -(-total // page.size)
    return PaginationInfo(
        total=total,
        current_page=page.number if total else 0,
        total_pages=pages,
        has_next_page=page.number < pages,
        has_previous_page=total > 0 and page.number > 1,
        page_size=page.size,
    )
