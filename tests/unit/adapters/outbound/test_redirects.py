"""Redirects: followed by hand, three of them at most, each with the same checks."""

import socket

import pytest

from facesearch.webhooks.outbound import FetchFailedError, RefusedUrlError
from tests.unit.adapters.outbound.conftest import SHORT, OutboundBench, Serve
from tests.unit.adapters.outbound.servers import PUBLIC, Behaviour, Names, Server, answering, dripping, in_turn

START = "https://photos.example/start"


def to(location: str, status: int = 302) -> Behaviour:
    return answering(status, Location=location)


@pytest.fixture
def canary(serve: Serve) -> Server:
    return serve(answering(200, b"secret"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("https://photos.example/there?a=b", "/there?a=b"),
        ("//photos.example/there", "/there"),
        ("/there", "/there"),
        ("there", "/there"),
        ("?there", "/start?there"),
        ("../../there", "/there"),
        ("https://PHOTOS.EXAMPLE", "/"),
    ],
)
def test_a_redirect_is_followed(world: OutboundBench, status: int, location: str, path: str) -> None:
    site = world.site(in_turn(to(location, status), answering(200, b"selfie")))
    assert world.outbound().fetch(START) == b"selfie"
    assert site.requests[1].startswith(f"GET {path} HTTP/1.1\r\nhost: photos.example\r\n".encode())
    assert b"referer" not in site.requests[1].lower()


def test_three_are_followed_and_each_name_is_looked_up_once_a_hop(world: OutboundBench) -> None:
    world.names = Names({}, otherwise=[str(PUBLIC)])
    site = world.site(
        in_turn(*(to(f"https://{name}.photos.example/") for name in "abc"), answering(200, b"selfie")),
        "photos.example",
        "*.photos.example",
    )
    assert world.outbound().fetch(START) == b"selfie"
    assert world.names.asked == ["photos.example", "a.photos.example", "b.photos.example", "c.photos.example"]
    assert site.asked_for == world.names.asked


@pytest.mark.parametrize("location", ["/further", "/start", "https://photos.example/start", "?", ""])
def test_the_fourth_is_not_followed(world: OutboundBench, location: str) -> None:
    site = world.site(to(location))
    with pytest.raises(FetchFailedError) as failed:
        world.outbound().fetch(START)
    assert (failed.value.reason, failed.value.retryable) == ("The URL redirects more than 3 times.", False)
    assert site.connections == 4


def test_all_hops_share_one_time(world: OutboundBench) -> None:
    def slowly(server: Server, connection: socket.socket) -> None:
        server.closing.wait(0.15)
        to("/further")(server, connection)

    site = world.site(slowly)
    with pytest.raises(FetchFailedError) as failed:
        world.outbound(limits=SHORT).fetch(START)
    assert failed.value.retryable
    assert site.connections <= 3


def test_the_body_of_a_redirect_is_not_waited_for(world: OutboundBench) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 1000\r\n\r\n"
    world.site(in_turn(dripping(head, b"x", 0.05), answering(200, b"selfie")))
    assert world.outbound().fetch(START) == b"selfie"


HOSTILE = {
    "to loopback": "https://127.0.0.1:{port}/",
    "to loopback without a scheme": "//127.0.0.1:{port}/",
    "to metadata in the clear": "http://169.254.169.254/latest/meta-data/iam/",
    "to a name that is private": "https://private.example:{port}/",
    "to a name that is mixed": "https://mixed.example:{port}/",
    "in the clear": "http://photos.example/",
    "to a file": "file:///etc/passwd",
    "to a fragment": "/there#face",
    "with a backslash": "\\\\127.0.0.1:{port}\\",
    "with a slash and a backslash": "/\\127.0.0.1:{port}/",
    "with a tab": "/\t/127.0.0.1:{port}/",
    "to half an address": "https://[::1",
    "to too long a place": "/" + "a" * 5000,
}


@pytest.mark.parametrize("location", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_redirect_is_refused(world: OutboundBench, canary: Server, location: str) -> None:
    world.names = Names(
        {
            "photos.example": [[str(PUBLIC)]],
            "private.example": [["10.0.0.1"]],
            "mixed.example": [[str(PUBLIC), "127.0.0.1"]],
        }
    )
    site = world.site(to(location.replace("{port}", str(canary.port))))

    with pytest.raises(RefusedUrlError) as refused:
        world.outbound().fetch(START)

    assert refused.value.reason.startswith("A redirect was not followed. ")
    assert "example" not in refused.value.reason
    assert site.connections == 1
    assert canary.connections == 0
    assert world.internet.dialled == [(PUBLIC, 443)]


def test_the_same_name_is_looked_up_and_checked_again_at_each_hop(world: OutboundBench, canary: Server) -> None:
    world.names = Names({"photos.example": [[str(PUBLIC)], ["127.0.0.1"]]})
    site = world.site(to(f"https://photos.example:{canary.port}/"))
    with pytest.raises(RefusedUrlError):
        world.outbound().fetch(START)
    assert (site.connections, canary.connections) == (1, 0)
    assert world.internet.dialled == [(PUBLIC, 443)]


def test_a_local_stack_follows_from_http_to_https_and_never_back(world: OutboundBench, canary: Server) -> None:
    site = world.site(in_turn(answering(200, b"selfie"), to(f"http://127.0.0.1:{canary.port}/")))
    gate = world.serve(to(START))
    outbound = world.outbound(allow_local=True)

    assert outbound.fetch(f"http://127.0.0.1:{gate.port}/") == b"selfie"
    with pytest.raises(RefusedUrlError) as refused:
        outbound.fetch(f"http://127.0.0.1:{gate.port}/")

    assert refused.value.reason == "A redirect was not followed. It redirects from https to http."
    assert (site.connections, canary.connections) == (2, 0)
