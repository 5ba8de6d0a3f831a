"""Every operation of the API, one entry each: what it takes, what it returns, and when it returns something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from facesearch.api.bodies import TokenRequest, UploadRequest
from facesearch.api.envelope import Success
from facesearch.api.requests import BibPath, EventPath, EventsQuery, OrgPath, OriginalsQuery, PageQuery, TimelineQuery
from facesearch.models import Scope
from facesearch.validation import UUID_PATTERN
from facesearch.webhooks.requests import WebhookRequest
from tools.openapi import examples
from tools.openapi.bodies import OriginalsRequest

ORG = "/api/v1/ext/{org_id}"
EVENT = f"{ORG}/event/{{event_id}}"


class Tag(StrEnum):
    """What operations are grouped under."""

    SEARCH = "Face search"
    PHOTOS = "Photos"
    EVENTS = "Events"

    @property
    def description(self) -> str:
        """What its operations have in common."""
        return {
            Tag.SEARCH: "Search an event by selfie, at once or by webhook, and follow, read or delete the search.",
            Tag.PHOTOS: "An event's gallery and timeline, and links to originals.",
            Tag.EVENTS: "The organisation's events, and what each of them allows.",
        }[self]


class SearchPath(EventPath):
    """Path parameters of a request about one search. A `request_id` that is no UUID is 400, not 422."""

    request_id: Annotated[
        str,
        Field(
            pattern=UUID_PATTERN,
            description="The search: a UUID in any text form of RFC 4122, or its 32 digits.",
            examples=[str(examples.REQUEST_ID)],
        ),
    ]


@dataclass(frozen=True)
class JsonBody:
    """A JSON body of that model."""

    model: type[BaseModel]
    required: bool
    example: BaseModel


@dataclass(frozen=True)
class SelfieFormBody:
    """A form with selfies in it, which `facesearch.api.selfie_form` reads part by part: it has no model."""

    name: str = "SelfieForm"


@dataclass(frozen=True)
class SuccessResponse:
    """The response to a request that was accepted.

    Attributes:
        name: of the whole body in the document.
        sentence: when it is given.
        message: what `message` always is, unless there is nothing to show and it is `if_empty`. Where it fits a
            `pattern`, an example of it.
        data: an example; its type is the type of `data`.
        status: 200, 201 where something was made, or 202 where the work is still to be done.
    """

    name: str
    sentence: str
    message: str
    data: BaseModel
    status: int = 200
    pattern: str = ""
    if_empty: str = ""

    @cached_property
    def body(self) -> type[BaseModel]:
        """The envelope with these data in it."""
        envelope: Any = Success.__class_getitem__(type(self.data))
        fixed: Any = {"enum": [self.message, self.if_empty]} if self.if_empty else {"const": self.message}
        said = {"pattern": self.pattern} if self.pattern else fixed
        message = Annotated[str, Field(json_schema_extra=said)]
        body: type[BaseModel] = create_model(self.name, __base__=envelope, __doc__=Success.__doc__, message=message)
        return body


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        scope: what the key must be good for.
        path: the parameters' model; `query` likewise, if there is a query.
        refusals: status -> when, for every other status.
        metered: whether responses tell the organisation's face-search quota.
        replays: whether a response may be that of an earlier call, and then says so.
        signed: whether a webhook's signature does in place of a key.
        tokens: whether a publishable token does.
    """

    method: str
    route: str
    id: str
    tag: Tag
    scope: Scope
    summary: str
    description: str
    path: type[OrgPath]
    response: SuccessResponse
    refusals: Mapping[int, str]
    query: type[PageQuery] | None = None
    body: JsonBody | SelfieFormBody | None = None
    metered: bool = False
    replays: bool = False
    signed: bool = False
    tokens: bool = False


