"""Posting: one request, its status, and no more of the answer than a few KB."""

import time

import pytest

from facesearch.webhooks.outbound import FetchFailedError, PostResult
from tests.unit.adapters.outbound.conftest import SHORT, OutboundBench, Serve
from tests.unit.adapters.outbound.servers import PUBLIC, Behaviour, answering, deaf, dripping, pouring, saying, sipping

URL = "https://photos.example/hooks?site=4"
HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1700000000", "webhook-signature": "v1,abc= v1,def="}


def deliver(world: OutboundBench, *, headers: dict[str, str] = HEADERS) -> tuple[PostResult, float]:
    started = time.monotonic()
    delivery = world.outbound().post(URL, b'{"type":"x"}', headers)
    return delivery, time.monotonic() - started


def test_a_body_is_delivered_with_its_headers(world: OutboundBench) -> None:
    site = world.site(answering(204))
    delivery, _ = deliver(world, headers=HEADERS | {"Content-Type": "application/json"})
    assert delivery == PostResult(204, None)
    head, _, body = site.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().replace("Content-L", "content-l").split("\r\n")
    assert body == b'{"type":"x"}'
    assert lines[0] == "POST /hooks?site=4 HTTP/1.1"
    assert {f"{name}: {value}" for name, value in HEADERS.items()} <= {*lines}
    assert {"content-type: application/json", "content-length: 12", "host: photos.example"} <= {*lines}


def test_a_caller_cannot_say_to_whom_or_how_long(world: OutboundBench) -> None:
    site = world.site(answering())
    deliver(world, headers={"Host": "other.example", "Content-Length": "1", "Connection": "keep-alive"})
    head = site.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert b"other.example" not in head
    assert head.count(b"content-length: 12") == head.count(b"content-length") == 1
    assert head.count(b"connection: close") == head.count(b"connection") == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(world: OutboundBench, serve: Serve, status: int) -> None:
    canary = serve(answering())
    site = world.site(answering(status, Location=f"https://127.0.0.1:{canary.port}/"))
    assert deliver(world)[0].status == status
    assert (site.connections, canary.connections) == (1, 0)


@pytest.mark.parametrize(("header", "seconds"), [("30", 30), ("999999", 86400), ("soon", None)])
def test_the_receivers_wish_to_wait_is_passed_on_up_to_a_day(
    world: OutboundBench, header: str, seconds: int | None
) -> None:
    world.site(answering(503, Retry_After=header))
    assert deliver(world)[0] == PostResult(503, seconds)


@pytest.mark.parametrize(
    "behave",
    [
        pouring(b"HTTP/1.1 200 OK\r\n\r\n", bytes(1000)),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x", 0.05),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"", 0.05),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"),
    ],
    ids=["endless", "dripping", "never begun", "cut off", "broken"],
)
def test_whatever_follows_the_status_neither_delays_nor_changes_it(world: OutboundBench, behave: Behaviour) -> None:
    site = world.site(behave)
    delivery, seconds = deliver(world)
    assert delivery.status == 200
    assert seconds < 6
    assert site.sent < 6_000_000


def test_nobody_there_is_a_failure(world: OutboundBench) -> None:
    with pytest.raises(FetchFailedError) as failed:
        world.outbound().post(URL, b"{}", HEADERS)
    assert (failed.value.reason, failed.value.retryable) == ("Could not connect to the host.", True)
    assert world.internet.dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize("behave", [deaf, sipping])
def test_who_does_not_take_the_body_is_a_failure_in_time(world: OutboundBench, serve: Serve, behave: Behaviour) -> None:
    local = serve(behave, raw=True)
    started = time.monotonic()
    with pytest.raises(FetchFailedError) as failed:
        world.outbound(allow_local=True, limits=SHORT).post(f"http://127.0.0.1:{local.port}/", bytes(50_000_000), {})
    assert failed.value.retryable
    assert time.monotonic() - started < 3
