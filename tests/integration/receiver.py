"""A receiver of callbacks: an HTTP server in a thread, which checks signatures with two libraries that are not ours."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import svix
from standardwebhooks import Webhook


@dataclass(frozen=True)
class Got:
    """One request. `message`: its JSON; only what is signed comes this far."""

    path: str
    webhook_id: str
    timestamp: int
    body: bytes
    message: Any
    at: float


Answer = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """`answer` decides on each request, by what has come before it; `forged` counts what no secret has signed."""

    url: str
    secret: str
    answer: Callable[["Receiver", Got], Answer] = lambda receiver, got: (204, {})
    got: list[Got] = field(default_factory=list)
    forged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, request_id: object) -> list[Got]:
        """What came about one search, in its order."""
        return [each for each in list(self.got) if each.message["data"]["request_id"] == str(request_id)]

    def handle(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            message = Webhook(self.secret).verify(body, headers)
            svix.Webhook(self.secret).verify(body, headers)
        except Exception:  # noqa: BLE001 - whatever the library says: not ours
            self.forged += 1
            return 401, {}
        got = Got(path, headers["webhook-id"], int(headers["webhook-timestamp"]), body, message, time.time())
        with self.lock:
            answer = self.answer(self, got)
            self.got.append(got)
        return answer


@contextmanager
def receiving(secret: str, port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens for as long as the block takes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = receiver.handle(self.path, headers, body)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    with Server(("127.0.0.1", port), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hooks/private-path", secret)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
