"""A battery of URLs that lead, or seem to lead, to where nobody from outside should get. None is connected to."""

import pytest

from facesearch.adapters.outbound import HttpOutbound
from facesearch.webhooks.outbound import RefusedUrlError
from tests.unit.adapters.outbound.conftest import OutboundBench, Serve
from tests.unit.adapters.outbound.servers import Internet, Names, Server, answering

LOOPBACK = {
    "the name": "https://localhost:{port}/",
    "the name in capitals": "https://LOCALHOST:{port}/",
    "dotted": "https://127.0.0.1:{port}/",
    "another of its addresses": "https://127.8.8.8:{port}/",
    "ipv6": "https://[::1]:{port}/",
    "ipv6 in full": "https://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/",
    "ideographic full stops": "https://127。0。0。1:{port}/",
    "fullwidth full stops": "https://127．0．0．1:{port}/",
    "a question mark before an at": "https://127.0.0.1:{port}?@photos.example/",
}
"""What `allow_local` is there for; everything else is refused with it, too."""

AT_THE_DOOR = {
    # 127.0.0.1 in other spellings, which inet_aton and so most resolvers understand
    "decimal": "https://2130706433:{port}/",
    "octal number": "https://017700000001:{port}/",
    "octal parts": "https://0177.0.0.1:{port}/",
    "hex number": "https://0x7f000001:{port}/",
    "hex parts": "https://0x7f.0x0.0x0.0x1:{port}/",
    "two parts": "https://127.1:{port}/",
    "three parts": "https://127.0.1:{port}/",
    "overflowing": "https://4294967297:{port}/",
    "a full stop behind": "https://127.0.0.1.:{port}/",
    "the name and a full stop": "https://localhost.:{port}/",
    "unspecified": "https://0.0.0.0:{port}/",
    "fullwidth digits": "https://１２７.０.０.１:{port}/",
    "a soft hyphen in the name": "https://local\u00adhost:{port}/",
    "percent-encoded": "https://%6c%6f%63%61%6c%68%6f%73%74:{port}/",
    # 169.254.169.254
    "metadata": "https://169.254.169.254/latest/meta-data/",
    "metadata mapped": "https://[::ffff:169.254.169.254]/latest/meta-data/",
    "metadata over ipv6": "https://[fd00:ec2::254]/latest/meta-data/",
    "metadata's name": "https://metadata.google.internal/computeMetadata/v1/",
    "metadata's short name": "https://metadata/latest/",
    "azure's host agent": "https://168.63.129.16/machine/",
    # other networks
    "private 10": "https://10.0.0.1/",
    "carrier's": "https://100.64.0.1/",
    # IPv6
    "mapped loopback": "https://[::ffff:127.0.0.1]:{port}/",
    "mapped public": "https://[::ffff:93.184.216.34]/",
    "compatible loopback": "https://[::127.0.0.1]:{port}/",
    "nat64 loopback": "https://[64:ff9b::7f00:1]:{port}/",
    "nat64 metadata": "https://[64:ff9b::169.254.169.254]/",
    "local nat64": "https://[64:ff9b:1::1]/",
    "link-local": "https://[fe80::1]/",
    "loopback with a scope": "https://[::1%25lo]:{port}/",
    "ipv6 without brackets": "https://::1:{port}/",
    "an address of the future": "https://[v1.127.0.0.1]:{port}/",
    "an open bracket": "https://[::1:{port}/",
    "something behind the bracket": "https://[::1]localhost:{port}/",
    # who is the host?
    "a user": "https://photos.example@127.0.0.1:{port}/",
    "an encoded at": "https://photos.example%40127.0.0.1:{port}/",
    "a backslash before the at": "https://127.0.0.1:{port}\\@photos.example/",
    "a backslash in the path": "https://photos.example/\\127.0.0.1:{port}",
    "a fragment before the at": "https://127.0.0.1:{port}#@photos.example/",
    "a fragment": "https://photos.example/selfie.jpg#face",
    "a tab": "https://127.0.0.1\t:{port}/",
    "a line end": "https://127.0.0.1\n:{port}/",
    "a second request": "https://photos.example/\r\nHost: 127.0.0.1\r\n\r\nGET /",
    "a space in front": " https://127.0.0.1:{port}/",
    "a space in the path": "https://photos.example/sel fie.jpg",
    "a null": "https://127.0.0.1\x00.photos.example:{port}/",
    "right to left": "https://photos.example/\u202egpj.eifles",
    "half a character": "https://photos.example/\ud800",
    "a name with a hyphen in front": "https://-127.0.0.1.example/",
    "a label too long": "https://" + "a" * 64 + ".example/",
    "a name too long": "https://" + "a.very.long.name." * 16 + "example/",
    "a URL too long": "https://photos.example/" + "a" * 4096,
    "a very long one": "https://" + "a" * 1_000_000,
    "no host": "https:///etc/passwd",
    "no slash": "https:127.0.0.1:{port}/",
    "no scheme": "//127.0.0.1:{port}/",
    "nothing": "",
    # other ways of fetching
    "a file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1:{port}/",
    "a socket file": "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "a disguised scheme": "url:https://127.0.0.1:{port}/",
    # ports
    "ssh": "https://photos.example:22/",
    "a port too high": "https://photos.example:65536/",
    "no digits": "https://photos.example:/",
    "other digits": "https://photos.example:４４３/",
    "two ports": "https://photos.example:443:{port}/",
}
"""Refused before anything is looked up."""

