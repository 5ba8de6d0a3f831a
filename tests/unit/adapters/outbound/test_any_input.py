"""Whatever a stranger gives or answers, the outcome is one of three: bytes, a refusal, a failure."""

import re
from contextlib import suppress
from ipaddress import ip_address

import httpcore
from hypothesis import example, given
from hypothesis import strategies as st

from facesearch.adapters.outbound import HttpOutbound
from facesearch.adapters.outbound.urls import Target, follow, is_public, parse_url
from facesearch.webhooks.outbound import FetchFailedError, PostResult, RefusedUrlError
from tests.unit.adapters.outbound.servers import Names

PIECES = st.sampled_from(
    [
        *":/\\@#?[]%.。-_\t \0ßé１1",
        *("https", "http", "//", "%25", "photos", "example", "localhost"),
        *("127.0.0.1", "0x7f", "::1", "::", "ffff", "443", "xn--"),
    ]
)
TEXTS = st.text() | st.lists(PIECES, max_size=12).map("".join)
URLS = TEXTS | TEXTS.map("https://".__add__) | TEXTS.map("https://photos.example".__add__)


def is_sound(target: Target) -> bool:
    """Whether nothing in it can be taken for something else on the way out."""
    if target.address is not None:
        return is_public(target.address) and target.host == str(target.address)
    return bool(
        re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", target.host)
        and not re.search(r"\.(0x[0-9a-f]*|[0-9]+)$", target.host)
        and re.fullmatch(r"/[!-\[\]-~]*", target.path)
        and (target.port == 443 or 1024 <= target.port < 65536)
    )


@given(URLS)
@example("https://a.example:\ud800")
def test_any_text_is_refused_or_a_sound_target(url: str) -> None:
    with suppress(RefusedUrlError):
        assert is_sound(parse_url(url))


@given(URLS.map(lambda text: text.encode(errors="replace")) | st.binary())
def test_any_location_is_refused_or_a_sound_target(location: bytes) -> None:
    with suppress(RefusedUrlError):
        assert is_sound(follow(parse_url("https://photos.example/a/b?c"), location, allow_local=False))


WORDS = st.sampled_from(
    [
        *(b"HTTP/1.1 ", b"HTTP/1.0 ", b"200 OK", b"302 Found", b"503 No", b"100 Continue", b"\r\n", b"\n", b": ", b";"),
        *(b"Content-Length", b"Transfer-Encoding", b"chunked", b"Location", b"Retry-After", b"/", b"5", b"-1", b"\0"),
        *(b"Connection: upgrade", b"1\r\nx\r\n", b"0\r\n\r\n", b"f" * 20, b"Mon, 01 Jan 2024 99:00:00 -0000"),
    ]
)
ANSWERS = st.binary() | st.lists(WORDS, max_size=20).map(b"".join)
HEADERS = st.lists(st.tuples(st.sampled_from([b"Location", b"Retry-After", b"Content-Length"]), st.binary(max_size=12)))


def headed(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"HTTP/1.1 %d Words" % status, *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


@given(ANSWERS | ANSWERS.map(b"HTTP/1.1 200 OK\r\n".__add__) | st.builds(headed, st.integers(100, 999), HEADERS))
def test_any_answer_is_bytes_or_a_failure(answer: bytes) -> None:
    network = httpcore.MockBackend([answer])
    outbound = HttpOutbound(resolver=Names({}), allow_local=True, network=network)
    with suppress(RefusedUrlError, FetchFailedError):
        assert isinstance(outbound.fetch("http://127.0.0.1:8000/"), bytes)
    with suppress(FetchFailedError):
        assert isinstance(outbound.post("http://127.0.0.1:8000/", b"{}", {}), PostResult)


def test_the_checks_of_these_tests_bite() -> None:
    assert not is_sound(Target("https", "127.1", 443, "/", None))
    assert not is_sound(Target("https", "127.0.0.1", 443, "/", ip_address("127.0.0.1")))