_NO_KEY = "`X-API-Key` is missing or blank."
_BAD_KEY = "The key is unknown, inactive, expired or too narrow, or the organisation is not the key's"
_NOT_YOURS = f"{_BAD_KEY}; or the event is not the organisation's"
_EVENT_OFF = f"{_NOT_YOURS}, or is disabled."
_SEARCH_OFF = f"{_NOT_YOURS}, or is disabled, or its selfie search is."
_TIMELINE_OFF = f"{_NOT_YOURS}, or is disabled, or its timeline search is."
_NO_EVENT = "There is no such event, or no such route."
_NO_SEARCH = "There is no such event, no finished search of this `request_id` in it, or no such route."
_BAD_PATH = "The path does not fit the schema; `message` names the fields."
_BAD_QUERY = "Path or query do not fit the schema; `message` names the fields."
_BAD_BODY = "Path, query or body do not fit the schema; `message` names the fields."
_TOO_LARGE = "The body is larger than one call may carry."
_THROTTLED = "Too many requests. Come again after `Retry-After` seconds."
_STILL_READ = (
    "Too many requests, or the gallery of a huge event is still being read. Come again after `Retry-After` seconds."
)
_TROUBLE = {
    429: _THROTTLED,
    500: "Internal error. You can send the request again.",
    502: "The service did not respond properly. You can send the request again.",
    504: "The service did not respond in time. You can send the request again.",
}

_FACES = SuccessResponse("FaceSearchResponse", "A page of the matches.", "Computed face search", examples.FACES)

