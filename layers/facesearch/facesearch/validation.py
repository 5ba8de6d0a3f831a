"""What requests and messages have in common: UUIDs as we read them, and field errors as text."""

import json
import re
import uuid
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from facesearch.errors import InvalidRequest, InvalidRequestId

ModelT = TypeVar("ModelT", bound=BaseModel)
UUID_PATTERN = (
    r"^(?:[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32})$"
)
"""What we read as a UUID; spelt without flags, so that the OpenAPI document can say it too."""
_UUID = re.compile(UUID_PATTERN)
GZIP = b"\x1f"
"""What a gzip'd body begins with, and no form or JSON. The byte after it is lost where the gateway took it for text."""
COMPRESSED = "body: it is compressed; send it as it is, without Content-Encoding"


def uuid_of(text: str) -> uuid.UUID | None:
    """A UUID in any text form of RFC 4122, or as 32 digits; None of anything else."""
    form = _UUID.fullmatch(text)
    return uuid.UUID(form[1]) if form else None


def parse_request_id(text: str) -> uuid.UUID:
    """A request_id, or InvalidRequestId; `str` of it is the form that responses have."""
    if (request_id := uuid_of(text)) is None:
        raise InvalidRequestId("request_id is not a valid UUID")
    return request_id


def flatten(place: str, error: ValidationError) -> list[str]:
    """Field errors as `place.field: message`, each once; never the value that was sent."""
    messages = []
    for each in error.errors():
        words = re.sub(r"^[A-Z]\w+ should ", "must ", each["msg"]).replace("Field required", "is required")
        words = re.sub("^must be a valid dictionary.*", "must be a JSON object", words)
        words = words.replace("be a valid tuple", "be a list")
        messages.append(".".join([place, *map(str, each["loc"])]) + f": {words}")
    return list(dict.fromkeys(messages))


def whole(value: object) -> object:
    """To JSON, and so to the OpenAPI document, 30.0 is a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def no_json(body: bytes, expected: str) -> str:
    """What is wrong with a body that is no JSON."""
    return COMPRESSED if body.startswith(GZIP) else expected


def parse_json(model: type[ModelT], body: bytes, expected: str) -> ModelT:
    """Read a JSON body.

    Raises:
        InvalidRequest: another shape, or no JSON, which then is told what is `expected`.
    """
    try:
        return model.model_validate(json.loads(body))
    except ValidationError as error:
        raise InvalidRequest("; ".join(flatten("body", error))) from None
    except (ValueError, RecursionError):
        raise InvalidRequest(no_json(body, f"body: {expected}")) from None
