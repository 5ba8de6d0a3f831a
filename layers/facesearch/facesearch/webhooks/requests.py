"""The body of a webhook."""

import json
import uuid
from typing import Annotated, Any, Self

import pybase64
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError, from_json

from facesearch.errors import InvalidRequest, TooLarge, UnreadableBody
from facesearch.faces.several import MAX_SELFIES, naming
from facesearch.search.selfies import MAX_SELFIE_BYTES
from facesearch.validation import UUID_PATTERN, flatten, no_json, parse_request_id, whole
from facesearch.webhooks.jobs import WATCH_DAYS

MAX_METADATA_BYTES = 1024
MAX_URL_LENGTH = 2048


def _one_or_some(value: object) -> object:
    """Says it in one sentence, where the union would say it of each of its members."""
    some = value if isinstance(value, list) else [value]
    if value is not None and not (1 <= len(some) <= MAX_SELFIES and all(isinstance(each, str) for each in some)):
        raise PydanticCustomError("selfies", f"must be a string, or a list of 1 to {MAX_SELFIES} strings")
    return value


def _fitting(value: str | list[str] | None) -> str | list[str] | None:
    if not all(1 <= len(url) <= MAX_URL_LENGTH for url in _each(value)):
        raise PydanticCustomError("url", f"A URL should have 1 to {MAX_URL_LENGTH} characters")
    return value


def _each(value: str | list[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _schema(each: dict[str, Any]) -> dict[str, Any]:
    some = {"type": "array", "items": each, "minItems": 1, "maxItems": MAX_SELFIES}
    return {"anyOf": [each, some, {"type": "null"}]}


Selfies = Annotated[str | list[str] | None, BeforeValidator(_one_or_some)]


class WebhookRequest(BaseModel):
    """What to search with, and what to do with the result. Send exactly one of `selfie_url` and `selfie_base64`.

    `watch` needs `watch_consent` to be true, and a `callback_url`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    selfie_url: Annotated[Selfies, AfterValidator(_fitting)] = Field(
        default=None,
        description="The URL of the selfie, or of up to three selfies of one person: https, at a public address, at "
        "most 15 MiB each.",
        json_schema_extra=_schema({"type": "string", "minLength": 1, "maxLength": MAX_URL_LENGTH}),
    )
    selfie_base64: Selfies = Field(
        default=None,
        description="The selfie itself, or up to three selfies of one person: JPEG, PNG, WebP, HEIC or AVIF, together "
        "at most 4.4 MiB before encoding.",
        json_schema_extra=_schema({"type": "string", "minLength": 1}),
    )
    request_id: str | None = Field(
        default=None,
        description="The search's id. If you leave it out, the service makes one up.",
        json_schema_extra={"anyOf": [{"type": "string", "pattern": UUID_PATTERN}, {"type": "null"}]},
    )
    callback_url: Annotated[str, Field(min_length=1, max_length=MAX_URL_LENGTH)] | None = Field(
        default=None, description="The https URL that is called when the search has ended."
    )
    metadata: dict[str, Any] | None = Field(
        default=None, description="Comes back with the callback; at most 1 KB as JSON."
    )
    watch: bool = Field(
        default=False,
        description="Also call back about matching photos that come later; needs `watch_consent` and `callback_url`.",
    )
    watch_consent: bool = Field(
        default=False, description="The person agrees that the service keeps an embedding of the face while it watches."
    )
    watch_days: Annotated[int, BeforeValidator(whole)] = Field(
        default=WATCH_DAYS,
        ge=1,
        le=WATCH_DAYS,
        description=f"How many days to watch, counted from now; {WATCH_DAYS} by default. Needs `watch`.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.selfie_url is None) is (self.selfie_base64 is None):
            raise PydanticCustomError("selfie", "exactly one of selfie_url and selfie_base64")
        if self.watch and not (self.watch_consent and self.callback_url):
            raise PydanticCustomError("watch", "watch needs watch_consent to be true, and a callback_url")
        if not self.watch and "watch_days" in self.model_fields_set:
            raise PydanticCustomError("watch_days", "watch_days needs watch to be true")
        if self.metadata is not None and _size(self.metadata) > MAX_METADATA_BYTES:
            raise PydanticCustomError("metadata", "metadata must have at most 1024 bytes as JSON")
        return self

    @property
    def search_id(self) -> uuid.UUID | None:
        """The request_id, if there is one; InvalidRequestId if it is no UUID."""
        return None if self.request_id is None else parse_request_id(self.request_id)

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the selfies are, if they did not come along."""
        return _each(self.selfie_url)

    def pictures(self) -> list[bytes]:
        """The selfies that came along; UnreadableBody if one is not base64, or empty, TooLarge if they are together."""
        given = _each(self.selfie_base64)
        pictures = []
        for number, text in enumerate(given, 1):
            with naming(number, len(given)):
                pictures.append(_picture(text))
        if sum(map(len, pictures)) > MAX_SELFIE_BYTES:
            too_much = f"more than {MAX_SELFIE_BYTES / 2**20:.1f} MiB"
            if len(pictures) > 1:
                raise TooLarge(f"The selfies have {too_much} together. Send smaller pictures, or selfie_url.")
            raise TooLarge(f"The selfie has {too_much}. Send a smaller picture, or selfie_url.")
        return pictures


def parse_webhook(body: bytes) -> WebhookRequest:
    """Read the body; UnreadableBody if it is not JSON, InvalidRequest if it has another shape."""
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise UnreadableBody(no_json(body, "body: must be JSON")) from None
    try:
        return WebhookRequest.model_validate(content)
    except ValidationError as error:
        raise InvalidRequest("; ".join(flatten("body", error))) from None


def _picture(text: str) -> bytes:
    try:
        picture = pybase64.b64decode(text, validate=True)
    except ValueError:  # letters beyond Latin-1, too
        raise UnreadableBody("body.selfie_base64: must be base64, without line breaks or a data: prefix") from None
    if not picture:
        raise UnreadableBody("body.selfie_base64: the selfie is empty")
    return picture


def _size(metadata: dict[str, Any]) -> int:
    try:
        return len(json.dumps(metadata, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError):  # numbers that JSON has no way to say, nesting without end
        return MAX_METADATA_BYTES + 1
