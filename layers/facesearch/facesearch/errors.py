"""One class per documented outcome. Each knows its HTTP status and its code; nobody ever parses a message.

The codes are part of the API (docs/integrating/api.md): they are sent as the header `Face-Search-Error`.
"""

from typing import ClassVar


class FaceSearchError(Exception):
    """An outcome that a caller is told about, with words that are safe to show."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init_subclass__(cls, status: int = 0, code: str = "") -> None:
        """A class without a `status` or `code` of its own has its base's."""
        cls.status = status or cls.status
        cls.code = code or cls.code

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """Extra response headers of this outcome."""
        return {}


class InvalidRequestId(FaceSearchError, status=400, code="invalid"):
    """`request_id` is not a UUID."""


class UnusableImage(FaceSearchError, status=400, code="unusable_image"):
    """The picture is empty, in no format that is read, or beyond the limits on its size and on the work it takes."""


class CostlyImage(UnusableImage):
    """The picture is made to be work, as no camera makes one. Sending it costs the organisation what a search costs."""

    def __init__(self) -> None:
        super().__init__("Reading this picture takes too long. Save it as an ordinary JPEG and send that.")


class UnreadableBody(FaceSearchError, status=400, code="invalid"):
    """The body is not what it should be at all: no JSON, or no base64 in it."""


class SelfieUnavailable(FaceSearchError, status=400, code="unusable_image"):
    """The selfie of a webhook's search cannot be had: its URL is refused or leads to nothing, or it is gone."""


class UnknownUpload(FaceSearchError, status=400, code="unknown_upload"):
    """`upload_id` names no upload that is there: never made, not finished, expired, or used for a search already."""


class NoSuchImages(FaceSearchError, status=400, code="no_images"):
    """Not one of the images that the caller names is a photo of the event."""


class NoFaceFound(FaceSearchError, status=400, code="no_face"):
    """The selfie is a readable picture, but no face was found in it."""


class OtherPerson(FaceSearchError, status=400, code="other_person"):
    """The selfies of one search do not all show the same person."""


class MissingKey(FaceSearchError, status=401, code="no_key"):
    """No `X-API-Key`, or a blank one."""


class NotSigned(FaceSearchError, status=401, code="no_key"):
    """A webhook without `X-API-Key` whose signature is missing, forged, or older than five minutes."""


class Forbidden(FaceSearchError, status=403):
    """What all refusals of a caller or of a feature have in common; each is a class of its own."""


class UnknownKey(Forbidden, code="key_unknown"):
    """The API key is unknown, inactive or expired."""


class WrongOrganisation(Forbidden, code="wrong_organisation"):
    """The API key is not the organisation's that the path names."""


class WrongEvent(Forbidden, code="wrong_event"):
    """The event is not one that the key is good for."""


class ScopeMissing(Forbidden, code="scope"):
    """The API key is not good for what is asked."""


class UnknownToken(Forbidden, code="token_unknown"):
    """The publishable token was never made, or was ended."""


class ExpiredToken(Forbidden, code="token_expired"):
    """The publishable token has expired, or all tokens of its event that are as old were ended."""


class WrongOrigin(Forbidden, code="origin"):
    """A page of another site uses the publishable token."""


class NotForTokens(Forbidden, code="not_for_tokens"):
    """The call needs an API key, or the token's rights do not include it."""


class EventOff(Forbidden, code="event_off"):
    """The event is disabled."""


class SearchOff(Forbidden, code="search_off"):
    """The event has this kind of search switched off."""


class SearchOver(Forbidden, code="search_over"):
    """The last day on which the event's faces may be searched is over."""


class FaceSetMissing(Forbidden, code="search_off"):
    """The deployment lacks what keeps the event's faces: `str` tells operators what to do, `message` guests less."""

    def __init__(self, kind: str) -> None:
        super().__init__("Face search is not available for this event.")
        self.args = (f"This stack cannot keep faces in {kind}: deploy it with {kind} added to the parameter FaceSets.",)


class NotFound(FaceSearchError, status=404):
    """What is named is not there. What callers of the API can name has a class of its own."""


class NoSuchRoute(NotFound, code="no_route"):
    """No operation has this method and path."""


class NoSuchEvent(NotFound, code="no_event"):
    """There is no event of this number."""

    def __init__(self, message: str = "Event configuration not found.") -> None:
        super().__init__(message)


class NoSuchSearch(NotFound, code="no_search"):
    """The event has no search of this `request_id`, or none that is finished."""

    def __init__(self, message: str = "request_id is unknown for this event.") -> None:
        super().__init__(message)


class SearchDeleted(NoSuchSearch):
    """The search was deleted while it ran: there is nothing of it."""


class TooLarge(FaceSearchError, status=413, code="too_large"):
    """The body or the selfie is larger than one call may carry."""


class InvalidRequest(FaceSearchError, status=422, code="invalid"):
    """Path, query or body does not fit the schema; the message lists the fields."""


class Busy(FaceSearchError, status=429, code="throttled"):
    """Not now: come again after `retry_after` seconds, a search with the same `request_id`."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """`Retry-After` in seconds."""
        return {"Retry-After": str(self.retry_after)}


class SearchInProgress(Busy, code="in_progress"):
    """The same `request_id` is still being searched after the bounded wait."""


class QuotaExceeded(Busy, code="quota"):
    """The organisation has no face search left for now."""


class TokenQuotaExceeded(QuotaExceeded, code="token_quota"):
    """The publishable token has no face search left for now."""


class EngineBusy(Busy, code="engine_busy"):
    """The service that finds the faces refuses more calls for now."""


class GalleryLoading(Busy, code="in_progress"):
    """The event's gallery could not be read whole within one call; the next one goes on."""


class StoreUnavailable(Exception):
    """A service that keeps what is ours has refused a request or could not be reached: nothing that the caller did.

    The request may have been carried out all the same, where only its response was lost.

    Attributes:
        operation: of the service's API.
        aws_code: by which the service refused, or the name of the error on the way to it.
    """

    def __init__(self, operation: str, aws_code: str) -> None:
        Exception.__init__(self, f"{operation}: {aws_code}")
        self.operation = operation
        self.aws_code = aws_code


class Throttled(Busy, StoreUnavailable):
    """A service has refused for having too much to do, and did nothing. That passes by itself."""

    def __init__(self, operation: str, aws_code: str) -> None:
        StoreUnavailable.__init__(self, operation, aws_code)
        self.message = "Too many requests at the moment. Retry with the same request_id."
        self.retry_after = 5
