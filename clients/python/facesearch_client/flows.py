"""What happens in which order, without any I/O: each flow yields calls and pauses, and is sent the responses.

Both clients run the same flows; httpx's own `Auth.auth_flow` is built that way. Whoever runs one sends it the response
of each `Call`, or throws httpx's RequestError into it.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import httpx

from facesearch_client.downloads import DownloadFailure, Folder
from facesearch_client.errors import (
    ClientError,
    NoResponseError,
    NotFoundError,
    SelfieError,
    StorageRefusedError,
    UnexpectedResponseError,
    WaitTimeoutError,
)
from facesearch_client.models import OriginalLink, WatchedSearch
from facesearch_client.protocol import Api, Call, ResultT
from facesearch_client.responses import FaceSearchResponse, Response
from facesearch_client.retries import RetryPolicy
from facesearch_client.selfies import INLINE_SELFIE_BYTES, UNREADABLE, image_type_of


@dataclass(frozen=True)
class Pause:
    """Nothing is to happen for so many seconds."""

    seconds: float


Step = Call[Any] | Pause
Flow = Generator[Step, Any, ResultT]


def run(flow: Flow[ResultT], perform: Callable[[Step], httpx.Response | None]) -> ResultT:
    """The flow's result. `perform` makes its calls and keeps its pauses, and raises httpx's RequestError.

    Raises:
        ClientError: the flow's.
    """
    try:
        step = next(flow)
        while True:
            try:
                response = perform(step)
            except httpx.RequestError as error:
                step = flow.throw(error)
            else:
                step = flow.send(response)
    except StopIteration as end:
        result: ResultT = end.value
        return result
    finally:
        flow.close()  # what it holds open must not wait for the garbage collector


def attempt(call: Call[ResultT]) -> Flow[ResultT]:
    """One call, once.

    Raises:
        ClientError: see its subclasses.
    """
    try:
        response: httpx.Response = yield call
    except httpx.TimeoutException as error:
        raise NoResponseError(f"No response in time ({type(error).__name__}).", request_id=call.request_id) from error
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise NoResponseError(f"No response: {reason}.", request_id=call.request_id) from error
    except httpx.RequestError as error:  # a response that came but cannot be decoded
        raise UnexpectedResponseError(f"Unreadable response: {error}.", request_id=call.request_id) from error
    return call.read(response)


def retrying(call: Call[ResultT], policy: RetryPolicy) -> Flow[ResultT]:
    """One call, as often as it takes and the policy allows. Every call of this API may be repeated.

    Raises:
        ClientError: the last attempt's.
    """
    retry, waited = 0, 0.0
    while True:
        try:
            return (yield from attempt(call))
        except ClientError as error:
            wait = policy.wait_before(retry, error.retry_after, waited) if error.retryable else None
            if wait is None:
                raise
        yield Pause(wait)
        retry, waited = retry + 1, waited + wait


def search(  # noqa: PLR0913, PLR0917 - what one search consists of, from one place
    api: Api,
    policy: RetryPolicy,
    event_id: int,
    selfies: Sequence[bytes],
    request_id: str,
    page: int,
    page_size: int,
    consent: str | None = None,
    bib: str | None = None,
) -> Flow[FaceSearchResponse]:
    """A search by selfies of which the large ones are uploaded first.

    Raises:
        ClientError: see its subclasses.
    """
    inline, upload_ids = yield from prepare(api, policy, event_id, selfies, request_id)
    call = api.search(event_id, inline, upload_ids, request_id, page, page_size, consent, bib)
    return (yield from retrying(call, policy))


def watch(
    api: Api,
    policy: RetryPolicy,
    event_id: int,
    selfies: Sequence[bytes],
    request_id: str,
    days: int,
    watch_consent: bool,
) -> Flow[Response[WatchedSearch]]:
    """A watch by selfies of which the large ones are uploaded first.

    Raises:
        ClientError: see its subclasses.
    """
    inline, upload_ids = yield from prepare(api, policy, event_id, selfies, request_id)
    call = api.watch(event_id, inline, upload_ids, request_id, days, watch_consent)
    return (yield from retrying(call, policy))


def prepare(
    api: Api, policy: RetryPolicy, event_id: int, selfies: Sequence[bytes], request_id: str
) -> Flow[tuple[Sequence[bytes], list[str]]]:
    """The selfies that travel with a call, and the upload_ids of the others; from the first on that goes beyond
    INLINE_SELFIE_BYTES together with those before it, each is uploaded, once, however often the call is retried. So the
    API numbers them as they are given here.

    Raises:
        ClientError: see its subclasses.
    """
    inline = sum(1 for size in accumulate(map(len, selfies)) if size <= INLINE_SELFIE_BYTES)
    upload_ids = []
    for selfie in selfies[inline:]:
        upload_id = yield from upload(api, policy, event_id, selfie, request_id)
        upload_ids.append(upload_id)
    return selfies[:inline], upload_ids


def upload(api: Api, policy: RetryPolicy, event_id: int, selfie: bytes, request_id: str) -> Flow[str]:
    """Hand a selfie to the storage; its upload_id.

    Raises:
        ClientError: see its subclasses.
    """
    try:
        return (yield from _upload_by_new_form(api, policy, event_id, selfie, request_id))
    except StorageRefusedError as error:
        if error.status != 403:  # what S3 says to an expired form: a slow upload, or many retries
            raise
    return (yield from _upload_by_new_form(api, policy, event_id, selfie, request_id))


def _upload_by_new_form(api: Api, policy: RetryPolicy, event_id: int, selfie: bytes, request_id: str) -> Flow[str]:
    content_type = image_type_of(selfie)
    if content_type is None:
        raise SelfieError(UNREADABLE, request_id=request_id)
    form = (yield from retrying(api.create_upload(event_id, content_type, request_id), policy)).data
    if len(selfie) > form["max_bytes"]:
        raise SelfieError(f"The selfie is larger than {form['max_bytes']} bytes.", request_id=request_id)
    yield from retrying(api.send_upload(form, selfie, request_id), policy)
    return form["upload_id"]


def wait(
    api: Api, policy: RetryPolicy, event_id: int, request_id: str, timeout: float, page: int, page_size: int
) -> Flow[FaceSearchResponse]:
    """Ask for a search until it is there. What a retry may heal counts as "not yet" too.

    Raises:
        WaitTimeoutError: it was not there in `timeout` seconds.
        ClientError: see its subclasses.
    """
    end = policy.clock() + timeout
    poll = 0
    while True:
        left = max(end - policy.clock(), 0.0)
        # A server that hangs is given what is left, but a second at least: one short pause must not spoil the last try.
        call = api.results(event_id, request_id, page, page_size, timeout=min(max(left, 1.0), api.timeout))
        try:
            return (yield from attempt(call))
        except ClientError as error:
            if not (error.retryable or isinstance(error, NotFoundError)):
                raise
            left = end - policy.clock()
            pause = policy.pause_before(poll, error.retry_after)
            if left <= 0 or (error.retry_after or 0) > left:
                raise WaitTimeoutError(
                    f"The search was not there in {timeout:g} s; the last response: {error}", request_id=request_id
                ) from error
        yield Pause(min(pause, left))  # the last try is at the very end
        poll += 1


def fetch(api: Api, policy: RetryPolicy, link: OriginalLink, folder: Folder) -> Flow[Path | DownloadFailure]:
    """One original into the folder. What goes wrong is an outcome: one bad file never fails the others."""
    try:
        with folder.part() as part:
            yield from retrying(api.download(link["url"], part), policy)
            return part.keep(link["filename"])
    except ClientError as error:
        return DownloadFailure(link["filename"], str(error))
