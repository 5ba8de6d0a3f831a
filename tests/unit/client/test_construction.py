"""Making a client: what it refuses, what it shows of itself, and what it loads."""

import httpx
import pytest

from facesearch_client import AsyncFaceSearchClient, FaceSearchClient, image_type_of
from tests.unit.client.conftest import ClientOf
from tests.unit.client.fakes import KEY, FakeApi

EITHER = pytest.mark.parametrize("kind", [FaceSearchClient, AsyncFaceSearchClient])
Kind = type[FaceSearchClient] | type[AsyncFaceSearchClient]


@EITHER
@pytest.mark.parametrize(
    "url",
    ["", KEY, "api.example", "ftp://api.example", "https://[::1", "https://a:b", "https://", "https://a.example?b=c"],
)
def test_given_no_url_when_made_then_value_error(kind: Kind, url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        kind(url, "key", 903)
    assert KEY not in str(caught.value), "even if it is in the wrong place"


@EITHER
@pytest.mark.parametrize("key", ["ключ", "abc\ndef", " abc"])
def test_given_a_key_that_no_header_carries_when_made_then_an_error_that_does_not_show_it(kind: Kind, key: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        kind("https://api.example", key, 903)
    assert key.strip() not in str(caught.value)


def test_given_a_client_when_printed_then_host_and_organisation_but_no_key(client_of: ClientOf) -> None:
    text = repr(client_of(FakeApi()))
    assert "api.example" in text
    assert "903" in text
    assert KEY not in text


def test_given_a_with_block_when_left_then_the_client_is_closed() -> None:
    with FaceSearchClient("https://api.example", KEY, 903, transport=httpx.MockTransport(FakeApi())) as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.ping(456)


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"\xff\xd8\xff\xdb", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00", "image/heif"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", "image/avif"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", None),
        (b"", None),
    ],
)
def test_content_type_follows_from_content(head: bytes, content_type: str | None) -> None:
    assert image_type_of(head) == content_type
