"""How a call can fail: one class per outcome, each saying whether a retry helps."""

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx

from facesearch_client.models import ErrorBody
from facesearch_client.retries import seconds_of


class ClientError(Exception):
    """A call failed.

    Attributes:
        status: HTTP status, None if no response came at all.
        message: for people and logs, never a contract.
        envelope: the API's error body, None if the response had none.
        request_id: of the search in question: try again with it and nothing is searched or billed twice.
        retry_after: seconds that the server asks to be left alone, None if it said nothing.
        code: what went wrong, for programs (`no_face`, `quota`, …: docs/integrating/api.md lists them); empty if the
            response does not say.
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
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.envelope = envelope
        self.request_id = request_id
        self.retry_after = retry_after
        self.code = code


class NoResponseError(ClientError):
    """Not reached, cut off, or silent beyond the timeout."""

    retryable = True


class UnexpectedResponseError(ClientError):
    """The response is not this API's: a proxy's page, a redirect, a foreign body."""


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


class SelfieError(ClientError):
    """The selfie cannot be sent: too large, or no picture. None of it was sent, and `status` is None."""


class StorageRefusedError(ClientError):
    """The host of uploads and originals said no; mostly, the link to it had expired."""


class WaitTimeoutError(ClientError):
    """The search was not there when `wait` had to end; it may be yet. The last response is the `__cause__`."""

    retryable = True


def refusal(response: httpx.Response, request_id: str | None, secret: str) -> ClientError:
    """The error for an unsuccessful response of the API; a `secret` that it repeats is masked."""
    status = response.status_code
    envelope = _envelope_of(response)
    if envelope and secret and secret in envelope["message"]:
        envelope = {**envelope, "message": envelope["message"].replace(secret, "***")}
    message = envelope["message"] if envelope else f"Status {status} {response.reason_phrase}".rstrip() + "."
    return _kind_of(status, BadRequestError)(
        message,
        status=status,
        envelope=envelope,
        request_id=request_id,
        retry_after=seconds_of(response.headers.get("Retry-After")),
        code=response.headers.get("Face-Search-Error", ""),
    )


def storage_refusal(response: httpx.Response, request_id: str | None) -> ClientError:
    """The error for an unsuccessful response of the storage.

    Its body is not read, and its link is not shown: whoever has the link has the file.
    """
    status = response.status_code
    kind = StorageRefusedError if status in {401, 403, 404} else _kind_of(status, StorageRefusedError)
    return kind(
        f"The storage returned {status} {response.reason_phrase}".rstrip() + ".",
        status=status,
        request_id=request_id,
        retry_after=seconds_of(response.headers.get("Retry-After")),
    )


def _kind_of(status: int, otherwise: type[ClientError]) -> type[ClientError]:
    if status >= 500:
        return ServerError
    if status < 400:
        return UnexpectedResponseError
    kinds: dict[int, type[ClientError]] = {
        401: NotAllowedError,
        403: NotAllowedError,
        404: NotFoundError,
        429: TooManyRequestsError,
    }
    return kinds.get(status, otherwise)


def _envelope_of(response: httpx.Response) -> ErrorBody | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):  # ValueError: no JSON, or no text at all
        return None
    return body if isinstance(body, dict) and isinstance(body.get("message"), str) else None
