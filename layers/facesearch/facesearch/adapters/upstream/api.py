"""Calls of the upstream: bounded in time and size, tried again where that helps, every end mapped to one of ours.

What is sent and how responses are read is the client package's; the same requests leave here as leave any integrator.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx

from facesearch.adapters.upstream.breaker import Breaker, CircuitOpenError
from facesearch.errors import EngineBusy, FaceSearchError, InvalidRequest, TooLarge, UnusableImage
from facesearch.faces.several import naming
from facesearch.models import SearchKey
from facesearch.observability import count, logger
from facesearch_client import errors as client
from facesearch_client import flows
from facesearch_client.models import LARGEST_PAGE
from facesearch_client.protocol import Api
from facesearch_client.responses import FaceSearchResponse
from facesearch_client.retries import RetryPolicy
from facesearch_client.selfies import image_type_of

ATTEMPT_SECONDS = 10.0
"""A search takes two seconds, five on a cold start; who says nothing for ten is asked anew, and then finds the result
or joins the search that is running: the request_id is the same."""
CONNECT_SECONDS = 2.0
MAX_RESPONSE_BYTES = 2**20
"""A page of 100 photos has 45 KB."""
RETRIES = RetryPolicy(attempts=3, base=0.2, ceiling=2.0, longest_retry_after=1.0)
"""A `Retry-After` of more than a second is the caller's to wait, not this function's, which is paid by the second."""
RETRY_AFTER_SECONDS, LONGEST_RETRY_AFTER = 5, 3600

KEY_SECONDS = 60.0
"""A refused key was perhaps replaced; who is refused for another reason reads the secret no more often than this."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FlowOf = Callable[[Api, RetryPolicy], flows.Flow[FaceSearchResponse]]
NOTHING: Mapping[int | None, Exception] = {}
NO_FACE = "No face was found in the selfie, or it is not a readable picture."
NOT_ONE_PERSON = "A selfie shows no face or another person, or is not a readable picture."
ONE_ALONE = "body.file: the service that searches does not take these selfies together. Send one."
TOO_LARGE = "The selfie is too large. Send a smaller picture."
BUSY = "Too many searches at the moment. Retry with the same request_id."


class UpstreamDownError(Exception):
    """It was not reached, fell silent, or failed, and so did every retry that there was time for. As its two siblings,
    it is no business of a caller's and becomes a 500 that names nobody."""


class UpstreamRefusedError(Exception):
    """It refused our key, organisation, event or request: this deployment is configured wrongly, or the event is not
    searchable there."""


class UpstreamResponseError(Exception):
    """It said something that the contract does not allow, or that we cannot keep."""


