"""The API as requests and responses, without any I/O: what each call sends, and how its response is read."""

import math
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from facesearch_client.downloads import Part
from facesearch_client.errors import NoResponseError, UnexpectedResponseError, refusal, storage_refusal
from facesearch_client.models import (
    DataT,
    Envelope,
    EventDetails,
    EventPage,
    FaceSearchResult,
    GuestPage,
    ImagePage,
    OriginalPhotos,
    Ping,
    PublishableToken,
    SearchUpdates,
    TimelineDays,
    Upload,
    WatchedSearch,
)
from facesearch_client.responses import FaceSearchResponse, Response, is_replay, rate_limit_of, read_body
from facesearch_client.selfies import image_type_of

ResultT = TypeVar("ResultT")
Identity = uuid.UUID | str
Moment = datetime | int
"""A datetime with a time zone, or Unix seconds."""

_PING = TypeAdapter(Envelope[Ping])
_DETAILS = TypeAdapter(Envelope[EventDetails])
_EVENTS = TypeAdapter(Envelope[EventPage])
_GUEST_PAGE = TypeAdapter(Envelope[GuestPage])
_IMAGES = TypeAdapter(Envelope[ImagePage])
_SEARCH = TypeAdapter(Envelope[FaceSearchResult])
_ORIGINALS = TypeAdapter(Envelope[OriginalPhotos])
_TIMELINE = TypeAdapter(Envelope[TimelineDays])
_TOKEN = TypeAdapter(Envelope[PublishableToken])
_UPDATES = TypeAdapter(Envelope[SearchUpdates])
_UPLOAD = TypeAdapter(Envelope[Upload])
_WATCHED = TypeAdapter(Envelope[WatchedSearch])


@dataclass(frozen=True)
class Call(Generic[ResultT]):
    """One request, and what its response means.

    Attributes:
        read: makes the call's result, or raises a ClientError.
        request_id: of the search in question, for the errors of the wire.
        to_storage: it goes to the host of uploads and originals, which must not see the key.
        sink: where a successful response's body is streamed to.
    """

    request: httpx.Request = field(repr=False)  # its headers carry the key
    read: Callable[[httpx.Response], ResultT]
    request_id: str | None = None
    to_storage: bool = False
    sink: Part | None = None


