"""A client of the face search API: one search per `request_id`, however often the network makes us ask.

with FaceSearchClient("https://api.example.com", api_key, org_id=903) as client:
    response = client.search(456, Path("selfie.jpg"))
    for page in client.pages(456, response.request_id):
        ...
    client.download_originals(456, Path("originals"), request_id=response.request_id)

`AsyncFaceSearchClient` has the same methods for asyncio: `await` each, and `async for` over pages, events and images.
"""

from facesearch_client.asynchronous import AsyncFaceSearchClient
from facesearch_client.blocking import FaceSearchClient
from facesearch_client.downloads import DownloadFailure, DownloadReport
from facesearch_client.errors import (
    BadRequestError,
    ClientError,
    NoResponseError,
    NotAllowedError,
    NotFoundError,
    SelfieError,
    ServerError,
    StorageRefusedError,
    TooManyRequestsError,
    UnexpectedResponseError,
    WaitTimeoutError,
)
from facesearch_client.models import (
    PAGE_SIZE,
    Allows,
    Arrival,
    Consent,
    Envelope,
    EventDetails,
    EventPage,
    EventSummary,
    FaceSearchBody,
    FaceSearchResult,
    GuestPage,
    ImageItem,
    ImagePage,
    MissingOriginal,
    OriginalLink,
    OriginalPhotos,
    PaginationInfo,
    Ping,
    PublishableToken,
    Retention,
    SearchUpdates,
    TimelineDay,
    TimelineDays,
    TimelineHour,
    Upload,
    WatchedSearch,
)
from facesearch_client.responses import FaceSearchResponse, RateLimit, Response
from facesearch_client.retries import RetryPolicy
from facesearch_client.selfies import INLINE_SELFIE_BYTES, MAX_SELFIE_BYTES, MAX_SELFIES, Selfie, image_type_of

__all__ = [
    "INLINE_SELFIE_BYTES",
    "MAX_SELFIES",
    "MAX_SELFIE_BYTES",
    "PAGE_SIZE",
    "Allows",
    "Arrival",
    "AsyncFaceSearchClient",
    "BadRequestError",
    "ClientError",
    "Consent",
    "DownloadFailure",
    "DownloadReport",
    "Envelope",
    "EventDetails",
    "EventPage",
    "EventSummary",
    "FaceSearchBody",
    "FaceSearchClient",
    "FaceSearchResponse",
    "FaceSearchResult",
    "GuestPage",
    "ImageItem",
    "ImagePage",
    "MissingOriginal",
    "NoResponseError",
    "NotAllowedError",
    "NotFoundError",
    "OriginalLink",
    "OriginalPhotos",
    "PaginationInfo",
    "Ping",
    "PublishableToken",
    "RateLimit",
    "Response",
    "Retention",
    "RetryPolicy",
    "SearchUpdates",
    "Selfie",
    "SelfieError",
    "ServerError",
    "StorageRefusedError",
    "TimelineDay",
    "TimelineDays",
    "TimelineHour",
    "TooManyRequestsError",
    "UnexpectedResponseError",
    "Upload",
    "WaitTimeoutError",
    "WatchedSearch",
    "image_type_of",
]
