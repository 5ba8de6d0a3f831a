"""What requests and messages have in common: UUIDs as we read them, and field errors as text."""

import re
import uuid

from pydantic import ValidationError

from facesearch.errors import InvalidRequestId

UUID_PATTERN = (
    r"^(?:[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32})$"
)
"""What we read as a UUID; spelt without flags, so that the OpenAPI document can say it too."""


GZIP = b"\x1f"
"""What a gzip'd body begins with, and no form or JSON. The byte after it is lost where the gateway took it for text."""


COMPRESSED = "body: it is compressed; send it as it is, without Content-Encoding"


_UUID = re.compile(UUID_PATTERN)


def parse_request_id(text: str) -> uuid.UUID:
    """A UUID in any text form of RFC 4122, or as 32 digits; `str` of it is the form we answer in.

    Raises:
        InvalidRequestId: anything else.
    """
    form = _UUID.fullmatch(text)
    if form is None:
        raise InvalidRequestId("request_id is not a valid UUID")
    return uuid.UUID(form[1])


def upload_of(text: str) -> uuid.UUID | None:
    """An upload_id; None if it is no UUID and so was never given out."""
    try:
        return parse_request_id(text)
    except InvalidRequestId:
        return None


def flatten(place: str, error: ValidationError) -> list[str]:
    """Field errors as `place.field: message`; never the value that was sent."""
    return [".".join([place, *map(str, detail["loc"])]) + f": {detail['msg']}" for detail in error.errors()]


def no_json(body: bytes, expected: str) -> str:
    """What is wrong with a body that is no JSON."""
    return COMPRESSED if body.startswith(GZIP) else expected
