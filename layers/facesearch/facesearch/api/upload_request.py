"""The body of a request for an upload form."""

import json

from pydantic import BaseModel, ConfigDict, ValidationError

from facesearch.errors import InvalidRequest
from facesearch.search.selfies import ContentType
from facesearch.validation import flatten, no_json


class UploadRequest(BaseModel):
    """The body of a request for an upload; without one, the picture is a JPEG."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content_type: ContentType = "image/jpeg"


def parse_upload_request(body: bytes) -> UploadRequest:
    """Read the body, which may be empty.

    Raises:
        InvalidRequest: not JSON, or another type of picture.
    """
    if not body:
        return UploadRequest()
    try:
        return UploadRequest.model_validate(json.loads(body))
    except ValidationError as error:
        raise InvalidRequest("; ".join(flatten("body", error))) from None
    except (ValueError, RecursionError):
        raise InvalidRequest(no_json(body, "body: must be empty or a JSON object with content_type")) from None
