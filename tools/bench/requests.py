"""What is asked of DynamoDB and S3, counted from botocore's own events, and what that costs."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any

PRICES = Path(__file__).with_name("prices.toml")
READ_UNIT_BYTES = 4096

_PUTS = {"CopyObject", "CreateMultipartUpload", "ListObjectsV2", "PostObject", "PutObject", "UploadPart"}
_FREE = {"DeleteObject", "DeleteObjects"}


@dataclass
class Requests:
    """Counts of one stretch of work.

    Attributes:
        dynamodb, gets, puts: HTTP requests that were answered, retries among them.
        read_units: of strongly consistent reads, by the size of the items that came (stores that stand in for AWS make
            no sense of units).
        dynamodb_bytes, s3_bytes: of the answers' bodies.
    """

    dynamodb: int = 0
    gets: int = 0
    puts: int = 0
    read_units: float = 0
    dynamodb_bytes: int = 0
    s3_bytes: int = 0

    def dollars(self, prices: "Prices") -> float:
        """What these requests cost."""
        return self.read_units * prices.read_unit + self.gets * prices.get + self.puts * prices.put


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
    """Counts what some clients do, until it is told to stop."""

    def __init__(self, *clients: Any) -> None:
        self.counted = Requests()
        self.queries: list[Sent] = []
        self._lock = Lock()
        self._registered: list[tuple[Any, str, Callable[..., None]]] = []
        for client in clients:
            events, service = client.meta.events, client.meta.service_model.service_name
            self._registered.append((events, f"response-received.{service}", self._note))
        for client in clients:
            self._registered.append((client.meta.events, "before-send.dynamodb.Query", self._keep))
        for events, name, handler in self._registered:
            events.register(name, handler)

    def stop(self) -> None:
        """Count no more."""
        for events, name, handler in self._registered:
            events.unregister(name, handler)

    def _keep(self, request: Any, **_: Any) -> None:
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        with self._lock:
            self.queries.append(Sent(request.url, headers, request.body))

    def _note(self, event_name: str, response_dict: Any, parsed_response: Any, **_rest: Any) -> None:
        if response_dict is None:  # no answer came
            return
        _, service, operation = event_name.split(".")
        length = int(response_dict["headers"].get("content-length") or len(response_dict.get("body") or b""))
        with self._lock:
            self._add(service, operation, length, parsed_response or {})

    def _add(self, service: str, operation: str, length: int, answer: dict[str, Any]) -> None:
        now = self.counted
        if service == "dynamodb":
            items = answer.get("Items") or ([answer["Item"]] if "Item" in answer else [])
            now.dynamodb += 1
            now.dynamodb_bytes += length
            now.read_units += max(1, ceil(sum(map(item_bytes, items)) / READ_UNIT_BYTES))
        elif operation in _PUTS:
            now.puts += 1
        elif operation not in _FREE:
            now.gets += 1
            now.s3_bytes += 0 if operation == "HeadObject" else length


def item_bytes(item: dict[str, Any]) -> int:
    """Size of an item as DynamoDB counts it: names and texts in UTF-8, bytes, and numbers by their digits."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    (kind, content), *_ = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content) // 2 + 1
    return len(content) if kind == "B" else 1
