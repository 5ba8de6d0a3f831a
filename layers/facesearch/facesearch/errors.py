"""One class per documented outcome. Each knows its HTTP status; nobody ever parses a message."""

from typing import ClassVar


class FaceSearchError(Exception):
    """An outcome that a caller is told about, with words that are safe to show."""

    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """Extra response headers of this outcome."""
        return {}


class InvalidRequestId(FaceSearchError):
    """`request_id` is not a UUID."""

    status = 400


class UnusableImage(FaceSearchError):
    """The picture is empty, in no format that is read, or beyond the limits on its size and on the work it takes."""

    status = 400


class CostlyImage(UnusableImage):
    """The picture is made to be work, as no camera makes one. Sending it costs the organisation what a search costs."""

    def __init__(self) -> None:
        super().__init__("Reading this picture takes too long. Save it as an ordinary JPEG and send that.")


class UnreadableBody(FaceSearchError):
    """The body is not what it should be at all: no JSON, or no base64 in it."""

    status = 400


class SelfieUnavailable(FaceSearchError):
    """The selfie of a webhook's search cannot be had: its URL is refused or leads to nothing, or it is gone."""

    status = 400


class UnknownUpload(FaceSearchError):
    """`upload_id` names no upload that is there: never made, not finished, expired, or used for a search already."""

    status = 400


class NoSuchImages(FaceSearchError):
    """Not one of the images that the caller names is a photo of the event."""

    status = 400


class NoFaceFound(FaceSearchError):
    """The selfie is a readable picture, but no face was found in it."""

    status = 400


class OtherPerson(FaceSearchError):
    """The selfies of one search do not all show the same person."""

    status = 400


class MissingKey(FaceSearchError):
    """No `X-API-Key`, or a blank one."""

    status = 401


class NotSigned(FaceSearchError):
    """A webhook without `X-API-Key` whose signature is missing, forged, or older than five minutes."""

    status = 401


class Forbidden(FaceSearchError):
    """Key unknown or inactive, organisation or event of somebody else, or the feature is switched off."""

    status = 403


class FaceSetMissing(Forbidden):
    """The deployment lacks what keeps the event's faces: `str` tells operators what to do, `message` guests less."""

    def __init__(self, kind: str) -> None:
        super().__init__("Face search is not available for this event.")
        self.args = (f"This stack cannot keep faces in {kind}: deploy it with {kind} added to the parameter FaceSets.",)


class NotFound(FaceSearchError):
    """No such event, or no such finished search in it."""

    status = 404


class SearchDeleted(NotFound):
    """The search was deleted while it ran: there is nothing of it."""


class TooLarge(FaceSearchError):
    """The body or the selfie is larger than one call may carry."""

    status = 413


class InvalidRequest(FaceSearchError):
    """Path, query or body does not fit the schema; the message lists the fields."""

    status = 422


class Busy(FaceSearchError):
    """Not now: come again after `retry_after` seconds, a search with the same `request_id`."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
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

    RETRY_AFTER_SECONDS: ClassVar[int] = 5

    def __init__(self, operation: str, code: str) -> None:
        StoreUnavailable.__init__(self, operation, code)
        self.message = "Too many requests at the moment. Retry with the same request_id."
        self.retry_after = self.RETRY_AFTER_SECONDS
