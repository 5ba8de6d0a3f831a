"""What is asked of DynamoDB and S3, noted call by call as botocore makes it, and what that costs."""

import io
import json
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.client import BaseClient

from tools.bench.units import read_units, write_units

PRICES = Path(__file__).with_name("prices.toml")

_PUTS = {"CopyObject", "CreateMultipartUpload", "ListObjectsV2", "PostObject", "PutObject", "UploadPart"}
CLIENTS: Any = BaseClient
"""What all of botocore's clients are; its types say nothing of what is between an operation and its request."""
_FREE = {"DeleteObject", "DeleteObjects"}


@dataclass(frozen=True)
class Call:
    """One operation of a client, from when it is sent until its response is there, retries among it.

    Attributes:
        target: table or bucket; of several tables the first.
        about: what kinds of items, by the first words of their keys: "QUOTA", "RESULT"; a claim's key has no such word.
        began, ended: by `time.perf_counter`, seconds.
        round_trips: HTTP requests that were answered.
        sent, received: bytes of the bodies.
    """

    service: str
    operation: str
    target: str
    about: str
    began: float
    ended: float
    round_trips: int
    read_units: float
    write_units: int
    sent: int
    received: int


@dataclass
class Requests:
    """Counts of one stretch of work.

    Attributes:
        dynamodb, gets, puts: HTTP requests that were answered, retries among them.
        read_units, write_units: see `units`.
        dynamodb_bytes, s3_bytes: of the responses' bodies.
    """

    dynamodb: int = 0
    gets: int = 0
    puts: int = 0
    read_units: float = 0
    write_units: int = 0
    dynamodb_bytes: int = 0
    s3_bytes: int = 0

    def dollars(self, prices: "Prices") -> float:
        """What these requests cost."""
        units = self.read_units * prices.read_unit + self.write_units * prices.write_unit
        return units + self.gets * prices.get + self.puts * prices.put

    def add(self, call: Call) -> None:
        """One more."""
        if call.service == "dynamodb":
            self.dynamodb += call.round_trips
            self.dynamodb_bytes += call.received
            self.read_units += call.read_units
            self.write_units += call.write_units
        elif call.operation in _PUTS:
            self.puts += call.round_trips
        elif call.service == "s3" and call.operation not in _FREE:
            self.gets += call.round_trips
            self.s3_bytes += 0 if call.operation == "HeadObject" else call.received


