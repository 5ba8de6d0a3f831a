"""The envelope around every response, and the one place where exceptions become statuses."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from facesearch.api.resolver import Response
from facesearch.errors import FaceSearchError, Throttled
from facesearch.observability import count_failed_call, log_unexpected, logger

DataT = TypeVar("DataT", bound=BaseModel)
ERROR = "Face-Search-Error"
"""Header: the code of what went wrong, for programs; `message` is for people."""
INTERNAL_ERROR = "Internal error; nothing was recorded. Retry with the same request_id."


class Body(BaseModel):
    """A part of a response."""

    # Every field is in every response, those with a default too. A function answers with few of these bodies: each is
    # built when it is first used.
    model_config = ConfigDict(
        frozen=True, populate_by_name=True, json_schema_serialization_defaults_required=True, defer_build=True
    )


class Success(Body, Generic[DataT]):
    """The envelope of every 2xx response."""

    response_type: Annotated[Literal["success"], Field(serialization_alias="responseType")] = "success"
    message: str
    data: DataT


class Failure(Body):
    """The envelope of every other response. `message` is for people and logs, never a contract."""

    response_type: Annotated[Literal["error"], Field(serialization_alias="responseType")] = "error"
    message: str
    data: None = None


def success(
    message: str, data: BaseModel, headers: Mapping[str, str] | None = None, status: int = HTTPStatus.OK
) -> Response[str]:
    return _response(status, Success(message=message, data=data), headers or {})


def failure(error: Exception, headers: Mapping[str, str] | None = None) -> Response[str]:
    """The envelope of whatever went wrong: a documented outcome as it says of itself, anything else as 500."""
    if isinstance(error, FaceSearchError) and not isinstance(error, Throttled):
        logger.info("refused", status=error.status, outcome=type(error).__name__)
    else:
        log_unexpected(error)
    if isinstance(error, FaceSearchError):
        more = {ERROR: error.code, **error.headers}
        return _response(error.status, Failure(message=error.message), {**(headers or {}), **more})
    count_failed_call()
    internal = Failure(message=INTERNAL_ERROR)
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, internal, {**(headers or {}), ERROR: FaceSearchError.code})


def _response(status: int, body: BaseModel, headers: Mapping[str, str]) -> Response[str]:
    return Response(status, "application/json", body.model_dump_json(by_alias=True), headers=dict(headers))
