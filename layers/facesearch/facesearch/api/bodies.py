"""JSON bodies: of requests for links to originals, for an upload form, and for a visitor's token."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from facesearch.api.requests import ApiRequest
from facesearch.bibs.rules import BIB_PATTERN
from facesearch.errors import InvalidRequest, NoSuchSearch
from facesearch.models import Feature, PhotoMatch
from facesearch.photos.links import MAX_IDENTIFIER, MAX_IMAGE_IDS
from facesearch.reading import StoredPage
from facesearch.search.selfies import ContentType
from facesearch.tokens import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    MAX_ORIGIN,
    MAX_ORIGINS,
    NO_ORIGIN,
    ORIGIN_PATTERN,
    SHORTEST_SECONDS,
    web_origin,
)
from facesearch.validation import parse_json, whole


class Method(StrEnum):
    """What the identifier is."""

    SELFIE = "selfie"
    IMAGE_ID = "image_id"
    IMAGE_IDS = "image_ids"
    BIB = "bib"


_HALVES = re.compile("[\ud800-\udfff]")
"""Of a letter in JSON; alone they are no text."""


def _one_or_some(value: object) -> object:
    """Says it in one sentence, where the union would say it of each of its members."""
    some = value if isinstance(value, list) else [value]
    fit = all(isinstance(each, str) and len(each) <= MAX_IDENTIFIER and not _HALVES.search(each) for each in some)
    if not fit or value == "" or not 1 <= len(some) <= MAX_IMAGE_IDS:
        limits = f"1 to {MAX_IDENTIFIER} characters, or a list of 1 to {MAX_IMAGE_IDS:,} strings"
        raise PydanticCustomError("identifier", f"must be a string of {limits}")
    return value


class OriginalsRequest(BaseModel):
    """The body of the request: a request_id for `selfie`, an image_id, a list of them, or a bib number."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    method: Annotated[Method, Field(strict=False)]
    identifier: Annotated[str | list[str], BeforeValidator(_one_or_some)]

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
        return {Method.SELFIE: Feature.SELFIE_SEARCH, Method.BIB: Feature.BIB_SEARCH}.get(self.method, Feature.PHOTOS)

    @property
    def bib(self) -> str | None:
        """The bib whose photos are wanted, in upper case, if it is one."""
        if self.method is not Method.BIB or not re.fullmatch(BIB_PATTERN, str(self.identifier)):
            return None
        return str(self.identifier).upper()

    @property
    def request_id(self) -> str | None:
        """The search whose photos are wanted, if it is one."""
        return self.identifier if self.method is Method.SELFIE and isinstance(self.identifier, str) else None

    @property
    def named(self) -> list[str]:
        """The images that the caller names one by one, each once; none if a search or a bib does."""
        if self.method in {Method.SELFIE, Method.BIB}:
            return []
        return list(dict.fromkeys(self.identifier if isinstance(self.identifier, list) else [self.identifier]))

    def select(
        self, request: ApiRequest, stored: StoredPage | None, of_bib: Sequence[PhotoMatch] = ()
    ) -> tuple[int, list[str]]:
        """How many images the identifier names in all, and those of the page.

        `request` has this body's request_id, and `stored` is the page of that search, if there is one; NotFound if not.
        InvalidRequest if no bib can be so. `of_bib` are the photos of this body's bib.
        """
        if self.method is Method.BIB and self.bib is None:
            raise InvalidRequest("body.identifier: must be 1 to 16 letters and digits for bib")
        if self.method is not Method.SELFIE:
            every = [str(photo.image_id) for photo in of_bib] if self.method is Method.BIB else self.named
            return len(every), every[request.page.start : request.page.stop]
        if request.body_problem is not None:
            raise request.body_problem
        if stored is None:
            raise NoSuchSearch
        return stored.summary.total, [str(photo.image_id) for photo in stored.photos]


def parse_originals(body: bytes) -> OriginalsRequest | InvalidRequest:
    """Read the body; what is wrong with it counts only after the other checks, so it is given back."""
    try:
        return parse_json(OriginalsRequest, body, "must be a JSON object with method and identifier")
    except InvalidRequest as error:
        return error


class UploadRequest(BaseModel):
    """The body of a request for an upload; without one, the picture is a JPEG."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content_type: ContentType = "image/jpeg"


def parse_upload_request(body: bytes) -> UploadRequest:
    """Read the body, which may be empty, or raise InvalidRequest."""
    return parse_json(UploadRequest, body or b"{}", "must be empty or a JSON object with content_type")


def _origin(text: str) -> str:
    if (origin := web_origin(text)) is None:
        raise PydanticCustomError("origin", f"is {NO_ORIGIN}")
    return origin


class TokenRequest(BaseModel):
    """The body of a request for a visitor's token, which may be empty."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    expires_in: Annotated[int, BeforeValidator(whole)] = Field(
        default=DEFAULT_SECONDS,
        ge=SHORTEST_SECONDS,
        le=LONGEST_SECONDS,
        description=f"For how many seconds the token is good; {DEFAULT_SECONDS} by default.",
    )
    origins: Annotated[
        tuple[
            Annotated[
                str,
                AfterValidator(_origin),
                Field(json_schema_extra={"pattern": ORIGIN_PATTERN, "maxLength": MAX_ORIGIN}),
            ],
            ...,
        ],
        Field(strict=False, max_length=MAX_ORIGINS),
    ] = Field(
        default=(),
        description="Origins of the pages that may use the token, as browsers send them: `https://run.example`. "
        "Without one, only what is no page may.",
    )
    originals: bool = Field(
        default=True, description="Whether the token gives links to the originals of a finished search."
    )
    watch: bool = Field(default=False, description="Whether the token may have later photos looked through.")


def parse_token_request(body: bytes) -> TokenRequest:
    """Read the body, which may be empty, or raise InvalidRequest."""
    return parse_json(TokenRequest, body or b"{}", "must be empty or a JSON object")