@dataclass(frozen=True)
class Sent:
    """A request as it was sent, so that it can be sent again without botocore."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Prices:
    """Dollars for one of each; `as_of` is the day on which they were looked up."""

    as_of: str
    region: str
    read_unit: float
    write_unit: float
    get: float
    put: float


def read_prices(path: Path = PRICES) -> Prices:
    """The table file."""
    table = tomllib.loads(path.read_text())
    return Prices(
        as_of=str(table["as_of"]),
        region=table["region"],
        read_unit=table["dynamodb"]["dollars_per_million_read_units"] / 1e6,
        write_unit=table["dynamodb"]["dollars_per_million_write_units"] / 1e6,
        get=table["s3"]["dollars_per_thousand_gets"] / 1e3,
        put=table["s3"]["dollars_per_thousand_puts"] / 1e3,
    )


class Counter:
    """Notes what some clients do, or all clients of this process, until it is told to stop.

    It takes the place of the one method through which botocore's clients send, so it sees request and response whole,
    whichever client it is: real, or over a stand-in within the process.
    """

    def __init__(
        self,
        *clients: Any,
        before: Callable[[str, str], None] | None = None,
        after: Callable[[Call], None] | None = None,
    ) -> None:
        """`before`: with service and operation, when a call begins; `after`: before its caller has the response."""
        self.calls: list[Call] = []
        self.queries: list[Sent] = []
        self._before, self._after, self._lock = before, after, Lock()
        self._clients = clients
        for client in clients:
            client._make_request = partial(self._send, client, client._make_request)
            client.meta.events.register("before-send.dynamodb.Query", self._keep)
        if not clients:
            self._original = CLIENTS._make_request
            original, send = self._original, self._send
            CLIENTS._make_request = lambda client, *rest: send(client, partial(original, client), *rest)

    def stop(self) -> None:
        """Note no more."""
        for client in self._clients:
            del client._make_request
            client.meta.events.unregister("before-send.dynamodb.Query", self._keep)
        if not self._clients:
            CLIENTS._make_request = self._original

    @property
    def counted(self) -> Requests:
        """What it has come to by now."""
        with self._lock:
            return total(self.calls)

    def taken(self) -> list[Call]:
        """The calls since this was last asked."""
        with self._lock:
            calls, self.calls = self.calls, []
            return calls

    def _keep(self, request: Any, **_: Any) -> None:
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        with self._lock:
            self.queries.append(Sent(request.url, headers, request.body))

    def _send(self, client: Any, send: Callable[..., Any], model: Any, request: Any, context: Any) -> Any:
        service = client.meta.service_model.service_name
        began = time.perf_counter()
        if self._before is not None:
            self._before(service, model.name)
        http, said = send(model, request, context)
        # What streams is not read yet; a stand-in within the process says no length.
        received = http.headers.get("content-length") or (0 if model.has_streaming_output else len(http.content))
        call = _call(service, model.name, request, said, int(received), (began, time.perf_counter()))
        with self._lock:
            self.calls.append(call)
        if self._after is not None:
            self._after(call)
        return http, said


def total(calls: Sequence[Call]) -> Requests:
    """What some calls come to."""
    requests = Requests()
    for call in calls:
        requests.add(call)
    return requests


def longest_chain(calls: Sequence[Call]) -> list[Call]:
    """The most calls of which each began after the one before it had ended: what must be waited for in turn.

    Of intervals on a line those that end first are such a chain.
    """
    chain: list[Call] = []
    for call in sorted(calls, key=lambda each: each.ended):
        if not chain or call.began >= chain[-1].ended:
            chain.append(call)
    return chain


def _call(service: str, operation: str, request: Any, said: Any, received: int, times: tuple[float, float]) -> Call:
    body = request.get("body") or b""
    asked = json.loads(body) if service == "dynamodb" else {}
    return Call(
        service=service,
        operation=operation,
        target=_target(asked) or str(request["context"].get("input_params", {}).get("Bucket", "")),
        about=_about(asked),
        began=times[0],
        ended=times[1],
        round_trips=1 + said.get("ResponseMetadata", {}).get("RetryAttempts", 0),
        read_units=read_units(operation, asked, said) if asked else 0,
        write_units=write_units(operation, asked, said) if asked else 0,
        sent=_length(body, request["headers"]),
        received=received,
    )


def _about(asked: Any) -> str:
    """Of a DynamoDB request."""
    batches = list(asked.get("RequestItems", {}).values())
    writes = [write for each in batches if isinstance(each, list) for item in each for write in item.values()]
    writes += [write for each in asked.get("TransactItems", ()) for write in each.values()]
    keys = [key for each in batches if isinstance(each, dict) for key in each["Keys"]]
    keys += [write.get("Item") or write.get("Key") or {} for write in (*writes, asked)]
    named = {each["pk"]["S"].partition("#")[0] for each in keys if "pk" in each}
    claims = {"claim"} if any("id" in each and "pk" not in each for each in keys) else set()
    return ", ".join(sorted(named | claims))


def _length(body: Any, headers: Any) -> int:
    if isinstance(body, bytes | bytearray | str):
        return len(body)
    if isinstance(body, io.BytesIO):
        return body.getbuffer().nbytes
    return int(headers.get("X-Amz-Decoded-Content-Length") or headers.get("Content-Length") or 0)


def _target(asked: dict[str, Any]) -> str:
    if "RequestItems" in asked:
        return str(next(iter(asked["RequestItems"])))
    if "TransactItems" in asked:
        return str(next(iter(asked["TransactItems"][0].values()))["TableName"])
    return str(asked.get("TableName", ""))
