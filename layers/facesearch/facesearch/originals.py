"""Links to originals: the hand-off from a search, or from image_ids, to downloads."""

import json
import uuid
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Protocol, Self
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from facesearch.access import Feature
from facesearch.calls import Call, flatten, no_json, parse_request_id
from facesearch.errors import InvalidRequest, InvalidRequestId, NoSuchImages, NotFound
from facesearch.models import Event
from facesearch.observability import log_unexpected
from facesearch.photos import Photo, PhotoStore
from facesearch.store.objects import etag_of
from facesearch.store.reading import StoredPage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINK_SECONDS = 3600
"""At most: a link ends with the credentials that signed it. Lambda gives a running environment a session and tells no
end of it, so nothing here can know when that is."""
MAX_IMAGE_IDS = 1_000
MAX_IDENTIFIER = 200
_NOT_HERE = "There is no such photo in this event."
_NONE_HERE = "None of these photos is in this event."
_GONE = "The original is no longer there."
_UNREACHABLE = "The original could not be looked for. Try again."


class Method(StrEnum):
    """What the identifier is."""

    SELFIE = "selfie"
    IMAGE_ID = "image_id"
    IMAGE_IDS = "image_ids"
    BIB = "bib"


_ImageId = Annotated[str, Field(max_length=MAX_IDENTIFIER)]


class OriginalsRequest(BaseModel):
    """The body of the call: a request_id for `selfie`, an image_id, a list of them, or a bib number."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    method: Annotated[Method, Field(strict=False)]
    identifier: (
        Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER)]
        | Annotated[
            list[Annotated[str, Field(max_length=MAX_IDENTIFIER)]], Field(min_length=1, max_length=MAX_IMAGE_IDS)
        ]
    )

    @model_validator(mode="after")
    def _shape_fits_method(self) -> Self:
        if isinstance(self.identifier, list) is not (self.method is Method.IMAGE_IDS):
            raise PydanticCustomError(
                "identifier_shape", "identifier is a list for image_ids and one string for every other method"
            )
        return self

    @property
    def feature(self) -> Feature:
        """What must be switched on for it."""
        features = {Method.SELFIE: Feature.SELFIE_SEARCH, Method.BIB: Feature.BIB_SEARCH}
        return features.get(self.method, Feature.PHOTOS)

    @property
    def request_id(self) -> str | None:
        """The search whose photos are wanted, if it is one."""
        return self.identifier if self.method is Method.SELFIE and isinstance(self.identifier, str) else None

    @property
    def named(self) -> list[str]:
        """The images that the caller names one by one, each once; none if a search does."""
        if self.method is Method.SELFIE:
            return []
        return list(dict.fromkeys(self.identifier if isinstance(self.identifier, list) else [self.identifier]))

    def select(self, call: Call, stored: StoredPage | None) -> tuple[int, list[str]]:
        """How many images the identifier names in all, and those of the page.

        Args:
            call: with this body's request_id.
            stored: the page of that search, if there is one.

        Raises:
            InvalidRequestId: it is no UUID.
            NotFound: no such finished search.
        """
        if self.method is Method.SELFIE:
            if call.body_problem is not None:
                raise call.body_problem
            if stored is None:
                raise NotFound("request_id is unknown for this event.")
            return stored.summary.total, [str(photo.image_id) for photo in stored.photos]
        each = self.named
        return len(each), each[call.page.start : call.page.stop]


def parse_originals(body: bytes) -> OriginalsRequest | InvalidRequest:
    """Read the body; what is wrong with it counts only after the other checks, so it is given back."""
    try:
        return OriginalsRequest.model_validate(json.loads(body))
    except ValidationError as error:
        return InvalidRequest("; ".join(dict.fromkeys(flatten("body", error))))
    except (ValueError, RecursionError):
        return InvalidRequest(no_json(body, "body: must be a JSON object with method and identifier"))


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


class S3Originals:
    """`OriginalStore` over the photos bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def etag(self, key: str) -> str | None:
        """See `OriginalStore.etag`; one HEAD."""
        return etag_of(self._s3, self._bucket, key)

    def link(self, key: str, filename: str) -> str:
        """See `OriginalStore.link`. Signed here, nothing is sent."""
        disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"  # RFC 6266
        return self._s3.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": disposition},
            ExpiresIn=LINK_SECONDS,
        )


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
        except (BotoCoreError, ClientError) as error:
            log_unexpected(error)
            return NoLink(image_id, _UNREACHABLE, photo.key)


def _is_shown(photo: Photo) -> bool:
    return photo.status == "indexed"


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return parse_request_id(text)
    except InvalidRequestId:
        return None
