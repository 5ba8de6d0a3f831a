"""The body of a request for links to originals."""

import json
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from facesearch.api.requests import ApiRequest
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import Feature
from facesearch.photos.links import MAX_IDENTIFIER, MAX_IMAGE_IDS
from facesearch.reading import StoredPage
from facesearch.validation import flatten, no_json


class Method(StrEnum):
    """What the identifier is."""

    SELFIE = "selfie"
    IMAGE_ID = "image_id"
    IMAGE_IDS = "image_ids"
    BIB = "bib"


class OriginalsRequest(BaseModel):
    """The body of the request: a request_id for `selfie`, an image_id, a list of them, or a bib number."""

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

    def select(self, request: ApiRequest, stored: StoredPage | None) -> tuple[int, list[str]]:
        """How many images the identifier names in all, and those of the page.

        Args:
            request: with this body's request_id.
            stored: the page of that search, if there is one.

        Raises:
            InvalidRequestId: it is no UUID.
            NotFound: no such finished search.
        """
        if self.method is Method.SELFIE:
            if request.body_problem is not None:
                raise request.body_problem
            if stored is None:
                raise NotFound("request_id is unknown for this event.")
            return stored.summary.total, [str(photo.image_id) for photo in stored.photos]
        each = self.named
        return len(each), each[request.page.start : request.page.stop]


def parse_originals(body: bytes) -> OriginalsRequest | InvalidRequest:
    """Read the body; what is wrong with it counts only after the other checks, so it is given back."""
    try:
        return OriginalsRequest.model_validate(json.loads(body))
    except ValidationError as error:
        return InvalidRequest("; ".join(dict.fromkeys(flatten("body", error))))
    except (ValueError, RecursionError):
        return InvalidRequest(no_json(body, "body: must be a JSON object with method and identifier"))
