"""The envelope around every answer, and the one place where exceptions become statuses."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from facesearch.errors import FaceSearchError
from facesearch.models import FaceSearchResponse, FaceSearchResult, ImageItem, PhotoMatch, SearchKey
from facesearch.observability import log_unexpected, logger
from facesearch.pagination import Page, paginate
from facesearch.photos import rendition_url
from facesearch.store.reading import StoredPage

JSON = "application/json"
INTERNAL_ERROR = "Internal error; nothing was recorded. Retry with the same request_id."


def success(body: BaseModel, headers: Mapping[str, str] | None = None) -> Response[str]:
    """200 with a response model, which brings the envelope with it."""
    return Response(HTTPStatus.OK, JSON, body.model_dump_json(by_alias=True), headers=dict(headers or {}))


def failure(error: Exception) -> Response[str]:
    """The envelope of whatever went wrong: a documented outcome as it says of itself, anything else as 500."""
    if isinstance(error, FaceSearchError):
        logger.info("refused", status=error.status, outcome=type(error).__name__)
        return _error(error.status, error.message, error.headers)
    log_unexpected(error)
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR, {})


def face_search_response(base_url: str, search: SearchKey, page: Page, stored: StoredPage) -> FaceSearchResponse:
    """The answer of both faces calls."""
    return FaceSearchResponse(
        data=FaceSearchResult(
            request_id=str(search.request_id),
            confidence_percentage=stored.summary.confidence,
            images=[_image_item(base_url, search.event_id, photo) for photo in stored.photos],
            pagination=paginate(page, stored.summary.total),
        )
    )


def _image_item(base_url: str, event_id: int, photo: PhotoMatch) -> ImageItem:
    return ImageItem(
        img_url=rendition_url(base_url, event_id, "large", photo.image_id),
        height=photo.height or None,
        width=photo.width or None,
        image_id=str(photo.image_id),
        thumbnail_url=rendition_url(base_url, event_id, "small", photo.image_id),
    )


def _error(status: int, message: str, headers: Mapping[str, str]) -> Response[str]:
    body = {"responseType": "error", "message": message, "data": None}
    return Response(status, JSON, json.dumps(body), headers=dict(headers))
