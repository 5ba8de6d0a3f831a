"""A partner's site: sends webhooks to a running stack, serves the selfies that they name, and takes callbacks, whose
signatures it checks with two libraries that are not ours."""

import json
import select
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import standardwebhooks
import svix

from tests.integration.conftest import Site
from tests.support.signatures import signed

ENDED = {"done", "failed"}


@dataclass
class Partner:
    """Sends as an organisation does that has this secret."""

    site: Site
    secret: str

    @property
    def url(self) -> str:
        return f"{self.site.faces_url()}/webhook"

    def send(self, body: Any, message: str | None = None, **headers: str) -> httpx.Response:
        """One signed webhook; `body` as JSON unless it is bytes, `headers` in place of those that it would have."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = signed(self.secret, content, message or f"msg_{uuid.uuid4().hex}")
        return self.site.http.post(self.url, content=content, headers=own | headers)

    def status(self, request_id: str) -> httpx.Response:
        return self.site.http.get(f"{self.site.faces_url(request_id)}/status", headers=self.site.headers)

    def end_of(self, request_id: str, seconds: float = 60) -> dict[str, Any]:
        """What the search has come to, as soon as it has."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.status(request_id)
            assert answer.status_code == 200, answer.text
            data: dict[str, Any] = answer.json()["data"]
            if data["status"] in ENDED:
                return data
            assert time.monotonic() < deadline, data
            time.sleep(0.05)

    def orders(self) -> int:
        """Messages for searches, waiting or in work or dead."""
        return self.site.messages("SearchJobs")

    def items(self) -> set[str]:
        """Keys of all that webhooks have left in the table for this organisation."""
        pages = self.site.dynamodb.get_paginator("scan").paginate(TableName=self.site.outputs["TableName"])
        keys = {f"{item['pk']['S']}/{item['sk']['S']}" for page in pages for item in page["Items"]}
        own = (f"JOB#{self.site.org_id}#", f"WEBHOOK#{self.site.org_id}#", f"JOBS#{self.site.event_id}/")
        return {key for key in keys if key.startswith(own)}

    def selfies(self) -> list[str]:
        """Keys of selfies that wait for their search."""
        bucket, prefix = self.site.outputs["SelfiesBucket"], f"jobs/{self.site.org_id}/"
        return [each["Key"] for each in self.site.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


@dataclass
class Host:
    """A web server with selfies on it. `answers`: path -> status and body; `asked`: the paths in order; `hangs`: what
    is not answered before it is `released`; `most`: how many connections have waited for that at once."""

    url: str
    hangs: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)
    waiting: set[int] = field(default_factory=set)
    most: int = 0
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, content: bytes, status: int = 200) -> str:
        """The URL of something new."""
        path = f"/{uuid.uuid4()}"
        self.answers[path] = (status, content)
        return self.url + path

    def hanging(self, status: int = 404) -> str:
        """The URL of something that does not come, and is answered so when it is released."""
        url = self.put(b"", status)
        self.hangs.add(url.removeprefix(self.url))
        return url

    def hang(self, connection: socket.socket) -> None:
        """Until it is released or the other side gives up."""
        number = connection.fileno()
        self.waiting.add(number)
        self.most = max(self.most, len(self.waiting))
        while not self.released.wait(0.05):
            readable, _, _ = select.select([connection], [], [], 0)
            if readable and not connection.recv(1, socket.MSG_PEEK):
                break
        self.waiting.discard(number)


@dataclass(frozen=True)
class Got:
    """One callback. `message`: its JSON; only what is signed comes this far."""

    webhook_id: str
    message: Any


@dataclass
class Receiver:
    """`forged` counts what no secret has signed."""

    url: str
    secret: str
    got: list[Got] = field(default_factory=list)
    forged: int = 0

    def of(self, request_id: object) -> list[Got]:
        """What came about one search, in its order."""
        return [each for each in list(self.got) if each.message["data"]["request_id"] == str(request_id)]

    def take(self, headers: dict[str, str], body: bytes) -> int:
        try:
            svix.Webhook(self.secret).verify(body, headers)
            message = standardwebhooks.Webhook(self.secret).verify(body, headers)
        except Exception:  # noqa: BLE001 - whatever the library says: not ours
            self.forged += 1
            return 401
        self.got.append(Got(headers["webhook-id"], message))
        return 204


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    def read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def respond(self, status: int, content: bytes = b"") -> None:
        with suppress(ConnectionError):  # of who has not waited
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        pass


@contextmanager
def _serving(handler: type[_Handler], port: int = 0) -> Iterator[str]:
    with _Server(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def host() -> Iterator[Host]:
    """A host on this machine, for as long as the block takes."""

    class Selfies(_Handler):
        def do_GET(self) -> None:
            self.read()
            known.asked.append(self.path)
            if self.path in known.hangs:
                known.hang(self.connection)
            self.respond(*known.answers.get(self.path, (404, b"")))

        do_POST = do_GET  # noqa: N815

    with _serving(Selfies) as url:
        known = Host(url)
        try:
            yield known
        finally:
            known.released.set()


@contextmanager
def receiving(secret: str, port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens for as long as the block takes."""

    class Callbacks(_Handler):
        def do_POST(self) -> None:
            body = self.read()
            self.respond(receiver.take({name.lower(): value for name, value in self.headers.items()}, body))

    with _serving(Callbacks, port) as url:
        receiver = Receiver(f"{url}/hooks/private-path", secret)
        yield receiver
