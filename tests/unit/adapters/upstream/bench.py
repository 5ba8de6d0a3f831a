"""A small API of this contract on a port of its own, that fails as it is told to, and the engine in front of it."""

import json
import ssl
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from facesearch.adapters.upstream.api import RETRIES, KeySecret, Upstream
from facesearch.adapters.upstream.breaker import Breaker
from facesearch.adapters.upstream.matcher import UpstreamMatcher
from facesearch.api.pages import images
from facesearch.api.selfie_form import parse_selfie_form
from facesearch.models import Event, Page, PhotoMatch, SearchKey, SearchSummary
from facesearch.photos.links import HostLinks
from tests.support.fakes import EVENT, EVENT_ID, ORG, photos

KEY = "key of the upstream"
SELFIE = b"\xff\xd8\xff a JPEG, as far as its first bytes say"
BASE = "https://photos.example/imgs/77"
REQUEST = uuid.UUID(int=7)
SEARCH = SearchKey(ORG, EVENT_ID, REQUEST)


@dataclass(frozen=True)
class Fault:
    """What one request gets in place of its response.

    Attributes:
        status: of the response; 0 = the connection is cut.
        worked: the search was done all the same, only nobody heard of it.
        seconds: of silence before anything.
    """

    status: int = 0
    worked: bool = False
    seconds: float = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = f'{{"responseType": "error", "message": "Refused by secret-host with {KEY}", "data": null}}'.encode()


@dataclass
class FakeApi:
    """What the API knows, and what it was asked.

    Attributes:
        faults: of the next requests, in turn; None = answer as it should.
        edit: changes what a page says, by its number.
        executed: searches that ran, by request_id.
        sent: how many selfies each search came with.
    """

    found: list[PhotoMatch] = field(default_factory=lambda: photos(12))
    faults: deque[Fault | None] = field(default_factory=deque)
    edit: Callable[[int, Any], None] = lambda number, data: None
    executed: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    connections: set[tuple[str, int]] = field(default_factory=set)

    def post(self, content_type: str, body: bytes) -> str:
        """Search, unless that was done; the request_id."""
        form = parse_selfie_form(content_type, body)
        assert form.problem is None
        assert set(form.files) == {SELFIE}
        self.sent.append(len(form.files))
        assert form.request_id is not None
        with self.lock:
            if form.request_id not in self.executed:
                self.executed.append(form.request_id)
        return form.request_id

    def page(self, request_id: str, number: int, size: int) -> Any:
        page, links = Page(number, size), HostLinks("https://photos.example")
        said = images(links, 77, self.found[page.start : page.stop], page, len(self.found))
        data = said.model_dump(mode="json", by_alias=True) | {"request_id": request_id, "confidence_percentage": 87}
        self.edit(number, data)
        return {"responseType": "success", "message": "Computed face search", "data": data}


class Handler(BaseHTTPRequestHandler):
    """Says what the API knows, or fails as told."""

    protocol_version = "HTTP/1.1"
    api: FakeApi

    def do_GET(self) -> None:
        api, url = self.api, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with api.lock:
            api.asked.append((self.command, url.path, url.query))
            api.keys.add(self.headers["X-API-Key"])
            api.connections.add(self.client_address)
            fault = api.faults.popleft() if api.faults else None
        page = b""
        if fault is None or fault.worked:
            query = {name: int(value) for name, (value,) in parse_qs(url.query).items()}
            is_post = self.command == "POST"
            request_id = api.post(self.headers["Content-Type"], body) if is_post else url.path.rpartition("/")[2]
            page = json.dumps(api.page(request_id, query["page"], query["page_size"])).encode()
        fault = fault or Fault(200, body=page)
        time.sleep(fault.seconds)
        if not fault.status:
            self.close_connection = True
            return
        self.send_response(fault.status)
        for name, value in (*fault.headers, ("Content-Length", str(len(fault.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(fault.body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nowhere."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A client that has given up is what some tests are about."""


@dataclass
class FakeSecrets:
    """A secret that can be replaced."""

    text: str = KEY
    read: int = 0

    def get_secret_value(self, *, SecretId: str) -> Any:  # noqa: N803
        assert SecretId == "the upstream's key"
        self.read += 1
        return {"SecretString": self.text}


class Front:
    """The engine over an API."""

    def __init__(self, api: FakeApi, url: str, http: httpx.Client, pool: ThreadPoolExecutor) -> None:
        self.api = api
        self.secrets = FakeSecrets()
        self.pauses: list[float] = []
        self.now = 0.0
        key = KeySecret(self.secrets, "the upstream's key", lambda: self.now)
        retries = replace(RETRIES, sleep=self.pauses.append)
        self.upstream = Upstream(http, url, key, Breaker(clock=lambda: self.now), retries)
        self.matcher = UpstreamMatcher(self.upstream, pool)

    def search(self, *selfies: bytes, seconds: float = 20, **event: Any) -> tuple[SearchSummary, list[PhotoMatch]]:
        """As `FaceSearch` does."""
        there: Event = replace(EVENT, **event)
        probe = self.matcher.probe(there, selfies or [SELFIE], SEARCH, seconds)
        found = self.matcher.match(there, probe)
        return self.matcher.summary(there, probe, found), found


@contextmanager
def front_of(api: FakeApi, http: httpx.Client, tls: ssl.SSLContext | None = None) -> Iterator[Front]:
    """The API served, and the engine in front of it."""
    with Server(("127.0.0.1", 0), type("OfOneApi", (Handler,), {"api": api})) as server:
        if tls is not None:  # shaken by the thread of the connection, not by the one that accepts
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        # A shutdown is noticed at the next poll: the usual half a second would be most of a test.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with ThreadPoolExecutor(4) as pool:
                yield Front(api, f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}", http, pool)
        finally:
            server.shutdown()
            thread.join()
