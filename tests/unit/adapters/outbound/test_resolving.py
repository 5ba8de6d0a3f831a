"""The system's resolver, in bounded time."""

import socket
import threading
import time
from ipaddress import IPv6Address, ip_address

import pytest

from facesearch.adapters.outbound import Resolver
from facesearch.webhooks.outbound import FetchFailedError


def failing(resolver: Resolver, seconds: float = 0.1) -> FetchFailedError:
    with pytest.raises(FetchFailedError) as failed:
        resolver.resolve("photos.example", seconds)
    return failed.value


def test_the_system_knows_loopback() -> None:
    assert ip_address("127.0.0.1") in Resolver().resolve("localhost", 5)


def test_answers_are_in_order_each_once_and_with_their_scopes() -> None:
    answers = ["2606:2800::1", "93.184.216.34", "93.184.216.34", "fe80::1%eth0"]
    found = Resolver(look_up=lambda _: answers).resolve("photos.example", 5)
    assert [str(address) for address in found] == ["2606:2800::1", "93.184.216.34", "fe80::1%eth0"]
    assert isinstance(found[2], IPv6Address)
    assert found[2].scope_id == "eth0"


@pytest.mark.parametrize(
    ("code", "retryable"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True), (socket.EAI_FAIL, True)]
)
def test_only_an_unknown_name_is_final(code: int, retryable: bool) -> None:
    def look_up(_: str) -> list[str]:
        raise socket.gaierror(code, "words with photos.example in them")

    failure = failing(Resolver(look_up=look_up))
    assert (failure.reason, failure.retryable) == ("The URL's host name could not be found.", retryable)


def test_a_look_up_that_takes_too_long_is_not_waited_for_and_few_are_left_alone() -> None:
    end, begun = threading.Event(), []

    def look_up(host: str) -> list[str]:
        begun.append(host)
        end.wait(5)
        return ["93.184.216.34"]

    resolver = Resolver(at_once=2, look_up=look_up)
    started = time.monotonic()
    assert [failing(resolver).retryable for _ in range(4)] == [True] * 4
    assert time.monotonic() - started < 2
    assert len(begun) == 2
    end.set()
    assert [str(address) for address in resolver.resolve("photos.example", 5)] == ["93.184.216.34"]
