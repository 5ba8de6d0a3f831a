"""A request's body out of the gateway's base64."""

import base64
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.api.handler import body_of


def sent(body: str | None, *, encoded: bool = True) -> Any:
    return cast("Any", SimpleNamespace(current_event=SimpleNamespace(body=body, is_base64_encoded=encoded)))


@given(st.binary(max_size=200))
def test_a_body_is_what_was_sent(content: bytes) -> None:
    assert body_of(sent(base64.b64encode(content).decode())) == content


@given(st.binary(min_size=1, max_size=60), st.integers(0, 80), st.sampled_from("\r\n -_=.é\x00"))
def test_a_body_with_anything_else_in_it_is_none(content: bytes, place: int, other: str) -> None:
    text = base64.b64encode(content).decode()
    place = min(place, len(text.rstrip("=")) - 1)
    assert body_of(sent(text[:place] + other + text[place:])) == b""


@pytest.mark.parametrize(
    "text", ["A", "AA", "AAA", "AAAAA", "AA=", "A===", "=", "====", "AAAA=", "AA==AA==", "data:,AAAA"]
)
def test_what_is_cut_short_or_padded_wrong_is_none(text: str) -> None:
    assert body_of(sent(text)) == b""


@pytest.mark.parametrize(
    ("body", "encoded", "content"), [(None, True, b""), ("", True, b""), ("a é", False, "a é".encode())]
)
def test_a_body_may_be_empty_or_plain(body: str | None, *, encoded: bool, content: bytes) -> None:
    assert body_of(sent(body, encoded=encoded)) == content
