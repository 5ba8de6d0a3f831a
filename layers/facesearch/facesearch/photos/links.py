"""Links to photos: to renditions, made whenever a page is read, so that a page that is read again has fresh ones; and
to originals, the hand-off from a search, or from image_ids, to downloads."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from facesearch.errors import InvalidRequestId, NoSuchImages, StoreUnavailable
from facesearch.models import Event, RenditionUrls
from facesearch.observability import log_unexpected
from facesearch.records import Photo, PhotoStore, RenditionSize, rendition_key
from facesearch.validation import parse_request_id

LINK_SECONDS = 3600
"""At most: a link ends with the credentials that signed it. Lambda gives a running environment a session and tells no
end of it, so nothing here can know when that is."""
MAX_IMAGE_IDS = 1_000
MAX_IDENTIFIER = 200
_SHOWN: tuple[RenditionSize, ...] = ("large", "small")
_NOT_HERE = "There is no such photo in this event."
_NONE_HERE = "None of these photos is in this event."
_GONE = "The original is no longer there."
_UNREACHABLE = "The original could not be checked. Try again."


class RenditionLinks(Protocol):
    """Where renditions are shown from."""

    def url(self, event_id: int, size: RenditionSize, image_id: uuid.UUID) -> str:
        """The rendition's URL; nothing is looked up for it."""

    def pairs(self, event_id: int) -> Callable[[uuid.UUID], tuple[str, str]]:
        """Makes the URLs of a photo's two renditions, the large one first."""
        return lambda image_id: (self.url(event_id, "large", image_id), self.url(event_id, "small", image_id))


@dataclass(frozen=True)
class HostLinks(RenditionLinks):
    """Of a host that shows the bucket: CloudFront, a CDN, the local stack. They live for good.

    `base_url`: scheme and host, without a slash at the end.
    """

    base_url: str

    @override
    def url(self, event_id: int, size: RenditionSize, image_id: uuid.UUID) -> str:
        return f"{self.base_url}/{rendition_key(event_id, size, image_id)}"

    @override
    def pairs(self, event_id: int) -> Callable[[uuid.UUID], tuple[str, str]]:
        """All but the image_id is put together once a page: 32 photos took a third of its time."""
        keys = (rendition_key(event_id, size, RenditionUrls.IMAGE_ID) for size in _SHOWN)
        return RenditionUrls(*(f"{self.base_url}/{key}" for key in keys)).of


@dataclass(frozen=True)
class Link:
    """A link to an original, and the name that its file had."""

    url: str
    filename: str


@dataclass(frozen=True)
class NoLink:
    """An image without a link, and why; `path` is its original's key, if there is such a photo."""

    image_id: str
    error: str
    path: str | None = None


class OriginalStore(Protocol):
    """Where originals lie."""

    def etag(self, key: str) -> str | None:
        """S3's ETag of the object; None if it is not there."""

    def link(self, key: str, filename: str) -> str:
        """A URL that downloads it under that name for `LINK_SECONDS`."""


@dataclass(frozen=True, kw_only=True)
class Originals:
    """The use case. `pool` runs the look-ups of one page side by side."""

    photos: PhotoStore
    store: OriginalStore
    pool: Executor

    def links(self, event: Event, image_ids: Sequence[str], named: Sequence[str] = ()) -> list[Link | NoLink]:
        """A link for each image of a page, in order. One that cannot be linked says why and is nobody else's trouble.

        `named` are all that the caller has named, on whatever page; empty if a search has named them.

        Raises:
            NoSuchImages: the caller has named some, and not one of them is a photo of the event.
        """
        photos, others = self._look_up(event, image_ids), sorted(set(named) - set(image_ids))
        if named and not _is_any_shown(photos) and not _is_any_shown(self._look_up(event, others)):
            raise NoSuchImages(_NOT_HERE if len(named) == 1 else _NONE_HERE)
        return list(self.pool.map(lambda text: self._link(text, photos.get(text)), image_ids))

    def _look_up(self, event: Event, image_ids: Iterable[str]) -> dict[str, Photo]:
        """The records that there are of them."""
        known = {text: image_id for text in image_ids if (image_id := _uuid(text)) is not None}
        photos = self.photos.get_many(event.event_id, event.shards, known.values())
        return {text: photos[image_id] for text, image_id in known.items() if image_id in photos}

    def _link(self, image_id: str, photo: Photo | None) -> Link | NoLink:
        if photo is None or photo.status != "indexed":
            return NoLink(image_id, _NOT_HERE, None if photo is None else photo.key)
        try:
            for place in photo.originals:
                if place.is_there(self.store.etag(place.key)):
                    return Link(self.store.link(place.key, place.filename), place.filename)
            return NoLink(image_id, _GONE, photo.key)
        except StoreUnavailable as error:
            log_unexpected(error)
            return NoLink(image_id, _UNREACHABLE, photo.key)


def _is_any_shown(photos: dict[str, Photo]) -> bool:
    return any(photo.status == "indexed" for photo in photos.values())


def _uuid(text: str) -> uuid.UUID | None:
    with suppress(InvalidRequestId):
        return parse_request_id(text)
    return None
