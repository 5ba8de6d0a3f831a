"""TLS: the connection is pinned to an address, and everything else is about the host's name."""

import ssl
from pathlib import Path

import pytest

from facesearch.adapters.outbound.wire import tls_context
from facesearch.webhooks.outbound import FetchFailedError
from tests.unit.adapters.outbound.certificates import Authority
from tests.unit.adapters.outbound.conftest import OutboundBench, Serve
from tests.unit.adapters.outbound.servers import OTHER_PUBLIC, PUBLIC, Names, answering, greeting

URL = "https://photos.example/selfie.jpg"


def refused(world: OutboundBench, url: str = URL) -> FetchFailedError:
    with pytest.raises(FetchFailedError) as failed:
        world.outbound().fetch(url)
    with pytest.raises(FetchFailedError):
        world.outbound().post(url, b"{}", {})
    return failed.value


@pytest.mark.parametrize(("host", "name"), [("photos", "photos"), ("BÜCHER", "xn--bcher-kva")])
def test_the_checked_address_is_called_by_the_name_that_dns_knows(world: OutboundBench, host: str, name: str) -> None:
    world.names = Names({f"{name}.example": [[str(PUBLIC)]]})
    site = world.site(answering(200, b"selfie"), f"{name}.example")
    assert world.outbound().fetch(f"https://{host}.example/") == b"selfie"
    assert world.internet.dialled == [(PUBLIC, 443)]
    assert site.asked_for == [f"{name}.example"]
    assert f"host: {name}.example\r\n".encode() in site.requests[0]


@pytest.mark.parametrize("address", [PUBLIC, OTHER_PUBLIC], ids=str)
def test_a_certificate_may_be_for_an_address(world: OutboundBench, address: object) -> None:
    literal = f"[{address}]" if address == OTHER_PUBLIC else str(address)
    site = world.site(answering(200, b"selfie"), str(address))
    world.internet.servers[OTHER_PUBLIC, 443] = site
    assert world.outbound().fetch(f"https://{literal}/") == b"selfie"
    assert site.asked_for == [None]
    assert f"host: {literal}\r\n".encode() in site.requests[0]
    assert world.names.asked == []


@pytest.mark.parametrize(
    ("name", "url"),
    [*((name, URL) for name in ("other.example", "example", "*.photos.example", str(PUBLIC))),
     ("photos.example", f"https://{PUBLIC}/")],
)  # fmt: skip
def test_a_certificate_for_somebody_else_ends_it(world: OutboundBench, name: str, url: str) -> None:
    site = world.site(answering(200, b"secret"), name)
    failure = refused(world, url)
    assert (failure.reason, failure.retryable) == ("The host's certificate is not valid for it.", False)
    assert site.requests == []


def test_an_unknown_authority_ends_it(world: OutboundBench, tmp_path: Path) -> None:
    other = Authority.create(tmp_path)
    site = world.serve(answering(200, b"secret"), other.server("photos.example"))
    world.internet.servers[PUBLIC, 443] = site
    assert not refused(world).retryable
    assert site.requests == []


@pytest.mark.parametrize("words", [b"HTTP/1.1 200 OK\r\n\r\nsecret", b"", b"\x16\x03\x03\xff\xff" + bytes(100)])
def test_nobody_is_spoken_to_in_the_clear(world: OutboundBench, serve: Serve, words: bytes) -> None:
    site = serve(greeting(words), raw=True)
    world.internet.servers[PUBLIC, 443] = site
    assert refused(world).reason == "Could not make a secure connection to the host."
    assert all(b"HTTP" not in heard for heard in site.requests)


def test_old_versions_are_not_spoken(world: OutboundBench) -> None:
    old = world.authority.server("photos.example")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    world.internet.servers[PUBLIC, 443] = world.serve(answering(200, b"selfie"), old)
    assert world.outbound().fetch(URL) == b"selfie"
    assert tls_context().minimum_version >= ssl.TLSVersion.TLSv1_2


def test_by_default_public_authorities_are_trusted_whatever_the_environment_says(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "none.pem"
    empty.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) > 50
