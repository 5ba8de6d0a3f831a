"""What the clients hand out: the API's body as it came, and what the headers said about it."""

from dataclasses import dataclass
from typing import Generic

import httpx
from pydantic import TypeAdapter, ValidationError

from facesearch_client.errors import UnexpectedResponseError
from facesearch_client.models import DataT, Envelope, FaceSearchResult, ImageItem, PaginationInfo


@dataclass(frozen=True)
class Response(Generic[DataT]):
    """A response of the API; `body` is as it came, with fields that this client does not know."""

    body: Envelope[DataT]

    @property
    def data(self) -> DataT:
        """What was asked for."""
        return self.body["data"]


@dataclass(frozen=True)
class RateLimit:
    """The organisation's quota of face searches: `limit` of them, `remaining` now, whole again in `reset` seconds."""

    limit: int
    remaining: int
    reset: int


@dataclass(frozen=True)
class FaceSearchResponse(Response[FaceSearchResult]):
    """One page of a search.

    Attributes:
        body: the API's body as it came.
        replayed: the response came from the cache of an earlier POST; no face match ran for it.
        rate_limit: what is left of the quota; None where the API does not say, as when a page is read.
    """

    replayed: bool = False
    rate_limit: RateLimit | None = None

    @property
    def request_id(self) -> str:
        """The search's identity: keep it, and every page can be read without the selfie."""
        return self.data["request_id"]

    @property
    def images(self) -> list[ImageItem]:
        """The photos of this page, most similar first."""
        return self.data["images"]

    @property
    def pagination(self) -> PaginationInfo:
        """Where this page stands."""
        return self.data["pagination"]


def read_body(
    response: httpx.Response, adapter: TypeAdapter[Envelope[DataT]], what: str, request_id: str | None
) -> Envelope[DataT]:
    """The body of a successful response as it came, once it is sure to have what its type promises.

    Raises:
        UnexpectedResponseError: it is something else than `what`.
    """
    try:
        adapter.validate_json(response.content, strict=True)
    except ValidationError as error:
        raise UnexpectedResponseError(
            f"Status {response.status_code} with a body that is no {what} response "
            f"({error.error_count()} fields differ).",
            status=response.status_code,
            request_id=request_id,
        ) from None
    body: Envelope[DataT] = response.json()  # as it came: validating would drop nothing, but turn 90 into 90.0
    return body


def is_replay(response: httpx.Response) -> bool:
    """Whether the response came from the cache."""
    return bool(response.headers.get("Idempotent-Replayed", "").lower() == "true")


def rate_limit_of(response: httpx.Response) -> RateLimit | None:
    """The quota as the three RateLimit headers tell it; None unless all are there and whole numbers."""
    values = [response.headers.get(f"RateLimit-{name}", "").strip() for name in ("Limit", "Remaining", "Reset")]
    if not all(value.isdecimal() and len(value) < 19 for value in values):  # int() refuses thousands of digits
        return None
    limit, remaining, reset = map(int, values)
    return RateLimit(limit, remaining, reset)