OPERATIONS = [
    Operation(
        "POST",
        f"{EVENT}/faces",
        "searchFaces",
        Tag.SEARCH,
        Scope.SEARCH,
        "Search an event with a selfie",
        "Runs one face search and returns a page of the photos that show the person on the selfie. Use its "
        "`request_id` from then on: read further pages with `getFaces`. The same POST sent again returns the stored "
        "result, whatever selfie you send with it, or none, and costs nothing. Send a `request_id` of your own so that "
        "you can retry a POST whose response never came.\n\n"
        "Send the selfie as `file`, or name an `upload_id` if it is too large for one request: see "
        "`createSelfieUpload`. Send up to three selfies of one person, as files, uploads or both: together they find "
        "more, and they count as one search. Without a `request_id`, the id of the first upload is the `request_id`.",
        EventPath,
        _FACES,
        {
            400: "`request_id` is no UUID, `upload_id` names no upload that is there, or the selfie is empty, no "
            "readable JPEG, PNG, WebP, HEIC or AVIF, or shows no face; or one of several shows another person. "
            "`message` says which.",
            401: _NO_KEY,
            403: _SEARCH_OFF,
            404: "There is no such event or no such route, or the search was deleted while it was running.",
            413: "The selfie is, or the selfies together are, larger than one call may carry: 4.4 MiB. Up to 15 MiB "
            "each go through `createSelfieUpload`.",
            422: _BAD_BODY,
            429: "Too many requests, the face-search quota of the organisation or the token is used up, or a search of "
            "the same `request_id` is still running. Come again after `Retry-After` seconds with the same "
            "`request_id`.",
            500: "Internal error; nothing was recorded. Retry with the same `request_id`.",
            502: "The service did not respond properly. Retry with the same `request_id`.",
            504: "The service did not respond in time. Retry with the same `request_id`.",
        },
        query=PageQuery,
        tokens=True,
        body=SelfieFormBody(),
        metered=True,
        replays=True,
    ),
    Operation(
        "GET",
        f"{EVENT}/faces/{{request_id}}",
        "getFaces",
        Tag.SEARCH,
        Scope.READ,
        "Read a page of a finished search",
        "Reads the stored result; nothing is matched. A result never changes: photos added later are not in it.",
        SearchPath,
        _FACES,
        {400: "`request_id` is no UUID.", 401: _NO_KEY, 403: _SEARCH_OFF, 404: _NO_SEARCH, 422: _BAD_QUERY, **_TROUBLE},
        query=PageQuery,
        tokens=True,
    ),
    Operation(
        "DELETE",
        f"{EVENT}/faces/{{request_id}}",
        "deleteSearch",
        Tag.SEARCH,
        Scope.SEARCH,
        "Delete a search",
        "Deletes its result, its selfie, what a webhook sent for it, and its watch with the searches that the watch "
        "reported. Photos and faces stay. You can also delete a search of an event that is disabled or over, and a "
        "search that is still running: it then keeps nothing.",
        SearchPath,
        SuccessResponse("DeletedSearchResponse", "The search is gone.", "Face search deleted", examples.DELETED),
        {
            400: "`request_id` is no UUID.",
            401: _NO_KEY,
            403: f"{_NOT_YOURS}.",
            404: "There is no such event, no search of this `request_id` in it, or no such route.",
            422: _BAD_PATH,
            **_TROUBLE,
        },
        tokens=True,
    ),
    Operation(
        "POST",
        f"{EVENT}/faces/webhook",
        "receiveWebhook",
        Tag.SEARCH,
        Scope.SEARCH,
        "Start a search by a signed webhook",
        "Takes a message with a key, or one signed with a secret of the organisation not more than five minutes ago, "
        "as [Standard Webhooks](https://www.standardwebhooks.com) says. The search then runs in the background: ask "
        "`getSearchStatus`, or send a `callback_url` to be told when it ends. The same `webhook-id` or the same "
        "`request_id` again is the same search: you get the same response, and nothing runs twice.",
        EventPath,
        SuccessResponse(
            "QueuedSearchResponse",
            "The search is queued, or known already.",
            "Face search queued",
            examples.QUEUED,
            202,
        ),
        {
            400: "The body is not JSON, `request_id` is no UUID, or `selfie_base64` is not base64, or empty.",
            401: "Neither `X-API-Key` nor a valid signature: it is missing, forged, more than five minutes off, or the "
            "organisation has no such secret.",
            403: _SEARCH_OFF,
            404: _NO_EVENT,
            413: "The selfie is, or the selfies together are, larger than one call may carry: 4.4 MiB. Up to 15 MiB "
            "each come from `selfie_url`.",
            422: "Path or body do not fit the schema, or `callback_url` is not one that we call; `message` says which.",
            **_TROUBLE,
        },
        body=JsonBody(WebhookRequest, required=True, example=examples.WEBHOOK_REQUEST),
        replays=True,
        signed=True,
    ),
    Operation(
        "GET",
        f"{EVENT}/faces/{{request_id}}/status",
        "getSearchStatus",
        Tag.SEARCH,
        Scope.READ,
        "Read the status of a search",
        "Says whether a search that a webhook started is queued, running, done or failed, and why it failed. Any other "
        "finished search is done.",
        SearchPath,
        SuccessResponse("SearchStatusResponse", "The status.", "Face search status", examples.STATUS),
        {
            400: "`request_id` is no UUID.",
            401: _NO_KEY,
            403: _SEARCH_OFF,
            404: "There is no such event, no search of this `request_id` in it, or no such route.",
            422: _BAD_PATH,
            **_TROUBLE,
        },
        tokens=True,
    ),
    Operation(
        "POST",
        f"{EVENT}/faces/{{request_id}}/watch",
        "watchSearch",
        Tag.SEARCH,
        Scope.SEARCH,
        "Watch a finished search for later photos",
        "With the person's consent, keeps an encrypted embedding of the selfie for `days`, and compares later photos "
        "with it. Ask `getSearchUpdates` what was found: nobody is called back. The same POST again is the same watch, "
        "which ends when it was first said to, whatever `days` you send. A new watch counts as one search. The selfie "
        "is looked at after the response; if it shows no face, there is no watch. `deleteSearch` ends it.",
        SearchPath,
        SuccessResponse(
            "WatchedSearchResponse", "The search is watched.", "Face search watched", examples.WATCHED, 202
        ),
        {
            400: "`request_id` is no UUID, `upload_id` names no upload that is there, or the selfie is empty.",
            401: _NO_KEY,
            403: _SEARCH_OFF.removesuffix(".") + "; or the token was made without `watch`.",
            404: _NO_SEARCH,
            413: "The selfie is, or the selfies together are, larger than one call may carry: 4.4 MiB. Up to 15 MiB "
            "each go through `createSelfieUpload`.",
            422: "Path or body do not fit the schema, the consent is missing, or the event or the deployment does not "
            "watch; `message` says which.",
            **_TROUBLE,
            429: "Too many requests, the face-search quota of the organisation or the token is used up, or the search "
            "is being asked for elsewhere. Come again after `Retry-After` seconds.",
        },
        body=SelfieFormBody("WatchForm"),
        replays=True,
        tokens=True,
    ),
    Operation(
        "GET",
        f"{EVENT}/faces/{{request_id}}/updates",
        "getSearchUpdates",
        Tag.SEARCH,
        Scope.READ,
        "Read what a search's watch has found",
        "Every update is a search of its own: read the pages of `latest`. It stays when the watch has ended.",
        SearchPath,
        SuccessResponse("SearchUpdatesResponse", "The updates.", "Face search updates", examples.UPDATES),
        {400: "`request_id` is no UUID.", 401: _NO_KEY, 403: _SEARCH_OFF, 404: _NO_SEARCH, 422: _BAD_PATH, **_TROUBLE},
        tokens=True,
    ),
    Operation(
        "POST",
        f"{EVENT}/faces/uploads",
        "createSelfieUpload",
        Tag.SEARCH,
        Scope.SEARCH,
        "Get a link to upload a large selfie with",
        "For a selfie that is too large for one request. POST a multipart form to `url`: all `fields`, then the "
        "picture as the last part, `file`. Then search with `upload_id` in place of `file`. An upload serves one "
        "search.",
        EventPath,
        SuccessResponse("SelfieUploadResponse", "Where to upload to.", "Upload the selfie", examples.UPLOAD),
        {
            401: _NO_KEY,
            403: _SEARCH_OFF,
            404: _NO_EVENT,
            413: _TOO_LARGE,
            422: _BAD_BODY,
            **_TROUBLE,
            429: "Too many requests, or the token's face-search quota is used up. Come again after `Retry-After` "
            "seconds.",
        },
        body=JsonBody(UploadRequest, required=False, example=examples.UPLOAD_REQUEST),
        tokens=True,
    ),
    Operation(
        "GET",
        f"{EVENT}/images",
        "listImages",
        Tag.PHOTOS,
        Scope.READ,
        "List all photos of an event",
        "Ordered by capture time, then `image_id`; photos without a capture time come last. The first page of an event "
        "with hundreds of thousands of photos may take several requests, each but the last refused with 429.",
        EventPath,
        SuccessResponse("ImagesResponse", "A page of the gallery.", "Records for all images", examples.IMAGES),
        {
            401: _NO_KEY,
            403: _EVENT_OFF,
            404: _NO_EVENT,
            422: _BAD_QUERY,
            **_TROUBLE,
            429: _STILL_READ,
        },
        query=PageQuery,
    ),
    Operation(
        "GET",
        f"{EVENT}/bibs/{{bib}}",
        "listPhotosOfBib",
        Tag.PHOTOS,
        Scope.READ,
        "List the photos that show a race bib",
        "Ordered by capture time, then `image_id`; photos without a capture time come last. Bibs are read when photos "
        "are indexed, in events with `bib_search` on; of an event with a start list or a pattern, those that fit it "
        "alone count. A bib that is on no photo is an empty page.",
        BibPath,
        SuccessResponse(
            "BibResponse",
            "A page of the bib's photos.",
            "Records for bib number 1024",
            examples.IMAGES,
            pattern="^Records for bib number [0-9A-Za-z]{1,16}$",
        ),
        {
            401: _NO_KEY,
            403: f"{_NOT_YOURS}, or is disabled, or its bib search is.",
            404: _NO_EVENT,
            422: _BAD_QUERY,
            **_TROUBLE,
        },
        query=PageQuery,
        tokens=True,
    ),
    Operation(
        "GET",
        f"{EVENT}/timeline/days",
        "getTimelineDays",
        Tag.PHOTOS,
        Scope.READ,
        "Count an event's photos by day and hour",
        "For a picker of `getTimelineImages`. Days and hours are those of UTC, in order, and only such as have photos. "
        "A camera's clock knows no time zone, so the operator gives the event one. Photos without a capture time are "
        "not counted.",
        EventPath,
        SuccessResponse(
            "TimelineDaysResponse",
            "The days.",
            "Timeline buckets",
            examples.TIMELINE_DAYS,
            if_empty="No timeline data",
        ),
        {401: _NO_KEY, 403: _TIMELINE_OFF, 404: _NO_EVENT, 422: _BAD_PATH, **_TROUBLE, 429: _STILL_READ},
    ),
    Operation(
        "GET",
        f"{EVENT}/timeline/images",
        "getTimelineImages",
        Tag.PHOTOS,
        Scope.READ,
        "List the photos of a period",
        "Those that were taken from `from` on and before `to`, ordered by capture time in UTC, then `image_id`. Photos "
        "without a capture time are in no period.",
        EventPath,
        SuccessResponse(
            "TimelineImagesResponse", "A page of the photos.", "Records for timeline images", examples.IMAGES
        ),
        {401: _NO_KEY, 403: _TIMELINE_OFF, 404: _NO_EVENT, 422: _BAD_QUERY, **_TROUBLE, 429: _STILL_READ},
        query=TimelineQuery,
    ),
    Operation(
        "POST",
        f"{EVENT}/original-photos",
        "getOriginalPhotos",
        Tag.PHOTOS,
        Scope.READ,
        "Get download links to originals",
        "Links live one hour at most. On AWS a link may end sooner, with the session that signed it; S3 then returns "
        "403, and you ask again for the links that you still need. Links outlive a key that is deactivated. An image "
        "that cannot be linked is a row of `failed_urls`; the other links still come. `identifier` is null where a "
        "list was sent.",
        EventPath,
        SuccessResponse("OriginalPhotosResponse", "A page of links.", "Original photos", examples.ORIGINALS),
        {
            400: "`method` is `selfie` and the identifier is no UUID; or the image of `image_id`, or every one of "
            "`image_ids`, is no photo of the event.",
            401: _NO_KEY,
            403: f"{_NOT_YOURS}, or is disabled, or what `method` needs of it is: selfie search, or bib search. "
            "With a token, `method` must be `selfie` or `bib`.",
            404: _NO_SEARCH,
            413: _TOO_LARGE,
            422: _BAD_BODY,
            **_TROUBLE,
        },
        query=OriginalsQuery,
        tokens=True,
        body=JsonBody(OriginalsRequest, required=True, example=examples.ORIGINALS_REQUEST),
    ),
    Operation(
        "GET",
        f"{ORG}/events",
        "listEvents",
        Tag.EVENTS,
        Scope.READ,
        "List the organisation's events",
        "Newest first.",
        OrgPath,
        SuccessResponse("EventsResponse", "A page of events.", "Records for events", examples.EVENTS),
        {401: _NO_KEY, 403: f"{_BAD_KEY}.", 404: "There is no such route.", 422: _BAD_QUERY, **_TROUBLE},
        query=EventsQuery,
    ),
    Operation(
        "GET",
        f"{EVENT}/details",
        "getEventDetails",
        Tag.EVENTS,
        Scope.READ,
        "Read an event's metadata and feature flags",
        "Also for a disabled event: the flags say what the event allows.",
        EventPath,
        SuccessResponse("EventDetailsResponse", "The event.", "Event details", examples.DETAILS),
        {401: _NO_KEY, 403: f"{_NOT_YOURS}.", 404: _NO_EVENT, 422: _BAD_PATH, **_TROUBLE},
        tokens=True,
    ),
    Operation(
        "GET",
        f"{EVENT}/page",
        "getEventPage",
        Tag.EVENTS,
        Scope.READ,
        "Read what a page for guests needs",
        "What the operator chose for the guests' page, what guests are told about their data, and what they may do. "
        "Also for a disabled event: `allows` says what the event allows.",
        EventPath,
        SuccessResponse("EventPageResponse", "The event, as guests see it.", "Event page", examples.PAGE),
        {401: _NO_KEY, 403: f"{_NOT_YOURS}.", 404: _NO_EVENT, 422: _BAD_PATH, **_TROUBLE},
        tokens=True,
    ),
    Operation(
        "GET",
        f"{EVENT}/ping",
        "ping",
        Tag.EVENTS,
        Scope.READ,
        "Check a key for an event",
        "Reads no photo data. Also for a disabled event.",
        EventPath,
        SuccessResponse("PingResponse", "The key works for the event.", "pong", examples.PONG),
        {401: _NO_KEY, 403: f"{_NOT_YOURS}.", 404: _NO_EVENT, 422: _BAD_PATH, **_TROUBLE},
        tokens=True,
    ),
    Operation(
        "POST",
        f"{EVENT}/tokens",
        "createToken",
        Tag.EVENTS,
        Scope.MINT,
        "Make a token for one visitor of your page",
        "Your server makes it, and your page carries it: a publishable token searches this event, reads what it found, "
        "and nothing else. It takes from a quota of its own, 6 searches a minute and 3 at once, and from the "
        "organisation's. It is shown this once.",
        EventPath,
        SuccessResponse("TokenResponse", "The token.", "Token created", examples.TOKEN, 201),
        {401: _NO_KEY, 403: f"{_NOT_YOURS}.", 404: _NO_EVENT, 413: _TOO_LARGE, 422: _BAD_BODY, **_TROUBLE},
        body=JsonBody(TokenRequest, required=False, example=examples.TOKEN_REQUEST),
    ),
]
