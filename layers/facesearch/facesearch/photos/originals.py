"""Links to originals: the hand-off from a search, or from image_ids, to downloads."""

import uuid
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import Field

from facesearch.errors import InvalidRequestId, NoSuchImages, StoreUnavailable
from facesearch.models import Event
from facesearch.observability import log_unexpected
from facesearch.records import Photo, PhotoStore
from facesearch.validation import parse_request_id

LINK_SECONDS = 3600
"""At most: a link ends with the credentials that signed it. Lambda gives a running environment a session and tells no
end of it, so nothing here can know when that is."""
MAX_IMAGE_IDS = 1_000
MAX_IDENTIFIER = 200
_NOT_HERE = "There is no such photo in this event."
_NONE_HERE = "None of these photos is in this event."
_GONE = "The original is no longer there."
_UNREACHABLE = "The original could not be checked. Try again."


_ImageId = Annotated[str, Field(max_length=MAX_IDENTIFIER)]


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


class Originals:
    """The use case."""

    def __init__(self, photos: PhotoStore, store: OriginalStore, pool: Executor) -> None:
        """Take the parts; `pool` runs the look-ups of one page side by side."""
        self._photos = photos
        self._store = store
        self._pool = pool

    def links(self, event: Event, image_ids: Sequence[str], named: Sequence[str] = ()) -> list[Link | NoLink]:
        """A link for each image of a page, in order. One that cannot be linked says why and is nobody else's trouble.

        Args:
            event: whose photos they are.
            image_ids: those of the page.
            named: all that the caller has named, on whatever page; empty if a search has named them.

        Raises:
            NoSuchImages: the caller has named some, and not one of them is a photo of the event.
        """
        known, photos = self._look_up(event, image_ids)
        if named and not any(map(_is_shown, photos.values())):
            _, others = self._look_up(event, sorted(set(named) - set(image_ids)))
            if not any(map(_is_shown, others.values())):
                raise NoSuchImages(_NOT_HERE if len(named) == 1 else _NONE_HERE)

        def link(text: str) -> Link | NoLink:
            return self._link(text, photos.get(known[text]) if text in known else None)

        return list(self._pool.map(link, image_ids))

    def _look_up(self, event: Event, image_ids: Sequence[str]) -> tuple[dict[str, uuid.UUID], dict[uuid.UUID, Photo]]:
        """Those of the texts that are UUIDs, and the records that there are of them."""
        known = {text: image_id for text in image_ids if (image_id := _uuid(text)) is not None}
        return known, dict(self._photos.get_many(event.event_id, event.shards, known.values()))

    def _link(self, image_id: str, photo: Photo | None) -> Link | NoLink:
        if photo is None:
            return NoLink(image_id, _NOT_HERE)
        if not _is_shown(photo):
            return NoLink(image_id, _NOT_HERE, photo.key)
        try:
            for place in photo.originals:
                if place.is_there(self._store.etag(place.key)):
                    return Link(self._store.link(place.key, place.filename), place.filename)
            return NoLink(image_id, _GONE, photo.key)
        except StoreUnavailable as error:
            log_unexpected(error)
            return NoLink(image_id, _UNREACHABLE, photo.key)


def _is_shown(photo: Photo) -> bool:
    return photo.status == "indexed"


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return parse_request_id(text)
    except InvalidRequestId:
        return None
