"""API Gateway's Lambda proxy integration, version 1 (REST): request to event, and the function's response to HTTP."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from facesearch_local.functions import Route

# What API Gateway takes care of itself; a function that sets these does not get its way.
_OWN_HEADERS = {"connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"}
_RESPONSE_FIELDS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}


class MalformedResponseError(Exception):
    """The function returned something else than a proxy response."""


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came; `path` and `query` still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str


@dataclass(frozen=True)
class HttpResponse:
    """What goes back to the client."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Routes:
    """Finds the route of a request; a constant segment wins over a {parameter}, that over a {greedy+} one.

    The path alone decides, as in API Gateway: a method that the winner has not is not looked for elsewhere.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = sorted(((_pattern(route.path), route) for route in routes), key=lambda entry: _rank(entry[1]))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters, decoded; None if the template has none."""
        winner = next((route.path for pattern, route in self._routes if pattern.fullmatch(path)), None)
        for pattern, route in self._routes:
            if route.path == winner and route.method in (method, "ANY") and (found := pattern.fullmatch(path)):
                names = re.findall(r"\{(\w+)\+?\}", route.path)
                return route, {name: unquote(value) for name, value in zip(names, found.groups(), strict=True)}
        return None


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\+?\})", path)
    matchers = [
        "(.+)" if part.endswith("+}") else "([^/]+)" if part.startswith("{") else re.escape(part) for part in parts
    ]
    return re.compile("".join(matchers))


def _rank(route: Route) -> list[int]:
    segments = route.path.split("/")
    return [2 if segment.endswith("+}") else 1 if segment.startswith("{") else 0 for segment in segments]


def to_event(
    request: HttpRequest,
    route: Route,
    path_parameters: Mapping[str, str],
    *,
    binary_types: Iterable[str],
    stage: str,
    account: str,
    request_id: str,
) -> bytes:
    """The event that the function gets, as JSON."""
    headers = _grouped(request.headers)
    query = _grouped(parse_qsl(request.query, keep_blank_values=True))
    content_type = headers.get("content-type", [""])[-1]
    is_binary = bool(request.body) and _is_binary(content_type, binary_types)
    now = time.time()
    event = {
        "resource": route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(path_parameters) or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": account,
            "apiId": "local",
            "domainName": _last(headers).get("host", ""),
            "domainPrefix": "local",
            "extendedRequestId": request_id,
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": _last(headers).get("user-agent")},
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": uuid.uuid5(uuid.NAMESPACE_URL, route.path).hex[:6],
            "resourcePath": route.path,
            "stage": stage,
        },
        "body": _body(request.body, is_binary),
        "isBase64Encoded": is_binary,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def from_response(payload: bytes) -> HttpResponse:
    """The HTTP response that a function returned.

    Raises:
        MalformedResponseError: API Gateway would respond with 502.
    """
    try:
        response = json.loads(payload)
    except ValueError:
        raise MalformedResponseError("not JSON") from None
    if not isinstance(response, dict) or response.keys() - _RESPONSE_FIELDS:
        raise MalformedResponseError("not an object of the proxy integration's fields")
    headers = _response_headers(response)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return HttpResponse(_status(response.get("statusCode")), headers, _response_body(response))


def _status(status: Any) -> int:
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise MalformedResponseError("statusCode is not an HTTP status")
    return status


def _response_headers(response: Mapping[str, Any]) -> list[tuple[str, str]]:
    single, multiple = response.get("headers") or {}, response.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        raise MalformedResponseError("headers is not an object")
    if not all(isinstance(values, list) for values in multiple.values()):
        raise MalformedResponseError("multiValueHeaders holds something else than lists")
    pairs = [(name, value) for name, values in multiple.items() for value in values]
    pairs += [(name, value) for name, value in single.items() if name not in multiple]
    for name, value in pairs:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\r\n\0]", _text(value)):
            raise MalformedResponseError("a header that HTTP does not allow")
    return [(name, _text(value)) for name, value in pairs if name.lower() not in _OWN_HEADERS]


def _response_body(response: Mapping[str, Any]) -> bytes:
    body = response.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResponseError("body is not a string")
    if not response.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedResponseError("body is not Base64") from None


def _body(body: bytes, is_binary: bool) -> str | None:
    if not body:
        return None
    return base64.b64encode(body).decode() if is_binary else body.decode(errors="replace")


def _is_binary(content_type: str, binary_types: Iterable[str]) -> bool:
    """Whether a content type is among the Api's BinaryMediaTypes, in which `~1` stands for `/`."""
    essence = content_type.partition(";")[0].strip().lower()
    wanted = {kind.replace("~1", "/").lower() for kind in binary_types}
    return essence in wanted or "*/*" in wanted or f"{essence.partition('/')[0]}/*" in wanted


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        grouped[name].append(value)
    return dict(grouped)


def _last(grouped: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in grouped.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