BY_THE_ANSWER = {
    "a name for loopback": (["127.0.0.1"], "https://127.0.0.1.nip.io:{port}/"),
    "a name for ipv6 loopback": (["::1"], "https://ip6-localhost.example:{port}/"),
    "a name for metadata": (["169.254.169.254"], "https://169-254-169-254.nip.io/latest/meta-data/"),
    "a name for metadata over ipv6": (["fd00:ec2::254"], "https://instance-data.example/"),
    "a name for a private address": (["10.11.12.13"], "https://intranet.example/"),
    "a name for a mapped address": (["::ffff:127.0.0.1"], "https://mapped.example:{port}/"),
    "a name for a nat64 address": (["64:ff9b::a00:1"], "https://nat64.example/"),
    "a name for an address with a scope": (["2606:2800:220:1::1%eth0"], "https://scope.example/"),
    "a name for a link-local address": (["fe80::1%eth0"], "https://printer.example/"),
    "a name for everything": (["0.0.0.0"], "https://zero.example:{port}/"),  # noqa: S104
    "public and private": (["93.184.216.34", "10.0.0.1"], "https://mixed.example/"),
    "private and public": (["127.0.0.1", "93.184.216.34"], "https://mixed.example:{port}/"),
    "many public and one private": ([*(f"93.184.216.{n}" for n in range(1, 99)), "::1"], "https://many.example/"),
    "another script": (["192.168.0.1"], "https://bücher.example/"),
    "another script encoded": (["192.168.0.1"], "https://xn--bcher-kva.example/"),
}

IN_THE_CLEAR = {
    "http": "http://photos.example/selfie.jpg",
    "http in capitals": "HTTP://photos.example/selfie.jpg",
    "http to loopback": "http://127.0.0.1:{port}/",
    "http to the name": "http://localhost:{port}/",
    "http and https's port": "http://photos.example:443/",
    "https and http's port": "https://photos.example:80/",
}
"""For a local stack these are no trick."""

REFUSED = LOOPBACK | AT_THE_DOOR | IN_THE_CLEAR


@pytest.fixture
def canary(serve: Serve) -> Server:
    """What must never hear of us."""
    return serve(answering(200, b"secret"))


def refuses_all(outbound: HttpOutbound, url: str, canary: Server) -> None:
    with pytest.raises(RefusedUrlError) as fetching:
        outbound.fetch(url)
    with pytest.raises(RefusedUrlError) as posting:
        outbound.post(url, b"{}", {})
    assert posting.value.reason == fetching.value.reason
    assert canary.connections == 0
    for word in ("127", "169", "photos", "example", str(canary.port)):
        assert word not in fetching.value.reason


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_a_url_is_refused_at_the_door_and_by_every_call(url: str, canary: Server) -> None:
    # A resolver that would take any of these for loopback, as getaddrinfo does with most.
    internet, names = Internet(), Names({}, otherwise=["127.0.0.1"])
    outbound = HttpOutbound(resolver=names, network=internet)
    hostile = url.replace("{port}", str(canary.port))

    with pytest.raises(RefusedUrlError):
        outbound.check(hostile)
    refuses_all(outbound, hostile, canary)

    assert names.asked == []
    assert internet.dialled == []


@pytest.mark.parametrize("url", AT_THE_DOOR.values(), ids=AT_THE_DOOR)
def test_a_local_stack_refuses_it_as_well(url: str, canary: Server) -> None:
    internet, names = Internet(), Names({}, otherwise=["127.0.0.1"])
    outbound = HttpOutbound(resolver=names, network=internet, allow_local=True)
    for hostile in (url, url.replace("https:", "http:", 1).replace(":443", ":80")):
        refuses_all(outbound, hostile.replace("{port}", str(canary.port)), canary)
    assert names.asked == []
    assert internet.dialled == []


@pytest.mark.parametrize(("answer", "url"), BY_THE_ANSWER.values(), ids=BY_THE_ANSWER)
def test_a_name_is_refused_by_any_of_its_addresses(answer: list[str], url: str, canary: Server) -> None:
    internet, names = Internet(), Names({}, otherwise=answer)
    outbound = HttpOutbound(resolver=names, network=internet)
    hostile = url.replace("{port}", str(canary.port))

    outbound.check(hostile)  # nothing is wrong with the text
    refuses_all(outbound, hostile, canary)

    assert len(names.asked) == 2
    assert internet.dialled == []


@pytest.mark.parametrize("url", LOOPBACK.values(), ids=LOOPBACK)
def test_only_a_local_stack_may_call_loopback(url: str, canary: Server) -> None:
    internet = Internet(loopback=canary)
    outbound = HttpOutbound(resolver=Names({}, otherwise=["127.0.0.1"]), network=internet, allow_local=True)
    assert outbound.fetch(url.replace("https", "http").replace("{port}", str(canary.port))) == b"secret"
    assert [address.is_loopback for address, _ in internet.dialled] == [True]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_battery_would_reach_the_canary(host: str, canary: Server) -> None:
    outbound = HttpOutbound(resolver=Names({}, otherwise=["127.0.0.1"]), allow_local=True)
    assert outbound.fetch(f"http://{host}:{canary.port}/") == b"secret"
    assert outbound.post(f"http://{host}:{canary.port}/", b"{}", {}).status == 200
    assert canary.connections == 2


def test_a_name_that_is_rebound_after_the_check_is_still_called_where_it_was(
    world: OutboundBench, canary: Server
) -> None:
    world.names = Names({"rebound.example": [["93.184.216.34"], ["127.0.0.1"]]})
    site = world.site(answering(200, b"selfie"), "rebound.example")
    outbound = world.outbound()

    assert outbound.fetch("https://rebound.example/") == b"selfie"
    assert world.names.asked == ["rebound.example"]
    with pytest.raises(RefusedUrlError):
        outbound.fetch(f"https://rebound.example:{canary.port}/")

    assert len(site.requests) == 1
    assert canary.connections == 0
    assert [str(address) for address, _ in world.internet.dialled] == ["93.184.216.34"]