def new_http() -> httpx.Client:
    """The connections of one process: kept open, verified by TLS, through no proxy of the environment; no redirect is
    followed, neither key nor selfie goes where it was not sent."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=8, keepalive_expiry=30)
    return httpx.Client(trust_env=False, follow_redirects=False, limits=limits)


@dataclass
class KeySecret:
    """A secret whose text is the key that the upstream knows us by and nothing else, read once per process, when it is
    first needed. `secrets` is a boto3 client. Threads may share it; some may read the secret at once."""

    secrets: Any
    name: str
    clock: Callable[[], float] = time.monotonic
    _key: str = field(default="", repr=False)
    _read_at: float = 0.0

    def value(self) -> str:
        """The key.

        Raises:
            botocore.exceptions.ClientError: the secret is not there, or not for this function.
            ValueError: there is nothing in it.
        """
        key = self._key
        if not key:
            key = str(self.secrets.get_secret_value(SecretId=self.name).get("SecretString", "")).strip()
            self._key, self._read_at = key, self.clock()
        if not key:
            raise ValueError("the secret of the upstream's key has no text")
        return key

    def refused(self) -> None:
        """The upstream does not take it: it is read again the next time, unless it was just read."""
        if self.clock() - self._read_at >= KEY_SECONDS:
            self._key = ""


@dataclass(frozen=True)
class Upstream:
    """An API of this contract, as one deployment sees it. Threads may share it.

    Raises ValueError where key and selfies would leave this machine unencrypted.
    """

    http: httpx.Client
    url: str  # the API's base URL, without /api/v1
    key: KeySecret
    breaker: Breaker
    retries: RetryPolicy = RETRIES

    def __post_init__(self) -> None:
        base = httpx.URL(self.url)
        if base.scheme != "https" and base.host not in LOOPBACK:
            raise ValueError("the upstream's URL is not https")

    def search(self, search: SearchKey, selfies: Sequence[bytes], deadline: float) -> FaceSearchResponse:
        """Search, or get the search that was done under this request_id: its first page, of 100. `search` is as the
        upstream numbers organisation and event, `deadline` when to give up, by `clock`.

        Raises:
            UnusableImage, TooLarge: a selfie. Of several the upstream's own words would say which; they are not read.
            InvalidRequest: it knows only searches with one.
            Busy: the upstream says so, or has failed so often that it is left alone for now.
            UpstreamDownError, UpstreamRefusedError, UpstreamResponseError: see there.
        """
        for number, selfie in enumerate(selfies, 1):
            with naming(number, len(selfies)):
                if image_type_of(selfie) is None:
                    raise UnusableImage(NO_FACE)
        refused: dict[int | None, FaceSearchError] = {400: UnusableImage(NO_FACE), 413: TooLarge(TOO_LARGE)}
        if len(selfies) > 1:
            refused |= {400: UnusableImage(NOT_ONE_PERSON), 422: InvalidRequest(ONE_ALONE)}
        request_id = str(search.request_id)

        def flow(api: Api, policy: RetryPolicy) -> flows.Flow[FaceSearchResponse]:
            return flows.search(api, policy, search.event_id, selfies, request_id, 1, LARGEST_PAGE)

        return self._end_of(search, flow, deadline, refused)

    def page(self, search: SearchKey, number: int, deadline: float) -> FaceSearchResponse:
        """A further page, of 100, of a search that is done. Arguments and errors as of `search`, without the selfie."""

        def flow(api: Api, policy: RetryPolicy) -> flows.Flow[FaceSearchResponse]:
            return flows.retrying(api.results(search.event_id, search.request_id, number, LARGEST_PAGE), policy)

        return self._end_of(search, flow, deadline)

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds; what deadlines are told by."""
        return self.retries.clock

    def _end_of(
        self, search: SearchKey, flow_of: FlowOf, deadline: float, refused: Mapping[int | None, Exception] = NOTHING
    ) -> FaceSearchResponse:
        api = Api(self.url, self.key.value(), search.org_id, ATTEMPT_SECONDS)
        policy = replace(self.retries, longest_wait=max(0.0, deadline - self.clock()))
        try:
            return flows.run(flow_of(api, policy), partial(self._perform, deadline=deadline))
        except CircuitOpenError as error:
            logger.warning("upstream is left alone", seconds=round(error.seconds, 1))
            raise EngineBusy(BUSY, max(1, round(error.seconds))) from None
        except client.ClientError as error:
            # Not its words: they may name the upstream, or quote what was sent.
            logger.warning("upstream failed", status=error.status, outcome=type(error).__name__)
            if isinstance(error, client.NotAllowedError):
                self.key.refused()
            if isinstance(error, client.BadRequestError) and error.status in refused:
                raise refused[error.status] from None
            raise _outcome_of(error) from None

    def _perform(self, step: flows.Step, deadline: float) -> httpx.Response | None:
        """Time that is up is a response that did not come in time."""
        left = deadline - self.clock()
        if isinstance(step, flows.Pause):
            self.retries.sleep(max(0.0, min(step.seconds, left)))
            return None
        if left <= 0:
            raise httpx.ReadTimeout("no time left", request=step.request)
        if step.to_storage:  # another host, which may be up while the API is down
            return self._send(step.request, deadline)
        self.breaker.admit()
        try:
            response = self._send(step.request, deadline)
        except httpx.RequestError:
            self._failed()
            raise
        if response.status_code >= 500:
            self._failed()
        else:
            self.breaker.succeeded()
        return response

    def _failed(self) -> None:
        self.breaker.failed()
        count("UpstreamFailed")

    def _send(self, request: httpx.Request, deadline: float) -> httpx.Response:
        silence = max(0.001, min(ATTEMPT_SECONDS, deadline - self.clock()))
        timeout = httpx.Timeout(silence, connect=min(CONNECT_SECONDS, silence))
        request.extensions["timeout"] = timeout.as_dict()
        # Uncompressed, so that its size is known as it comes.
        request.headers["Accept-Encoding"] = "identity"
        end = min(deadline, self.clock() + ATTEMPT_SECONDS)
        response = self.http.send(request, stream=True)
        body = bytearray()
        with closing(response):
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    raise httpx.DecodingError("the response is too long", request=request)
                if self.clock() > end:
                    raise httpx.ReadTimeout("the response is too slow", request=request)
        return httpx.Response(response.status_code, headers=response.headers, content=bytes(body), request=request)


def _outcome_of(error: client.ClientError) -> Exception:
    match error:
        case client.TooManyRequestsError():
            return EngineBusy(BUSY, max(1, round(min(LONGEST_RETRY_AFTER, error.retry_after or RETRY_AFTER_SECONDS))))
        case client.SelfieError():
            return TooLarge(TOO_LARGE)
        case client.ServerError() | client.NoResponseError():
            return UpstreamDownError(f"status {error.status}")
        case client.NotAllowedError() | client.NotFoundError() | client.BadRequestError():
            return UpstreamRefusedError(f"status {error.status}")
        case _:
            return UpstreamResponseError(f"status {error.status}")
