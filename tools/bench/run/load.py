"""Load over HTTP: searches, replays and pages by 1, 4 and 16 clients, beside a bare handler in the same local stack."""

import http.client
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from facesearch_local.control import RunningStack
from tools.bench.run import pictures
from tools.bench.run.sides import ROOT

BARE_PATH = "/bare"
BARE = """
  BareFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: bare
      Timeout: 20
      MemorySize: 1769
      Events:
        Bare: { Type: Api, Properties: { RestApiId: !Ref Api, Method: GET, Path: /bare } }
"""
CODE = """
import json, pathlib
from tools.bench.run.bare import handler_of
handler = handler_of(json.loads((pathlib.Path(__file__).parent / "body.json").read_text()), "/bare")
"""
TIMEOUT = 60


@dataclass(frozen=True)
class Ask:
    """A request: method, path, headers, and what makes its body."""

    method: str
    path: str
    headers: dict[str, str]
    body: Callable[[], bytes] = lambda: b""


def measure(
    stack: RunningStack, made: Any, clients: Sequence[int], seconds: float, faces: int, folder: Path
) -> dict[str, Any]:
    """By kind of request and number of clients: requests a second, and the median of milliseconds. `made`: what
    `prepare` made in this stack."""
    asks = _asks(stack.url, made, faces, folder)
    found: dict[str, Any] = {name: {} for name in asks}
    for count in clients:
        for name, ask in asks.items():
            _load(stack.url, ask, count, seconds / 4)  # workers start
            found[name][str(count)] = _load(stack.url, ask, count, seconds)
    return found


def template_in(folder: Path) -> Path:
    """The template with one more function, whose body is put there before it is first called."""
    for entry in ROOT.iterdir():
        if entry.name in {"layers", "functions", "operations.yaml", "edge.yaml", "http.yaml"}:
            (folder / entry.name).symlink_to(entry)
    (folder / "bare").mkdir()
    (folder / "bare" / "app.py").write_text(f"import sys; sys.path.append({str(ROOT)!r})\n{CODE}")
    template = folder / "template.yaml"
    template.write_text((ROOT / "template.yaml").read_text().replace("\nResources:\n", f"\nResources:\n{BARE}", 1))
    return template


def _asks(url: str, made: Any, faces: int, folder: Path) -> dict[str, Ask]:
    path = f"/api/v1/ext/{made['org_id']}/event/{made['events'][str(faces)]}/faces"
    key = {"X-API-Key": made["api_key"]}
    form = key | {"Content-Type": "multipart/form-data; boundary=x"}
    selfie = pictures.selfie(2)

    def body(request_id: str) -> bytes:
        field = f'--x\r\nContent-Disposition: form-data; name="request_id"\r\n\r\n{request_id}\r\n'
        file = '--x\r\nContent-Disposition: form-data; name="file"; filename="s.jpg"\r\n\r\n'
        return (field + file).encode() + selfie + b"\r\n--x--\r\n"

    known = str(uuid.uuid4())
    search = Ask("POST", path, form, lambda: body(str(uuid.uuid4())))
    replay = Ask("POST", path, form, lambda: body(known))
    page = Ask("GET", f"{path}/{known}", key)
    with_body = _once(url, replay)
    (folder / "bare" / "body.json").write_bytes(with_body)
    return {"search": search, "replay": replay, "page": page, "bare": Ask("GET", BARE_PATH, {})}


def _once(url: str, ask: Ask) -> bytes:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)
    try:
        connection.request(ask.method, ask.path, ask.body() or None, ask.headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"{ask.method} {ask.path} responded with {response.status}: {body[:500]!r}")
    return body


def _load(url: str, ask: Ask, clients: int, seconds: float) -> dict[str, float]:
    """As many threads as clients, each with one connection, one request after the other."""
    place, until = urlsplit(url), time.perf_counter() + seconds
    times, failed = list[float](), list[int]()

    def client() -> None:
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)
        while time.perf_counter() < until:
            body, began = ask.body() or None, time.perf_counter()
            connection.request(ask.method, ask.path, body, ask.headers)
            response = connection.getresponse()
            response.read()
            times.append(1000 * (time.perf_counter() - began))
            if response.status != 200:
                failed.append(response.status)
        connection.close()

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    return {"a_second": len(times) / took, "median": statistics.median(times), "failed": len(failed)}
