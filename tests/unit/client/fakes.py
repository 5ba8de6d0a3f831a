"""The other end of the wire, in memory: an API as promised, a scripted one, and a clock that waits for nobody.

Both are handlers for `httpx.MockTransport`, which serves the synchronous and the asynchronous client alike.
"""

import asyncio
import json
import urllib.parse
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from fnmatch import fnmatchcase
from typing import Any

import httpx

from facesearch_client import AsyncFaceSearchClient, RetryPolicy

JPEG = b"\xff\xd8\xff\xe0 not much of a picture"
REQUEST_ID = "ddc661a7-8861-4793-9437-af42a82d12f8"
KEY = "key-that-nobody-may-see"
API = "https://api.example/live"
STORE = "https://store.example"

Handler = Callable[[httpx.Request], httpx.Response]
Step = httpx.Response | Exception | Handler


def success(data: dict[str, Any], message: str = "Fine", headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(200, json={"responseType": "success", "message": message, "data": data}, headers=headers)


def refusal(status: int, message: str = "No.", headers: dict[str, str] | None = None) -> httpx.Response:
    envelope = {"responseType": "error", "message": message, "data": None}
    return httpx.Response(status, json=envelope, headers=headers)


def pagination(total: int, page: int, page_size: int) -> dict[str, Any]:
    pages = -(-total // page_size)
    place = {"total": total, "currentPage": page if total else 0, "totalPages": pages, "page_size": page_size}
    return place | {"hasNextPage": page < pages, "hasPreviousPage": page > 1}


def image(number: int) -> dict[str, Any]:
    imgs = "https://photos.example/imgs/456"
    urls = {
        "img_url": f"{imgs}/large/{number}.jpg",
        "thumbnail_url": f"{imgs}/small/{number}.jpg",
        "original_url": None,
    }
    return urls | {"height": 4860, "width": None, "image_id": str(uuid.UUID(int=number))}


def search_data(total: int = 3, page: int = 1, page_size: int = 32, request_id: str = REQUEST_ID) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "confidence_percentage": 90,
        "images": [image(n) for n in _shown(total, page, page_size)],
        "pagination": pagination(total, page, page_size),
    }


def body_of(total: int = 3, page: int = 1, page_size: int = 32, request_id: str = REQUEST_ID) -> dict[str, Any]:
    """The whole body of a face search response."""
    data = search_data(total, page, page_size, request_id)
    return {"responseType": "success", "message": "Computed face search", "data": data}


def _shown(total: int, page: int, page_size: int) -> range:
    return range((page - 1) * page_size, min(page * page_size, total))


def form_parts(request: httpx.Request) -> list[tuple[str, Message]]:
    """The parts of a multipart request with their names, in their order."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts: Any = message_from_bytes(head + request.content).get_payload()
    return [(str(part.get_param("name", header="Content-Disposition")), part) for part in parts]


def form_of(request: httpx.Request) -> dict[str, Message]:
    """The parts of a multipart request whose names differ."""
    return dict(form_parts(request))


def fields_of(request: httpx.Request) -> dict[str, str]:
    """The text fields of a form, whichever way it is encoded."""
    if request.headers["Content-Type"] == "application/x-www-form-urlencoded":
        return dict(urllib.parse.parse_qsl(request.content.decode()))
    return {name: str(part.get_payload()) for name, part in form_of(request).items() if not part.get_filename()}


class ScriptedApi:
    """Answers with the steps of a script, one after the other, and keeps what it was asked."""

    def __init__(self, script: Iterable[Step] = ()) -> None:
        self._script = list(script)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return _take(self._script.pop(0), request)


class FakeApi:
    """The API and its storage: events, a gallery, searches, uploads, originals.

    `troubles` maps patterns of "METHOD path", without the base path, to steps that come first.
    """

    def __init__(self, photos: int = 3, events: int = 3) -> None:
        self.photos = photos
        self.events = events
        self.finished: set[str] = set()
        self.watches: dict[str, str] = {}
        self.uploads: dict[str, bytes | None] = {}
        self.originals = {str(uuid.UUID(int=n)): b"original %d" % n for n in range(photos)}
        self.filenames: dict[str, str] = {}
        self.bibs: dict[str, list[int]] = {}
        self.troubles: dict[str, list[Step]] = {}
        self.requests: list[httpx.Request] = []
        self.matches = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        for pattern, steps in self.troubles.items():
            if fnmatchcase(_line(request), pattern) and steps:
                return _take(steps.pop(0), request)
        return self.serve(request)

    def serve(self, request: httpx.Request) -> httpx.Response:
        """The response as promised."""
        if request.url.host == "store.example":
            return self._storage(request)
        if request.headers["X-API-Key"] != KEY:
            return refusal(403, "Unknown key.")
        return self._for_guests(request) or self._timeline(request) or self._bib(request) or self._route(request)

    def asked(self, pattern: str) -> list[httpx.Request]:
        """The requests so far whose "METHOD path" is like `pattern`."""
        return [request for request in self.requests if fnmatchcase(_line(request), pattern)]

    def _route(self, request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params.get("page", 1)), int(request.url.params.get("page_size", 32))
        method, *path = _line(request).split("/")
        match (method.strip(), *path):
            case ("POST", "event", _, "faces", "uploads"):
                return self._upload()
            case ("POST", "event", _, "faces"):
                return self._search(request, page, size)
            case ("POST", "event", _, "original-photos"):
                return self._original_photos(request, page, size)
            case ("POST", "event", _, "tokens"):
                return success({"token": "fsp_1", "expires_at": "2026-05-17T10:30:00Z"})
            case ("GET", *_):
                return self._read(path, page, size)
        return refusal(404, "No such route.")

    def _read(self, path: list[str], page: int, size: int) -> httpx.Response:
        match path:
            case ["event", event, "ping"]:
                return success({"status": "ok", "org_id": 903, "event_id": int(event)}, "pong")
            case ["event", event, "details"]:
                return success(_details(int(event)), "Event details")
            case ["events"]:
                rows = [_event(n) for n in _shown(self.events, page, size)]
                return success({"events": rows, "pagination": pagination(self.events, page, size)})
            case ["event", _, "images"]:
                rows = [image(n) for n in _shown(self.photos, page, size)]
                return success({"images": rows, "pagination": pagination(self.photos, page, size)})
            case ["event", _, "faces", request_id] if request_id in self.finished:
                return success(search_data(self.photos, page, size, request_id))
        return refusal(404, "No such route, or no such search.")

    def _search(self, request: httpx.Request, page: int, size: int) -> httpx.Response:
        fields = fields_of(request)
        request_id, upload_id = fields["request_id"], fields.get("upload_id")
        headers = {"RateLimit-Limit": "1000", "RateLimit-Remaining": "999", "RateLimit-Reset": "60"}
        if request_id in self.finished:
            headers["Idempotent-Replayed"] = "true"
        elif upload_id is not None and not self.uploads.get(upload_id):
            return refusal(400, "Unknown upload_id.", headers)
        else:
            self.matches += 1
            self.finished.add(request_id)
        return success(search_data(self.photos, page, size, request_id), "Computed face search", headers)

    def _for_guests(self, request: httpx.Request) -> httpx.Response | None:
        match _line(request).split("/"):
            case ["GET ", "event", event, "page"]:
                return success(_guest_page(int(event)), "Event page")
            case ["POST ", "event", _, "faces", request_id, "watch"] if request_id in self.finished:
                return self._watch(request, request_id)
            case ["GET ", "event", _, "faces", request_id, "updates"] if request_id in self.finished:
                watched = {"request_id": request_id, "watching_until": self.watches.get(request_id)}
                return success(watched | {"latest": None, "total": self.photos}, "Face search updates")
        return None

    def _timeline(self, request: httpx.Request) -> httpx.Response | None:
        """Of photos that were taken one an hour, on the first day of 1970."""
        match _line(request).split("/"):
            case ["GET ", "event", _, "timeline", "days"]:
                hours = [{"hour": hour, "count": 1} for hour in range(self.photos)]
                day = {"date": "1970-01-01", "total": self.photos, "hours": hours}
                return success({"days": [day]}, "Timeline buckets")
            case ["GET ", "event", _, "timeline", "images"]:
                since, until, page, size = (
                    int(request.url.params[name]) for name in ("from", "to", "page", "page_size")
                )
                taken = [image(n) for n in range(self.photos) if since <= n * 3600 < until]
                rows = [taken[n] for n in _shown(len(taken), page, size)]
                return success({"images": rows, "pagination": pagination(len(taken), page, size)})
        return None

    def _bib(self, request: httpx.Request) -> httpx.Response | None:
        match _line(request).split("/"):
            case ["GET ", "event", _, "bibs", bib]:
                found = self.bibs.get(bib.upper(), [])
                page, size = (int(request.url.params[name]) for name in ("page", "page_size"))
                rows = [image(found[n]) for n in _shown(len(found), page, size)]
                return success({"images": rows, "pagination": pagination(len(found), page, size)})
        return None

    def _watch(self, request: httpx.Request, request_id: str) -> httpx.Response:
        if fields_of(request)["watch_consent"] != "true":
            return refusal(422, "body.watch_consent: must be true.", {"Face-Search-Error": "consent_needed"})
        self.watches.setdefault(request_id, "2026-05-24T10:30:00Z")
        data = {"request_id": request_id, "watching_until": self.watches[request_id]}
        return httpx.Response(202, json={"responseType": "success", "message": "Face search watched", "data": data})

    def _upload(self) -> httpx.Response:
        upload_id = str(uuid.uuid4())
        self.uploads[upload_id] = None
        fields = {"key": upload_id, "policy": "b64", "x-amz-signature": "f00"}
        data = {"upload_id": upload_id, "url": f"{STORE}/bucket", "fields": fields}
        return success(data | {"max_bytes": 15 * 2**20, "expires_in": 600}, "Upload the selfie")

    def _original_photos(self, request: httpx.Request, page: int, size: int) -> httpx.Response:
        body = json.loads(request.content)
        match body["method"]:
            case "selfie":
                named = list(self.originals)
            case "bib":
                named = [str(uuid.UUID(int=n)) for n in self.bibs.get(body["identifier"].upper(), [])]
            case _:
                named = body["identifier"]
        shown = [named[n] for n in _shown(len(named), page, size)]
        links = [
            {"url": f"{STORE}/originals/{name}?signature=f00", "filename": self.filenames.get(name, f"{name}.jpg")}
            for name in shown
            if name in self.originals
        ]
        lost = [name for name in shown if name not in self.originals]
        missing = [{"image_id": name, "error": "Not found", "path": None} for name in lost]
        data = {
            "presigned_urls": links,
            "failed_urls": missing,
            "total_images": len(named),
            "successful_count": len(links),
            "failed_count": len(missing),
            "identifier": None if body["method"] == "image_ids" else body["identifier"],
            "message": None,
            "pagination": pagination(len(named), page, size),
        }
        return success(data, "Original photos")

    def _storage(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            form = form_of(request)
            selfie = form["file"].get_payload(decode=True)
            assert isinstance(selfie, bytes)
            self.uploads[str(form["key"].get_payload())] = selfie
            return httpx.Response(204)
        content = self.originals.get(request.url.path.rsplit("/", 1)[-1])
        return httpx.Response(404) if content is None else httpx.Response(200, content=content)


def _line(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path.removeprefix('/live/api/v1/ext/903')}"


def _take(step: Step, request: httpx.Request) -> httpx.Response:
    if isinstance(step, Exception):
        raise step
    if isinstance(step, httpx.Response):  # a response serves one client only
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)
    return step(request)


def _event(number: int) -> dict[str, Any]:
    names = {"event_id": 456 + number, "event_name": f"Run {number}", "event_slug": f"run-{number}"}
    return names | {"event_date": "2025-05-04T00:00:00", "status": "active", "cover_image": None}


def _details(event_id: int) -> dict[str, Any]:
    off = ("bib_search", "name_search", "video_search", "video_selfie_search", "timeline_search")
    row = {name: value for name, value in _event(0).items() if name != "cover_image"}
    return {**row, "event_id": event_id, "event_enabled": True, "selfie_search": True} | dict.fromkeys(off, False)


def _guest_page(event_id: int) -> dict[str, Any]:
    texts = ("cover_image", "organiser", "privacy_url", "locale", "accent", "challenge")
    return {
        **dict.fromkeys(texts),
        "event_id": event_id,
        "event_name": "Run 0",
        "event_date": "2025-05-04T00:00:00",
        "consent": {"version": "standard-1", "text": None},
        "retention": {"selfie_days": 7, "result_days": 30, "faces_until": None},
        "allows": {"search": True, "bibs": True, "originals": True, "watch": True, "watch_days": 30},
        "photos": {"complete": False, "newest_at": None},
        "max_selfie_bytes": 4_600_000,
    }


class Waits:
    """Takes the place of sleep, random and clock: nothing waits, every draw is the largest, time passes by waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def policy(self, **changes: Any) -> RetryPolicy:
        return RetryPolicy(
            sleep=self.seconds.append,
            sleep_async=self._sleep_async,
            random=lambda _, most: most,
            clock=lambda: sum(self.seconds),
            **changes,
        )

    async def _sleep_async(self, seconds: float) -> None:
        self.seconds.append(seconds)


class AsyncAtOnce:
    """The asynchronous client as if it were the other one: each method runs to its end, pages come one by one."""

    def __init__(self, client: AsyncFaceSearchClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            started = method(*arguments, **named)
            if isinstance(started, AsyncIterator):
                return self._each(started)
            return self._runner.run(started)

        return call

    def __repr__(self) -> str:
        return repr(self._client)

    def _each(self, pages: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(pages, None)

        while (page := self._runner.run(following())) is not None:
            yield page
