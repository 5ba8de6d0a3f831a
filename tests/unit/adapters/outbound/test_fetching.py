"""Fetching: what is asked for, what is taken, and what ends it."""

import gzip
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from facesearch.adapters.outbound import LIMITS, OutboundLimits
from facesearch.adapters.outbound.urls import Address
from facesearch.webhooks.outbound import FetchFailedError, RefusedUrlError
from tests.unit.adapters.outbound.conftest import SHORT, OutboundBench, Serve
from tests.unit.adapters.outbound.servers import (
    OTHER_PUBLIC,
    PUBLIC,
    Behaviour,
    Names,
    answering,
    deaf,
    dripping,
    in_turn,
    pouring,
    saying,
)

URL = "https://photos.example/selfie.jpg"
SMALL = replace(LIMITS, fetch_bytes=100_000)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def failing(world: OutboundBench, url: str = URL, limits: OutboundLimits = LIMITS) -> FetchFailedError:
    """How the fetch fails; not much later than it may take."""
    started = time.monotonic()
    with pytest.raises(FetchFailedError) as failed:
        world.outbound(limits=limits).fetch(url)
    assert time.monotonic() - started < limits.fetch_seconds + 3
    assert "example" not in failed.value.reason
    return failed.value


def test_a_selfie_is_fetched_as_it_is_sent(world: OutboundBench) -> None:
    selfie = bytes(range(256)) * 4000
    site = world.site(answering(200, selfie, Content_Type="text/html"))
    assert world.outbound().fetch(URL) == selfie
    head = dict(line.split(": ") for line in site.requests[0].decode().lower().split("\r\n")[1:] if line)
    assert head.keys() == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert (head["host"], head["accept-encoding"], head["connection"]) == ("photos.example", "identity", "close")


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("/a/b.jpg?size=large&n=%20x|y", "/a/b.jpg?size=large&n=%20x|y HTTP/1.1\r\nhost: photos.example\r\n"),
        ("/Zoë/写真.jpg?name=é", "/Zo%C3%AB/%E5%86%99%E7%9C%9F.jpg?name=%C3%A9 HTTP/1.1\r\nhost: photos.example\r\n"),
        (":8443", "/ HTTP/1.1\r\nhost: photos.example:8443\r\n"),
    ],
)
def test_the_path_is_sent_as_it_is_written_and_the_port_is_part_of_the_host(
    world: OutboundBench, url: str, asked: str
) -> None:
    site = world.site(answering())
    world.internet.servers[PUBLIC, 8443] = site
    world.outbound().fetch(f"https://PHOTOS.example{url}")
    assert site.requests[0].startswith(f"GET {asked}".encode())


def test_a_compression_bomb_stays_compressed(world: OutboundBench) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    world.site(answering(200, bomb, Content_Encoding="gzip"))
    assert world.outbound(limits=SMALL).fetch(URL) == bomb


def test_nothing_is_kept_from_one_call_for_the_next(world: OutboundBench) -> None:
    site = world.site(answering(200, b"x", Set_Cookie="session=1; Path=/"))
    outbound = world.outbound()
    for _ in range(2):
        outbound.fetch(URL)
    assert site.connections == 2
    assert all(b"cookie" not in request.lower() for request in site.requests)


