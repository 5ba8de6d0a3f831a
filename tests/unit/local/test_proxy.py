from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch_local.functions import Route
from facesearch_local.proxy import HttpRequest, MalformedResponseError, Routes, from_response, to_event

FACES = Route("POST", "/event/{event_id}/faces", "search")
ONE = Route("GET", "/event/{event_id}/faces/{request_id}", "results")
SPECIAL = Route("GET", "/event/{event_id}/faces/special", "special")
REST = Route("ANY", "/files/{path+}", "files")
ROUTES = Routes([FACES, ONE, SPECIAL, REST])


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/event/7/faces", (FACES, {"event_id": "7"})),
        ("GET", "/event/7/faces/a%2Fb%20c", (ONE, {"event_id": "7", "request_id": "a/b c"})),
        ("GET", "/event/7/faces/special", (SPECIAL, {"event_id": "7"})),
        ("DELETE", "/files/a/b", (REST, {"path": "a/b"})),
        ("GET", "/event/7/faces", None),
        ("POST", "/event/7/faces/", None),
        ("POST", "/event//faces", None),
        ("POST", "/EVENT/7/faces", None),
        ("POST", "/x/event/7/faces", None),
    ],
)
def test_when_a_route_is_looked_for_then_it_is_the_template_s(method: str, path: str, found: object) -> None:
    assert ROUTES.find(method, path) == found


@given(st.binary(min_size=1))
def test_given_a_binary_media_type_when_mapped_then_the_body_survives_in_base64(body: bytes) -> None:
    headers = [("content-type", 'Multipart/Form-Data; boundary="x"')]
    request = HttpRequest("POST", "/event/7/faces", "", headers, body, "127.0.0.9")
    deployed: dict[str, Any] = {"binary_types": ["multipart~1form-data"], "stage": "live", "account": "000000000000"}
    event = json.loads(to_event(request, FACES, {}, request_id="r-1", **deployed))
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


@pytest.mark.parametrize(
    "response",
    [
        b"null",
        b'"text"',
        b"no json",
        b"{}",
        b'{"statusCode": "teapot"}',
        b'{"statusCode": true}',
        b'{"statusCode": 99}',
        b'{"statusCode": 200, "body": {"a": 1}}',
        b'{"statusCode": 200, "message": "hello"}',
        b'{"statusCode": 200, "body": "%%%", "isBase64Encoded": true}',
        b'{"statusCode": 200, "headers": ["a"]}',
        b'{"statusCode": 200, "multiValueHeaders": {"a": "b"}}',
        b'{"statusCode": 200, "headers": {"a": "b\\r\\nset-cookie: c"}}',
        b'{"statusCode": 200, "headers": {"a b": "c"}}',
    ],
)
def test_given_an_response_that_is_no_proxy_response_when_mapped_then_it_is_malformed(response: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        from_response(response)
