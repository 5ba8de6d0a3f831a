"""`Matcher` over an upstream: the selfie goes there, the whole result comes back, and nothing of it is believed that
does not fit together."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace

from typing_extensions import override

from facesearch.adapters.upstream.api import Upstream, UpstreamResponseError
from facesearch.faces.matching import Matcher
from facesearch.models import Event, PhotoMatch, RenditionUrls, SearchKey, SearchSummary, UpstreamEvent
from facesearch.observability import logger
from facesearch_client.models import LARGEST_PAGE, ImageItem
from facesearch_client.responses import FaceSearchResponse

MAX_PHOTOS = 100_000
"""A result that is larger is refused: more than anybody's event has photos of one person."""
PAGES_AT_ONCE = 4
MAX_SIDE = 2**31 - 1
MAX_URL_LENGTH = 1000


@dataclass(frozen=True)
class UpstreamPage:
    """One page, checked by itself. `renditions`: None where there is no photo to tell them by."""

    photos: list[PhotoMatch]
    total: int
    confidence: int
    renditions: RenditionUrls | None


@dataclass(frozen=True)
class UpstreamProbe:
    """A search that is done there: its key there, its first page, and until when the others are to be read."""

    search: SearchKey
    first: UpstreamPage
    deadline: float


@dataclass(frozen=True)
class UpstreamMatcher(Matcher[UpstreamProbe]):
    """The search itself is part of the probe, for only who searches knows whether there is a face.

    `pool` reads further pages, so many at once as it has threads.
    """

    upstream: Upstream
    pool: Executor

    @override
    def probe_is_paid(self, event: Event) -> bool:
        return True

    @override
    def probe(
        self,
        event: Event,
        selfies: Sequence[bytes],
        search: SearchKey,
        seconds: float,
        accepted: Callable[[], None] = lambda: None,
    ) -> UpstreamProbe:
        """Also raises what `Upstream.search` does."""
        deadline = self.upstream.clock() + seconds
        there = event.upstream or UpstreamEvent(event.org_id, event.event_id)
        wanted = SearchKey(there.org_id, there.event_id, search.request_id)
        return UpstreamProbe(wanted, _page(self.upstream.search(wanted, selfies, deadline), wanted, 1), deadline)

    @override
    def match(self, event: Event, probe: UpstreamProbe) -> list[PhotoMatch]:
        """In the upstream's order, as it is.

        Raises:
            UpstreamResponseError: the pages are not those of one search.
        """

        def page(number: int) -> UpstreamPage:
            return _page(self.upstream.page(probe.search, number, probe.deadline), probe.search, number)

        first = probe.first
        pages = [first, *self.pool.map(page, range(2, -(-first.total // LARGEST_PAGE) + 1))]
        for each in pages:
            _agree(replace(each, photos=[]) == replace(first, photos=[]), "pages")
        photos = [photo for each in pages for photo in each.photos]
        _agree(len({photo.image_id for photo in photos}) == first.total, "photos")
        return photos

    @override
    def summary(self, event: Event, probe: UpstreamProbe, photos: Sequence[PhotoMatch]) -> SearchSummary:
        """The threshold is the upstream's, and the renditions are where it serves them."""
        return SearchSummary(len(photos), probe.first.confidence, probe.first.renditions)


def _page(response: FaceSearchResponse, search: SearchKey, number: int) -> UpstreamPage:
    """The page as ours.

    Raises:
        UpstreamResponseError: it is not the page that was asked for, or cannot be kept.
    """
    data, pagination = response.data, response.pagination
    total, confidence = pagination["total"], data["confidence_percentage"]
    _agree(data["request_id"].lower() == str(search.request_id), "request_id")
    _agree(0 <= total <= MAX_PHOTOS, "total")
    _agree(pagination["page_size"] == LARGEST_PAGE, "page_size")
    _agree(pagination["currentPage"] == (number if total else 0), "currentPage")
    _agree(len(data["images"]) == max(0, min(LARGEST_PAGE, total - (number - 1) * LARGEST_PAGE)), "images")
    _agree(confidence in range(1, 101), "confidence_percentage")
    photos = [_photo(image) for image in data["images"]]
    return UpstreamPage(photos, total, int(confidence), _renditions(data["images"], photos))


def _photo(image: ImageItem) -> PhotoMatch:
    width, height = image["width"] or 0, image["height"] or 0
    _agree(0 <= width <= MAX_SIDE and 0 <= height <= MAX_SIDE, "width or height")
    with suppress(ValueError):
        return PhotoMatch(uuid.UUID(image["image_id"]), width, height)
    raise _disagreement("image_id")


def _renditions(images: Iterable[ImageItem], photos: Iterable[PhotoMatch]) -> RenditionUrls | None:
    """What all the URLs have in common.

    A result is kept as ids; its URLs are made of them. So they must differ in the id alone, as those of the contract,
    https://…/imgs/{event}/large/{image_id}.jpg, do.
    """
    common: RenditionUrls | None = None
    for image, photo in zip(images, photos, strict=True):
        urls = RenditionUrls(_pattern(image["img_url"], photo), _pattern(image["thumbnail_url"], photo))
        _agree(urls.of(photo.image_id) == (image["img_url"], image["thumbnail_url"]), "rendition URLs")
        _agree(common in (None, urls), "rendition URLs")
        common = urls
    return common


def _pattern(url: str, photo: PhotoMatch) -> str:
    pattern = url.replace(str(photo.image_id), RenditionUrls.IMAGE_ID)
    is_link = url.startswith(("https://", "http://")) and len(url) <= MAX_URL_LENGTH
    _agree(is_link and pattern.count(RenditionUrls.IMAGE_ID) == 1, "rendition URLs")
    return pattern


def _agree(holds: bool, what: str) -> None:
    if not holds:
        raise _disagreement(what)


def _disagreement(what: str) -> UpstreamResponseError:
    logger.error("upstream breaks the contract", field=what)
    return UpstreamResponseError(what)
