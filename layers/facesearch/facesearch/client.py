"""A client of the face search API: one search per `request_id`, however often the network makes us ask.

with FaceSearchClient("https://api.example.com", api_key, org_id=903) as client:
    answer = client.search(456, Path("selfie.jpg"))
    for page in client.pages(456, answer.request_id):
        ...
"""

import email.utils
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import quote

import httpx
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12 on

PAGE_SIZE = 32

_LENIENT = ConfigDict(extra="allow")  # a field that the API gains later must not break an older client


@with_config(_LENIENT)
class ImageItem(TypedDict):
    """A photo that matches; `width` and `height` in pixels as displayed."""

    img_url: str
    thumbnail_url: str
    width: int | None
    height: int | None
    image_id: str
    original_url: str | None


@with_config(_LENIENT)
class PaginationInfo(TypedDict):
    """Where this page stands; pages count from 1, and 0 of 0 means that nothing was found."""

    total: int
    currentPage: int
    totalPages: int
    hasNextPage: bool
    hasPreviousPage: bool
    page_size: int


@with_config(_LENIENT)
class FaceSearchResult(TypedDict):
    """`data` of a face search answer."""

    request_id: str
    confidence_percentage: float
    images: list[ImageItem]
    pagination: PaginationInfo


@with_config(_LENIENT)
class FaceSearchBody(TypedDict):
    """The body of a face search answer."""

    responseType: str
    message: str
    data: FaceSearchResult


_BODY = TypeAdapter(FaceSearchBody)


@dataclass(frozen=True)
class FaceSearchAnswer:
    """One page of a search.

    Attributes:
        body: the API's body as it came.
        replayed: the answer came from the cache of an earlier POST; no face match ran for it.
    """

    body: FaceSearchBody
    replayed: bool

    @property
    def request_id(self) -> str:
        """The search's identity: keep it, and every page can be read without the selfie."""
        return self.body["data"]["request_id"]

    @property
    def images(self) -> list[ImageItem]:
        """The photos of this page, most similar first."""
        return self.body["data"]["images"]

    @property
    def pagination(self) -> PaginationInfo:
        """Where this page stands."""
        return self.body["data"]["pagination"]


class ClientError(Exception):
    """A call did not bring an answer to work with.

    Attributes:
        status: HTTP status, None if no answer came at all.
        message: for people and logs, never a contract.
        envelope: the API's error body, None if the answer had none.
        request_id: of the search in question: try again with it and nothing is searched or billed twice.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        envelope: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.envelope = envelope
        self.request_id = request_id
        self.retry_after = retry_after


class NoAnswerError(ClientError):
    """Not reached, cut off, or silent beyond the timeout."""

    retryable = True


class UnexpectedAnswerError(ClientError):
    """Something answered that does not speak this contract: a proxy's page, a redirect, a foreign body."""


class BadRequestError(ClientError):
    """400, 413, 422 and other 4xx: the same call would be refused again."""


class NotAllowedError(ClientError):
    """401 or 403: key, organisation, event, or a feature that is switched off."""


class NotFoundError(ClientError):
    """404: no such event, or no such finished search in it."""


class TooManyRequestsError(ClientError):
    """429, and still so after every retry; `retry_after` in seconds if the API said one."""

    retryable = True


class ServerError(ClientError):
    """5xx, and still so after every retry: nothing was recorded."""

    retryable = True


@dataclass(frozen=True)
class RetryPolicy:
    """When to ask again, and how long to wait before it.

    Attributes:
        attempts: calls in all, the first included.
        base, ceiling: seconds; wait n is drawn evenly from 0 to min(ceiling, base * 2**n) ("full jitter"), so that
            callers who failed together do not return together.
        longest_retry_after: seconds; a server that asks for more is not waited for, the error says how long.
    """

    attempts: int = 5
    base: float = 0.5
    ceiling: float = 8.0
    longest_retry_after: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[float, float], float] = random.uniform

    def wait_before(self, retry: int, retry_after: float | None) -> float | None:
        """Seconds before retry `retry` (counted from 0); None = give up."""
        if retry + 1 >= self.attempts or (retry_after or 0) > self.longest_retry_after:
            return None
        return (retry_after or 0) + self.random(0, min(self.ceiling, self.base * 2**retry))


