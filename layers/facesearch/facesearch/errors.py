"""One class per documented outcome. Each knows its HTTP status; nobody ever parses a message."""

from typing import ClassVar


class FaceSearchError(Exception):
    """An outcome that a caller is told about, with words that are safe to show."""

    status: ClassVar[int] = 500

    def __init_subclass__(cls, status: int = 0) -> None:
        """A class without a `status` of its own has its base's."""
        cls.status = status or cls.status

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """Extra response headers of this outcome."""
        return {}


class InvalidRequestId(FaceSearchError, status=400):
    """`request_id` is not a UUID."""


class UnusableImage(FaceSearchError, status=400):
    """The picture is empty, in no format that is read, or beyond the limits on its size and on the work it takes."""


class CostlyImage(UnusableImage):
    """The picture is made to be work, as no camera makes one. Sending it costs the organisation what a search costs."""

    def __init__(self) -> None:
        super().__init__("Reading this picture takes too long. Save it as an ordinary JPEG and send that.")


class UnreadableBody(FaceSearchError, status=400):
    """The body is not what it should be at all: no JSON, or no base64 in it."""


class SelfieUnavailable(FaceSearchError, status=400):
    """The selfie of a webhook's search cannot be had: its URL is refused or leads to nothing, or it is gone."""


class UnknownUpload(FaceSearchError, status=400):
    """`upload_id` names no upload that is there: never made, not finished, expired, or used for a search already."""


class NoSuchImages(FaceSearchError, status=400):
    """Not one of the images that the caller names is a photo of the event."""


class NoFaceFound(FaceSearchError, status=400):
    """The selfie is a readable picture, but no face was found in it."""


class OtherPerson(FaceSearchError, status=400):
    """The selfies of one search do not all show the same person."""


class MissingKey(FaceSearchError, status=401):
    """No `X-API-Key`, or a blank one."""


class NotSigned(FaceSearchError, status=401):
    """A webhook without `X-API-Key` whose signature is missing, forged, or older than five minutes."""


class Forbidden(FaceSearchError, status=403):
    """Key unknown or inactive, organisation or event of somebody else, or the feature is switched off."""


class TokenUnknown(Forbidden):
    """The publishable token was never made, or was ended."""


class TokenExpired(Forbidden):
    """The publishable token has expired, or all tokens of its event that are as old were ended."""


class WrongOrigin(Forbidden):
    """A page of another site uses the publishable token."""


class NotForTokens(Forbidden):
    """A call that needs an API key."""


class FaceSetMissing(Forbidden):
    """The deployment lacks what keeps the event's faces: `str` tells operators what to do, `message` guests less."""

    def __init__(self, kind: str) -> None:
        super().__init__("Face search is not available for this event.")
        self.args = (f"This stack cannot keep faces in {kind}: deploy it with {kind} added to the parameter FaceSets.",)


class NotFound(FaceSearchError, status=404):
    """No such event, or no such finished search in it."""


class SearchDeleted(NotFound):
    """The search was deleted while it ran: there is nothing of it."""


class TooLarge(FaceSearchError, status=413):
    """The body or the selfie is larger than one call may carry."""


class InvalidRequest(FaceSearchError, status=422):
    """Path, query or body does not fit the schema; the message lists the fields."""


class Busy(FaceSearchError, status=429):
    """Not now: come again after `retry_after` seconds, a search with the same `request_id`."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """`Retry-After` in seconds."""
        return {"Retry-After": str(self.retry_after)}


class SearchInProgress(Busy):
    """The same `request_id` is still being searched after the bounded wait."""


class QuotaExceeded(Busy):
    """The organisation has no face search left for now."""


class TokenQuotaExceeded(QuotaExceeded):
    """The publishable token has no face search left for now."""


class EngineBusy(Busy):
    """The service that finds the faces refuses more calls for now."""


class GalleryLoading(Busy):
    """The event's gallery could not be read whole within one call; the next one goes on."""


class StoreUnavailable(Exception):
    """A service that keeps what is ours has refused a request or could not be reached: nothing that the caller did.

    The request may have been carried out all the same, where only its response was lost.

    Attributes:
        operation: of the service's API.
        code: by which the service refused, or the name of the error on the way to it.
    """

    def __init__(self, operation: str, code: str) -> None:
        Exception.__init__(self, f"{operation}: {code}")
        self.operation = operation
        self.code = code


class Throttled(Busy, StoreUnavailable):
    """A service has refused for having too much to do, and did nothing. That passes by itself."""

    def __init__(self, operation: str, code: str) -> None:
        StoreUnavailable.__init__(self, operation, code)
        self.message = "Too many requests at the moment. Retry with the same request_id."
        self.retry_after = 5