class Api:
    """Makes the calls for one organisation."""

    def __init__(self, base_url: str, api_key: str, org_id: int, timeout: float) -> None:
        """
        Raises:
            ValueError: the base URL or the key cannot be sent.
        """
        if not base_url.startswith(("http://", "https://")):
            # Without showing it: who mixed up the arguments has put the key here.
            raise ValueError("Not an http(s) URL: it begins with neither http:// nor https://.")
        if not (api_key.isascii() and api_key.isprintable() and api_key == api_key.strip()):
            raise ValueError("Not an API key: it has printable ASCII characters only.")  # h11's own error would show it
        try:
            url = httpx.URL(f"{base_url.rstrip('/')}/api/v1/ext/{org_id}/")
        except httpx.InvalidURL as error:
            raise ValueError(f"Not a usable URL: {base_url!r}: {error}") from None
        if not url.host or url.query or url.fragment:
            raise ValueError(f"Not a usable URL: {base_url!r} has no host, or more than a host and a path.")
        self._org_id = org_id
        self._url = url
        self._key = api_key
        self.timeout = timeout
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, 10.0))

    def __str__(self) -> str:
        return f"{self._url.host}, org_id={self._org_id}"  # neither the key, nor a password in the URL

    def ping(self, event_id: int) -> Call[Response[Ping]]:
        """Whether key, organisation and event fit together."""
        return self._call(self._request("GET", f"event/{event_id}/ping"), _PING, "ping")

    def details(self, event_id: int) -> Call[Response[EventDetails]]:
        """An event's metadata and feature flags."""
        return self._call(self._request("GET", f"event/{event_id}/details"), _DETAILS, "event details")

    def event_page(self, event_id: int) -> Call[Response[GuestPage]]:
        """What a page for guests says of an event."""
        return self._call(self._request("GET", f"event/{event_id}/page"), _GUEST_PAGE, "event page")

    def events(self, page: int, page_size: int) -> Call[Response[EventPage]]:
        """A page of the organisation's events."""
        request = self._request("GET", "events", params={"page": page, "page_size": page_size})
        return self._call(request, _EVENTS, "events")

    def images(self, event_id: int, page: int, page_size: int) -> Call[Response[ImagePage]]:
        """A page of an event's gallery."""
        request = self._request("GET", f"event/{event_id}/images", params={"page": page, "page_size": page_size})
        return self._call(request, _IMAGES, "images")

    def bib_images(self, event_id: int, bib: str, page: int, page_size: int) -> Call[Response[ImagePage]]:
        """A page of the photos that show a bib."""
        path = f"event/{event_id}/bibs/{quote(bib, safe='')}"
        return self._call(self._request("GET", path, params={"page": page, "page_size": page_size}), _IMAGES, "bib")

    def timeline_days(self, event_id: int) -> Call[Response[TimelineDays]]:
        """When an event's photos were taken."""
        return self._call(self._request("GET", f"event/{event_id}/timeline/days"), _TIMELINE, "timeline")

    def timeline_images(
        self, event_id: int, from_: Moment, to: Moment, page: int, page_size: int
    ) -> Call[Response[ImagePage]]:
        """A page of the photos that were taken from one moment on and before another.

        Raises:
            ValueError: a datetime without a time zone.
        """
        period = {"from": _unix_seconds(from_), "to": _unix_seconds(to)}
        request = self._request(
            "GET", f"event/{event_id}/timeline/images", params=period | {"page": page, "page_size": page_size}
        )
        return self._call(request, _IMAGES, "timeline images")

    def search(
        self,
        event_id: int,
        selfies: Sequence[bytes],
        upload_ids: Sequence[str],
        request_id: str,
        page: int,
        page_size: int,
        consent: str | None = None,
        bib: str | None = None,
    ) -> Call[FaceSearchResponse]:
        """A search by selfies that travel with the call, and by such as were uploaded before."""
        given = {name: text for name, text in (("consent", consent), ("bib", bib)) if text is not None}
        request = self._request(
            "POST",
            f"event/{event_id}/faces",
            params={"page": page, "page_size": page_size},
            **_form(selfies, upload_ids, request_id=request_id, **given),
        )
        return self._search_call(request, request_id)

    def watch(
        self,
        event_id: int,
        selfies: Sequence[bytes],
        upload_ids: Sequence[str],
        request_id: str,
        days: int,
        watch_consent: bool,
    ) -> Call[Response[WatchedSearch]]:
        """A watch of a finished search; the selfies once more, as for a search."""
        request = self._request(
            "POST",
            f"{_search_path(event_id, request_id)}/watch",
            **_form(selfies, upload_ids, days=str(days), watch_consent="true" if watch_consent else "false"),
        )
        return self._call(request, _WATCHED, "watch", request_id)

    def updates(self, event_id: int, request_id: Identity) -> Call[Response[SearchUpdates]]:
        """What a search's watch has found."""
        request = self._request("GET", f"{_search_path(event_id, request_id)}/updates")
        return self._call(request, _UPDATES, "updates", str(request_id))

    def results(
        self, event_id: int, request_id: Identity, page: int, page_size: int, timeout: float | None = None
    ) -> Call[FaceSearchResponse]:
        """A page of a finished search; `timeout` in seconds, if it is to be shorter than usual."""
        identity = str(request_id)
        request = self._request(
            "GET",
            _search_path(event_id, identity),
            params={"page": page, "page_size": page_size},
            timeout=timeout,
        )
        return self._search_call(request, identity)

    def create_upload(self, event_id: int, content_type: str, request_id: str | None = None) -> Call[Response[Upload]]:
        """A form for a selfie that is too large for one call."""
        request = self._request("POST", f"event/{event_id}/faces/uploads", json={"content_type": content_type})
        return self._call(request, _UPLOAD, "upload", request_id)

    def send_upload(self, upload: Upload, selfie: bytes, request_id: str | None = None) -> Call[None]:
        """The form itself: its fields in their order, the file last, which is all that S3 reads it for.

        Raises:
            UnexpectedResponseError: the API named no host to send a selfie to.
        """
        request = httpx.Request(
            "POST",
            self._storage_url(upload["url"]),
            headers={"Accept": "*/*", "User-Agent": _USER_AGENT},
            data=upload["fields"],
            files={"file": _file_of(selfie)},
            extensions={"timeout": self._timeout.as_dict()},
        )

        def read(response: httpx.Response) -> None:
            if not response.is_success:
                raise storage_refusal(response, request_id)

        return Call(request, read, request_id, to_storage=True)

    def create_token(
        self, event_id: int, origins: Iterable[str], expires_in: int, originals: bool, watch: bool
    ) -> Call[Response[PublishableToken]]:
        """A token for one visitor of pages of these origins, one of which may stand for itself; seconds."""
        rights = {
            "expires_in": expires_in,
            "origins": [origins] if isinstance(origins, str) else list(origins),
            "originals": originals,
            "watch": watch,
        }
        return self._call(self._request("POST", f"event/{event_id}/tokens", json=rights), _TOKEN, "token")

    def original_photos(
        self,
        event_id: int,
        request_id: Identity | None,
        image_ids: Iterable[Identity] | None,
        bib: str | None,
        page: int,
        page_size: int,
    ) -> Call[Response[OriginalPhotos]]:
        """A page of links to the originals of a search, of the photos named, or of a bib.

        Raises:
            ValueError: none or several of the three are given, or no photo is named.
        """
        if [request_id, image_ids, bib].count(None) != 2:
            raise ValueError("Name the photos by request_id, by image_ids or by bib, one of the three.")
        if image_ids is not None:
            named = {"method": "image_ids", "identifier": names_of(image_ids)}
        elif bib is not None:
            named = {"method": "bib", "identifier": bib}
        else:
            named = {"method": "selfie", "identifier": str(request_id)}
        request = self._request(
            "POST",
            f"event/{event_id}/original-photos",
            params={"page": page, "page_size": page_size},
            json=named,
        )
        return self._call(request, _ORIGINALS, "original photos", None if request_id is None else str(request_id))

    def download(self, url: str, sink: Part) -> Call[None]:
        """An original, streamed to `sink`.

        Raises:
            UnexpectedResponseError: the API named nothing to fetch it from.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": _USER_AGENT}
        request = httpx.Request(
            "GET", self._storage_url(url), headers=headers, extensions={"timeout": self._timeout.as_dict()}
        )

        def read(response: httpx.Response) -> None:
            if not response.is_success:
                raise storage_refusal(response, None)
            length = response.headers.get("Content-Length", "")
            encoded = "Content-Encoding" in response.headers  # its length is not the file's
            if length.isdecimal() and not encoded and sink.size != int(length):
                raise NoResponseError(f"Cut off after {sink.size} of {length} bytes.")

        return Call(request, read, to_storage=True, sink=sink)

    def _search_call(self, request: httpx.Request, request_id: str) -> Call[FaceSearchResponse]:
        def read(response: httpx.Response) -> FaceSearchResponse:
            body = self._body(response, _SEARCH, "face search", request_id)
            return FaceSearchResponse(body, is_replay(response), rate_limit_of(response))

        return Call(request, read, request_id)

    def _call(
        self, request: httpx.Request, adapter: TypeAdapter[Envelope[DataT]], what: str, request_id: str | None = None
    ) -> Call[Response[DataT]]:
        return Call(request, lambda response: Response(self._body(response, adapter, what, request_id)), request_id)

    def _body(
        self, response: httpx.Response, adapter: TypeAdapter[Envelope[DataT]], what: str, request_id: str | None
    ) -> Envelope[DataT]:
        if not response.is_success:
            raise refusal(response, request_id, self._key)
        return read_body(response, adapter, what, request_id)

    def _request(self, method: str, path: str, timeout: float | None = None, **content: Any) -> httpx.Request:
        headers = {
            "X-API-Key": self._key,
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": _USER_AGENT,
        }
        limit = self._timeout if timeout is None else httpx.Timeout(timeout)
        extensions = {"timeout": limit.as_dict()}
        return httpx.Request(method, self._url.join(path), headers=headers, extensions=extensions, **content)

    def _storage_url(self, link: str) -> httpx.URL:
        try:
            url = httpx.URL(link)
        except (httpx.InvalidURL, UnicodeError):
            url = httpx.URL()
        # Faces and photos that the API's own host takes over TLS must not leave it in the clear.
        if not url.host or url.scheme not in {"https", self._url.scheme}:
            raise UnexpectedResponseError("The API names a place for files that is no usable http(s) link.")
        return url


def names_of(image_ids: Iterable[Identity]) -> list[str]:
    """The photos as the API wants them named; a single one may stand for itself.

    Raises:
        ValueError: there is none.
    """
    names = [str(image_ids)] if isinstance(image_ids, str | uuid.UUID) else [*map(str, image_ids)]
    if not names:
        raise ValueError("image_ids names no photo.")
    return names


def has_more(page: Mapping[str, Any]) -> bool:
    """Whether a page follows this one; `page` is the `data` of a response in pages."""
    return bool(page["pagination"]["hasNextPage"])


_USER_AGENT = "facesearch-python"


def _unix_seconds(moment: Moment) -> int:
    """That moment, or the next whole second if it is between two: photos are taken at whole ones."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValueError("A datetime needs a time zone.")
    return math.ceil(moment.timestamp())


def _search_path(event_id: int, request_id: Identity) -> str:
    return f"event/{event_id}/faces/{quote(str(request_id), safe='')}"


def _form(selfies: Sequence[bytes], upload_ids: Sequence[str], **fields: str) -> dict[str, Any]:
    """Selfies and fields, as httpx takes a form."""
    uploads = {"upload_id": list(upload_ids)} if upload_ids else {}
    return {"data": {**uploads, **fields}, "files": [("file", _file_of(selfie)) for selfie in selfies] or None}


def _file_of(selfie: bytes) -> tuple[str, bytes, str]:
    # The file's own name says nothing to the search and may say much about the person.
    return ("selfie", selfie, image_type_of(selfie) or "application/octet-stream")