class FaceSearchClient:
    """Synchronous client for one organisation; close it or use it as a context manager. Threads may share it.

    Every call raises `ClientError`s and nothing else for what happens on the wire.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        org_id: int,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 35.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        """`timeout` in seconds; the default outlasts the 29 s after which API Gateway itself gives up.

        Raises:
            ValueError: the base URL or the key cannot be sent.
        """
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"Not an http(s) URL: {base_url!r}")
        if not (api_key.isascii() and api_key.isprintable() and api_key == api_key.strip()):
            raise ValueError("Not an API key: it has printable ASCII characters only.")  # h11's own error would show it
        try:
            self._http = httpx.Client(
                base_url=f"{base_url.rstrip('/')}/api/v1/ext/{org_id}/",
                headers={"X-API-Key": api_key, "Accept": "application/json"},
                transport=transport,
                timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
                follow_redirects=False,  # the key must not follow one to another host
            )
        except httpx.InvalidURL as error:
            raise ValueError(f"Not a usable URL: {base_url!r}: {error}") from None
        self._retry = retry or RetryPolicy()

    def search(
        self,
        event_id: int,
        selfie: Path | bytes,
        request_id: uuid.UUID | str | None = None,
        page: int = 1,
        page_size: int = PAGE_SIZE,
    ) -> FaceSearchAnswer:
        """Search the event for the person of a selfie, or replay the search of that `request_id`.

        Without a `request_id` one is made here, not by the server: a retry after a lost answer must carry it.

        Raises:
            OSError: the selfie's file cannot be read.
            ClientError: see its subclasses.
        """
        content = selfie.read_bytes() if isinstance(selfie, Path) else selfie
        identity = str(uuid.uuid4() if request_id is None else request_id)
        # The file's own name says nothing to the search and may say much about the person.
        file = ("selfie", content, image_type_of(content) or "application/octet-stream")
        request = self._http.build_request(
            "POST",
            f"event/{event_id}/faces",
            params={"page": page, "page_size": page_size},
            files={"file": file},
            data={"request_id": identity},
        )
        return self._send(request, identity)

    def results(
        self, event_id: int, request_id: uuid.UUID | str, page: int = 1, page_size: int = PAGE_SIZE
    ) -> FaceSearchAnswer:
        """A page of a finished search.

        Raises:
            ClientError: see its subclasses.
        """
        identity = str(request_id)
        request = self._http.build_request(
            "GET",
            f"event/{event_id}/faces/{quote(identity, safe='')}",
            params={"page": page, "page_size": page_size},
        )
        return self._send(request, identity)

    def pages(self, event_id: int, request_id: uuid.UUID | str, page_size: int = 100) -> Iterator[FaceSearchAnswer]:
        """Every page of a finished search, the first included.

        Raises:
            ClientError: see its subclasses.
        """
        page, more = 1, True
        while more:
            answer = self.results(event_id, request_id, page, page_size)
            yield answer
            page, more = page + 1, answer.pagination["hasNextPage"]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, request: httpx.Request, request_id: str) -> FaceSearchAnswer:
        retry = 0
        while True:
            try:
                return self._send_once(request, request_id)
            except ClientError as error:
                wait = self._retry.wait_before(retry, error.retry_after) if error.retryable else None
                if wait is None:
                    raise
            self._retry.sleep(wait)
            retry += 1

    def _send_once(self, request: httpx.Request, request_id: str) -> FaceSearchAnswer:
        try:
            response = self._http.send(request)
        except httpx.TimeoutException as error:
            raise NoAnswerError(f"No answer in time ({type(error).__name__}).", request_id=request_id) from error
        except httpx.TransportError as error:
            raise NoAnswerError(f"No answer: {str(error) or type(error).__name__}.", request_id=request_id) from error
        except httpx.RequestError as error:  # an answer that came but cannot be decoded
            raise UnexpectedAnswerError(f"Unreadable answer: {error}.", request_id=request_id) from error
        if not response.is_success:
            raise _error_from(response, request_id)
        try:
            _BODY.validate_json(response.content, strict=True)
        except ValidationError as error:
            raise UnexpectedAnswerError(
                f"Status {response.status_code} with a body that is no face search answer "
                f"({error.error_count()} fields differ).",
                status=response.status_code,
                request_id=request_id,
            ) from None
        body: FaceSearchBody = response.json()  # as it came: validating would drop nothing, but turn 90 into 90.0
        return FaceSearchAnswer(body, response.headers.get("Idempotent-Replayed", "").lower() == "true")


def image_type_of(head: bytes) -> str | None:
    """Content type by the first bytes (16 are enough); None if it is no JPEG, PNG or WebP."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def _error_from(response: httpx.Response, request_id: str) -> ClientError:
    status = response.status_code
    envelope = _envelope_of(response)
    message = envelope["message"] if envelope else f"Status {status} {response.reason_phrase}".rstrip() + "."
    if status >= 500:
        kind: type[ClientError] = ServerError
    elif status < 400:
        kind = UnexpectedAnswerError
    else:
        kind = {
            401: NotAllowedError,
            403: NotAllowedError,
            404: NotFoundError,
            429: TooManyRequestsError,
        }.get(status, BadRequestError)
    return kind(
        message,
        status=status,
        envelope=envelope,
        request_id=request_id,
        retry_after=_seconds(response.headers.get("Retry-After")),
    )


def _envelope_of(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):  # ValueError: no JSON, or no text at all
        return None
    return body if isinstance(body, dict) and isinstance(body.get("message"), str) else None


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` as seconds from now; it may be a number or an HTTP date. None if absent or neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