def test_proxies_of_the_environment_are_not_asked(
    world: OutboundBench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(answering())
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    world.site(answering(200, b"x"))
    assert world.outbound().fetch(URL) == b"x"
    assert proxy.connections == 0


def test_the_next_address_is_tried_when_one_does_not_answer(world: OutboundBench) -> None:
    world.names = Names({"photos.example": [[str(OTHER_PUBLIC), str(PUBLIC)]]})
    world.site(answering(200, b"x"))
    assert world.outbound().fetch(URL) == b"x"
    assert world.internet.dialled == [(OTHER_PUBLIC, 443), (PUBLIC, 443)]
    assert world.names.asked == ["photos.example"]


def test_not_more_than_four_addresses_are_tried(world: OutboundBench) -> None:
    world.names = Names({"photos.example": [[f"93.184.216.{number}" for number in range(50, 100)]]})
    assert failing(world).retryable
    assert len(world.internet.dialled) == 4


def test_the_largest_selfie_is_taken_and_one_byte_more_is_not(world: OutboundBench) -> None:
    limits = replace(LIMITS, fetch_bytes=50_000)
    world.site(in_turn(answering(200, bytes(50_000)), answering(200, bytes(50_001))))
    assert len(world.outbound(limits=limits).fetch(URL)) == 50_000
    assert not failing(world, limits=limits).retryable


def test_a_length_that_is_too_large_is_enough(world: OutboundBench) -> None:
    site = world.site(dripping(OK + b"Content-Length: 100001\r\n\r\n", b"x", 0.01))
    failure = failing(world, limits=SMALL)
    assert (failure.reason, failure.retryable) == ("The file is larger than 0.0953674 MiB.", False)
    assert site.sent < 10_000


ENDLESS = {
    "a body without a length": (OK + b"\r\n", bytes(1000)),
    "a body in chunks": (CHUNKED, b"3e8\r\n" + bytes(1000) + b"\r\n"),
    "a body in chunks of a byte each": (CHUNKED, b"1\r\nx\r\n" * 100),
    "chunks with long extensions": (CHUNKED, b"1;" + b"e" * 1000 + b"\r\nx\r\n"),
    "a header": (OK + b"X-Long: ", b"x" * 1000),
    "a status line": (b"HTTP/1.1 200 ", b"O" * 1000),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
}


@pytest.mark.parametrize(("start", "chunk"), ENDLESS.values(), ids=ENDLESS)
def test_what_has_no_end_is_given_up_soon(world: OutboundBench, start: bytes, chunk: bytes) -> None:
    site = world.site(pouring(start, chunk))
    failure = failing(world, limits=SMALL)
    assert (failure.reason.endswith(("too large.", "MiB.")), failure.retryable) == (True, False)
    assert site.sent < 6_000_000  # what is read is a twentieth; the rest is in the buffers on the way


SLOW = {
    "nothing": dripping(b"", b"", 0.05),
    "a status line": dripping(b"HTTP/1.1 2", b"0", 0.05),
    "a header": dripping(OK + b"X-A: ", b"b", 0.05),
    "interim answers": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "a body": dripping(OK + b"Content-Length: 1000\r\n\r\n", b"x", 0.05),
    "a body in chunks": dripping(CHUNKED, b"1\r\nx\r\n", 0.05),
}


@pytest.mark.parametrize("behave", SLOW.values(), ids=SLOW)
def test_who_drips_is_given_up_in_time(world: OutboundBench, behave: Behaviour) -> None:
    world.site(behave)
    failure = failing(world, limits=SHORT)
    assert (failure.reason, failure.retryable) == ("The host sent no complete response within 0.25 seconds.", True)


def test_who_never_greets_is_given_up_in_time(world: OutboundBench, serve: Serve) -> None:
    world.internet.servers[PUBLIC, 443] = serve(deaf, raw=True)
    assert failing(world, limits=SHORT).retryable


def test_a_slow_look_up_uses_up_the_time_as_well(world: OutboundBench) -> None:
    site = world.site(answering())

    class Slow(Names):
        def resolve(self, host: str, seconds: float) -> Sequence[Address]:
            time.sleep(SHORT.fetch_seconds)
            return super().resolve(host, seconds)

    world.names = Slow({"photos.example": [[str(PUBLIC)]]})
    assert failing(world, limits=SHORT).retryable
    assert site.connections == 0


UNUSABLE = {
    "nothing": saying(b""),
    "endless line ends": pouring(b"", b"\r\n" * 500),
    "an endless chunk's length": pouring(CHUNKED, b"0" * 1000),
    "endless trailers": pouring(CHUNKED + b"0\r\n", b"X-More: of the same\r\n" * 50),
    "no HTTP": saying(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "half a head": saying(OK + b"Content-"),
    "less than was said": saying(OK + b"Content-Length: 100\r\n\r\nshort"),
    "chunks without an end": saying(CHUNKED + b"1\r\nx\r\n"),
    "two lengths": saying(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
    "no length": saying(OK + b"Content-Length: many\r\n\r\nxy"),
    "a length of many digits": saying(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nxy"),
    "an unknown transfer encoding": saying(OK + b"Transfer-Encoding: gzip\r\n\r\nxy"),
    "another protocol": answering(101, Upgrade="websocket", Connection="upgrade"),
}


@pytest.mark.parametrize("behave", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_answer_is_a_failure_in_words(world: OutboundBench, behave: Behaviour) -> None:
    world.site(behave)
    failing(world)


def test_more_than_was_said_is_not_read(world: OutboundBench) -> None:
    world.site(saying(OK + b"Content-Length: 4\r\n\r\nfour and more"))
    assert world.outbound().fetch(URL) == b"four"


@pytest.mark.parametrize("status", [204, 206, 300, 302, 304, 400, 401, 404, 410, 408, 425, 429, 500, 502, 503, 504])
def test_any_other_status_is_a_failure_and_some_pass(world: OutboundBench, status: int) -> None:
    world.site(answering(status))
    failure = failing(world)
    assert (failure.reason, failure.retry_after) == (f"The host responded with {status}.", None)
    assert failure.retryable is (status in {408, 425, 429} or status >= 500)


SOON = "in ten minutes, "


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", range(120, 121)),
        ("86400", range(3600, 3601)),
        ("9" * 5000, range(3600, 3601)),
        (SOON + "GMT", range(540, 601)),
        (SOON + "-0000", range(540, 601)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", range(3600, 3601)),
    ],
)
def test_the_hosts_wish_to_wait_is_passed_on_up_to_an_hour(world: OutboundBench, header: str, seconds: range) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True).removesuffix("GMT")
    world.site(answering(503, Retry_After=header.replace(SOON, soon)))
    assert failing(world).retry_after in seconds


@pytest.mark.parametrize(
    "header", ["", "soon", "-5", "1.5", "1e3", "١٢", "Wed, 99 Oct 2015", "Wed, 21 Oct 99999 07:28:00 GMT"]
)
def test_a_wish_that_cannot_be_read_is_none(world: OutboundBench, header: str) -> None:
    world.site(saying(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: " + header.encode() + b"\r\n\r\n"))
    assert failing(world).retry_after is None


def test_nothing_about_a_call_is_logged(world: OutboundBench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.site(in_turn(answering(200, b"x"), answering(404), answering(302, Location="http://10.0.0.1/")))
    outbound = world.outbound()
    outbound.fetch(URL)
    with pytest.raises(FetchFailedError):
        outbound.fetch(URL)
    with pytest.raises(RefusedUrlError):
        outbound.fetch(URL)
    assert caplog.records == []


def test_threads_may_share_it(world: OutboundBench) -> None:
    site = world.site(answering(200, b"x" * 100_000))
    with ThreadPoolExecutor(16) as pool:
        assert [*pool.map(world.outbound().fetch, [URL] * 16)] == [b"x" * 100_000] * 16
    assert site.connections == 16


def test_an_unknown_host_is_a_failure(world: OutboundBench) -> None:
    assert not failing(world, "https://unknown.example/").retryable
    assert world.internet.dialled == []
