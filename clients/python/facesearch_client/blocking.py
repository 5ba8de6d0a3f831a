"""The synchronous client: the shared flows over an `httpx.Client`."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from facesearch_client import flows
from facesearch_client.downloads import (
    AT_ONCE,
    CHUNK_BYTES,
    DownloadFailure,
    DownloadReport,
    DownloadTotals,
    Folder,
    Progress,
)
from facesearch_client.models import (
    LARGEST_ORIGINALS_PAGE,
    LARGEST_PAGE,
    PAGE_SIZE,
    EventDetails,
    EventPage,
    GuestPage,
    ImagePage,
    OriginalLink,
    OriginalPhotos,
    Ping,
    PublishableToken,
    SearchUpdates,
    TimelineDays,
    Upload,
    WatchedSearch,
)
from facesearch_client.protocol import Api, Call, Identity, Moment, ResultT, has_more, names_of
from facesearch_client.responses import FaceSearchResponse, Response
from facesearch_client.retries import RetryPolicy
from facesearch_client.selfies import Selfie, read_selfies

PagedT = TypeVar("PagedT", bound=Response[Any])


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
        storage_transport: httpx.BaseTransport | None = None,
        timeout: float = 35.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        """`timeout` in seconds; the default outlasts the 29 s after which API Gateway itself gives up.

        `storage_transport` is for the host of uploads and originals; without it `transport` serves that too.

        Raises:
            ValueError: the base URL or the key cannot be sent.
        """
        self._api = Api(base_url, api_key, org_id, timeout)
        self._retry = retry or RetryPolicy()
        # No redirects: neither the key nor a selfie must follow one to another host.
        self._http = httpx.Client(transport=transport, follow_redirects=False)
        self._storage = self._http
        if storage_transport is not None:
            self._storage = httpx.Client(transport=storage_transport, follow_redirects=False)

    def ping(self, event_id: int) -> Response[Ping]:
        """Whether the API is there and key, organisation and event fit together.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.ping(event_id))

    def details(self, event_id: int) -> Response[EventDetails]:
        """An event's metadata and feature flags.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.details(event_id))

    def event_page(self, event_id: int) -> Response[GuestPage]:
        """What a page for guests says of an event: what they agree to, how long data is kept, what they may do.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.event_page(event_id))

    def events(self, page_size: int = LARGEST_PAGE, page: int = 1) -> Iterator[Response[EventPage]]:
        """The organisation's events, newest first: every page from `page` on.

        Raises:
            ClientError: see its subclasses.
        """
        return self._walk(lambda number: self._api.events(number, page_size), page)

    def images(self, event_id: int, page_size: int = LARGEST_PAGE, page: int = 1) -> Iterator[Response[ImagePage]]:
        """The event's whole gallery by capture time: every page from `page` on.

        Raises:
            ClientError: see its subclasses.
        """
        return self._walk(lambda number: self._api.images(event_id, number, page_size), page)

    def bib_images(
        self, event_id: int, bib: str, page_size: int = LARGEST_PAGE, page: int = 1
    ) -> Iterator[Response[ImagePage]]:
        """The photos that show a bib, in either case, by capture time: every page from `page` on.

        Raises:
            ClientError: see its subclasses.
        """
        return self._walk(lambda number: self._api.bib_images(event_id, bib, number, page_size), page)

    def timeline_days(self, event_id: int) -> Response[TimelineDays]:
        """How many photos were taken on which day and in which hour, in UTC.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.timeline_days(event_id))

    def timeline_images(
        self, event_id: int, from_: Moment, to: Moment, page_size: int = LARGEST_PAGE, page: int = 1
    ) -> Iterator[Response[ImagePage]]:
        """The photos that were taken from `from_` on and before `to`, by capture time: every page from `page` on.

        Both are datetimes with a time zone, or Unix seconds.

        Raises:
            ValueError: a datetime without a time zone.
            ClientError: see its subclasses.
        """
        return self._walk(lambda number: self._api.timeline_images(event_id, from_, to, number, page_size), page)

    def search(
        self,
        event_id: int,
        selfie: Selfie | Sequence[Selfie],
        request_id: Identity | None = None,
        page: int = 1,
        page_size: int = PAGE_SIZE,
        *,
        downscale: int | None = None,
        consent: str | None = None,
        bib: str | None = None,
    ) -> FaceSearchResponse:
        """Search the event for the person of a selfie, or replay the search of that `request_id`.

        Without a `request_id` one is made here, not by the server: a retry after a lost response must carry it.
        Up to three selfies of one person find more than one does: give a list of them. What is too large for one call
        is uploaded first. With `downscale`, a long side in pixels, a smaller copy is sent: an upright JPEG without
        metadata. That needs Pillow. `consent` is the version of the text that the guest agreed to, as
        `event_page` names it: a search by a publishable token needs it. `bib` is the number that the guest wore: in an
        event with bib search it finds photos without a face, too, and is not heard elsewhere.

        Raises:
            OSError: a selfie's file cannot be read.
            ImportError: `downscale` without Pillow.
            ValueError: no selfie, or more than three.
            ClientError: see its subclasses.
        """
        identity = str(uuid.uuid4() if request_id is None else request_id)
        contents = read_selfies(selfie, downscale)
        return self._run(
            flows.search(self._api, self._retry, event_id, contents, identity, page, page_size, consent, bib)
        )

    def results(
        self, event_id: int, request_id: Identity, page: int = 1, page_size: int = PAGE_SIZE
    ) -> FaceSearchResponse:
        """A page of a finished search.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.results(event_id, request_id, page, page_size))

    def wait(
        self, event_id: int, request_id: Identity, timeout: float = 60.0, page: int = 1, page_size: int = PAGE_SIZE
    ) -> FaceSearchResponse:
        """A page of a search that somebody else started, as soon as it is there; `timeout` in seconds.

        Raises:
            WaitTimeoutError: it was not there in time.
            ClientError: see its subclasses.
        """
        return self._run(flows.wait(self._api, self._retry, event_id, str(request_id), timeout, page, page_size))

    def pages(
        self, event_id: int, request_id: Identity, page_size: int = LARGEST_PAGE, page: int = 1
    ) -> Iterator[FaceSearchResponse]:
        """A finished search: every page from `page` on.

        Raises:
            ClientError: see its subclasses.
        """
        return self._walk(lambda number: self._api.results(event_id, request_id, number, page_size), page)

    def watch(
        self,
        event_id: int,
        request_id: Identity,
        selfie: Selfie | Sequence[Selfie],
        days: int = 30,
        *,
        watch_consent: bool,
        downscale: int | None = None,
    ) -> Response[WatchedSearch]:
        """Have a finished search watched for later photos; `updates` says what was found.

        The selfie is sent once more, as for `search`, because it is not kept for this. `watch_consent` says that the
        person agrees to an embedding of the face being kept for so many days; without it the API refuses. The same
        call again is the same watch, and ends when it was first said to.

        Raises:
            OSError: a selfie's file cannot be read.
            ImportError: `downscale` without Pillow.
            ValueError: no selfie, or more than three.
            ClientError: see its subclasses.
        """
        contents = read_selfies(selfie, downscale)
        identity = str(request_id)
        return self._run(flows.watch(self._api, self._retry, event_id, contents, identity, days, watch_consent))

    def updates(self, event_id: int, request_id: Identity) -> Response[SearchUpdates]:
        """Until when a search is watched, and which newer search the watch has made: read the pages of `latest`.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.updates(event_id, request_id))

    def create_upload(self, event_id: int, content_type: str = "image/jpeg") -> Response[Upload]:
        """A form by which somebody else, a browser say, uploads a selfie; `search` makes its own.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.create_upload(event_id, content_type))

    def create_token(
        self,
        event_id: int,
        origins: Iterable[str] = (),
        *,
        expires_in: int = 3600,
        originals: bool = True,
        watch: bool = False,
    ) -> Response[PublishableToken]:
        """A token that a page may carry in place of the key, for one visitor. The key needs the scope `mint`.

        Without `origins`, such as "https://run.example", no page may use it. It is good for `expires_in` seconds, and
        for links to originals, and for watching, if you say so.

        Raises:
            ClientError: see its subclasses.
        """
        return self._call(self._api.create_token(event_id, origins, expires_in, originals, watch))

    def original_photos(
        self,
        event_id: int,
        *,
        request_id: Identity | None = None,
        image_ids: Iterable[Identity] | None = None,
        bib: str | None = None,
        page: int = 1,
        page_size: int = LARGEST_ORIGINALS_PAGE,
    ) -> Response[OriginalPhotos]:
        """A page of links, good for an hour, to the originals of a search, of the photos named, or of a bib.

        Raises:
            ValueError: not one of the three is given, or no photo is named.
            ClientError: see its subclasses.
        """
        return self._call(self._api.original_photos(event_id, request_id, image_ids, bib, page, page_size))

    def download_originals(
        self,
        event_id: int,
        folder: Path,
        *,
        request_id: Identity | None = None,
        image_ids: Iterable[Identity] | None = None,
        bib: str | None = None,
        progress: Progress | None = None,
    ) -> DownloadReport:
        """Fetch the originals of a search, of the photos named, or of a bib, into a folder; it is made if need be.

        A file is there whole or not at all, and none is overwritten: two of one name get a number. A photo that cannot
        be fetched is a row of the report.

        Raises:
            OSError: the folder cannot be made.
            ValueError: not one of request_id, image_ids and bib is given, or no photo is named.
            ClientError: the links could not be had; files that came before stay.
        """
        names = None if image_ids is None else names_of(image_ids)  # every page asks for them again
        target, tally = Folder(folder), DownloadTotals(progress)
        page, more = 1, True
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="originals") as pool:
            while more:
                asked = self.original_photos(event_id, request_id=request_id, image_ids=names, bib=bib, page=page)
                links = asked.data
                tally.begin_page(links)
                futures = [pool.submit(self._fetch, link, target) for link in links["presigned_urls"]]
                try:
                    for done in as_completed(futures):
                        done.result()
                        tally.count()
                finally:
                    for future in futures:
                        future.cancel()
                tally.end_page([future.result() for future in futures])
                page, more = page + 1, has_more(links)
        return tally.report()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._api})"

    def _call(self, call: Call[ResultT]) -> ResultT:
        return self._run(flows.retrying(call, self._retry))

    def _walk(self, call_of: Callable[[int], Call[PagedT]], page: int) -> Iterator[PagedT]:
        more = True
        while more:
            response = self._call(call_of(page))
            yield response
            page, more = page + 1, has_more(response.data)

    def _fetch(self, link: OriginalLink, folder: Folder) -> Path | DownloadFailure:
        try:
            return self._run(flows.fetch(self._api, self._retry, link, folder))
        except OSError as error:
            return DownloadFailure(link["filename"], error.strerror or str(error))

    def _run(self, flow: flows.Flow[ResultT]) -> ResultT:
        return flows.run(flow, self._perform)

    def _perform(self, step: flows.Step) -> httpx.Response | None:
        if isinstance(step, flows.Pause):
            self._retry.sleep(step.seconds)
            return None
        http = self._storage if step.to_storage else self._http
        if step.sink is None:
            return http.send(step.request)
        response = http.send(step.request, stream=True)
        try:
            if response.is_success:
                step.sink.restart()
                for chunk in response.iter_bytes(CHUNK_BYTES):
                    step.sink.write(chunk)
        finally:
            response.close()
        return response
