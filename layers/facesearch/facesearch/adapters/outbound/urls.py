"""What a URL must look like before anything is looked up, and which addresses it may lead to.

The text is taken apart once, here, and everything later uses the parts: there is no second parser that could read
another host out of it. So whatever programs are known to read differently is refused instead of repaired: user names
and passwords, fragments, backslashes, white space, addresses in octal, hex or short form, a full stop at the end.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from urllib.parse import quote, urljoin

from facesearch.webhooks.outbound import RefusedUrlError

LONGEST = 4096
"""Characters of a URL: presigned links to storage may carry a session's token of 2,000."""

Address = IPv4Address | IPv6Address

_SPECIAL = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host: Linux connects 0.0.0.0 to loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; also where clouds and VPNs put services of their own
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent: public by number only
        "169.254.0.0/16",  # link-local, with the metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocols: Teredo, ORCHID, benchmarking …
        "2001:db8::/32",
        "2002::/16",  # 6to4: ended by RFC 7526, and any IPv4 address may be inside
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
"""IANA's registries of special-purpose addresses, without their exceptions: what is in neither is unicast and routed to
whoever owns it. Not `ipaddress.is_global`, which changed between Python 3.11 and 3.13, and calls multicast and 6to4
global."""
_UNICAST_V6 = IPv6Network("2000::/3")
"""All that IANA has given out. Outside it are ::1, ::, IPv4-mapped, -compatible and -translated addresses, unique
local (with AWS's fd00:ec2::254), link-local, site-local and multicast ones."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""What DNS64 makes of an IPv4 host's address, and so what a subnet without IPv4 sees of one."""
_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")

_DEFAULT_PORTS = {"https": 443, "http": 80}
_FIRST_FREE_PORT = 1024

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)(.*)")
_IPV6_AUTHORITY = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(.*))?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_INSIDE = {"localhost", "local", "internal"}
"""Top-level names that never lead to the public internet."""

_NOT_PUBLIC = "The URL's host is not at a public address."


def is_public(address: Address) -> bool:
    """Whether the address is public unicast, in whatever form it is written."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _UNICAST_V6:
            return False
    return not any(address in network for network in _SPECIAL)


def is_loopback(address: Address) -> bool:
    """Whether it is 127.0.0.0/8 or ::1; none of the forms that only embed one."""
    return address in _LOOPBACK_V4 or address == IPv6Address("::1")


@dataclass(frozen=True)
class Target:
    """A URL in parts that are ready to be sent."""

    scheme: str  # "https", or locally "http"
    host: str  # lower-case ASCII; an IPv6 address without brackets
    port: int
    path: str  # path and query, visible ASCII, beginning with "/"
    address: Address | None  # the host, if it is written as an address

    @property
    def authority(self) -> str:
        """What goes into `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_url(url: str, allow_local: bool = False) -> Target:
    """The URL in parts; `allow_local` allows http and loopback as well.

    Raises:
        RefusedUrlError: not a URL that we call.
    """
    if len(url) > LONGEST:
        raise RefusedUrlError(f"The URL is longer than {LONGEST} characters.")
    if not url.isprintable() or " " in url or "\\" in url:  # what is printable excludes every other white space
        raise RefusedUrlError("The URL holds white space, a backslash or an invisible character.")
    parts = _URL.fullmatch(url.partition("#")[0])
    if parts is None:
        raise RefusedUrlError("This is not a URL with a scheme and a host.")
    scheme = parts[1].lower()
    if scheme != "https" and not (allow_local and scheme == "http"):
        raise RefusedUrlError("The URL must begin with https://.")
    if "#" in url:
        raise RefusedUrlError("The URL must not hold a fragment.")
    if "@" in parts[2]:
        raise RefusedUrlError("The URL must not hold a user name or password.")
    host, port = _split(parts[2])
    address = _address(host)
    if address is None:
        host = _name(host, allow_local)
        address = _address(host)  # what another script's full stops may have hidden
    if address is not None:
        host = str(address)
        require_reachable([address], allow_local)
    path = "".join(character if character.isascii() else quote(character) for character in parts[3])
    return Target(scheme, host, _port(port, scheme), path if path.startswith("/") else f"/{path}", address)


def follow(target: Target, location: bytes, allow_local: bool) -> Target:
    """Where a redirect from the target leads.

    Raises:
        RefusedUrlError: not to a URL that we call, or from https to http.
    """
    base = f"{target.scheme}://{target.authority}{target.path}"
    try:
        text = location.decode()
        # urljoin drops tabs and line ends, which must be seen by parse_url.
        joined = urljoin(base, text) if text.isprintable() else text
    except ValueError:  # not UTF-8, or brackets that are none
        raise RefusedUrlError("This is not a URL with a scheme and a host.") from None
    found = parse_url(joined, allow_local)
    if target.scheme == "https" and found.scheme != "https":
        raise RefusedUrlError("It redirects from https to http.")
    return found


def require_reachable(addresses: list[Address], allow_local: bool) -> None:
    """Check that we may connect to each of a host's addresses.

    Raises:
        RefusedUrlError: to at least one we may not: a name with a public and a private address is an attack.
    """
    if not all(is_public(address) or (allow_local and is_loopback(address)) for address in addresses):
        raise RefusedUrlError(_NOT_PUBLIC)


def _split(authority: str) -> tuple[str, str | None]:
    if authority.startswith("["):
        parts = _IPV6_AUTHORITY.fullmatch(authority)
        if parts is None:
            raise RefusedUrlError("The URL's host is not an IPv6 address.")
        return parts[1], parts[2]
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _port(text: str | None, scheme: str) -> int:
    """443, or anything from 1024 on.

    The standard names no ports, and receivers do live on 8443, 9443 or a tunnel's number; below 1024 are mail, shells
    and name servers, which have no business with us.
    """
    if text is None:
        return _DEFAULT_PORTS[scheme]
    port = int(text) if _PORT.fullmatch(text) else 0
    if port != _DEFAULT_PORTS[scheme] and not _FIRST_FREE_PORT <= port <= 65535:
        raise RefusedUrlError(f"The URL's port must be {_DEFAULT_PORTS[scheme]} or one from {_FIRST_FREE_PORT} on.")
    return port


def _address(host: str) -> Address | None:
    """The address that the host is, written in full; None if it is a name.

    Raises:
        RefusedUrlError: it is neither: resolvers read `127.1`, `0x7f000001` and `017700000001` as 127.0.0.1.
    """
    try:
        if ":" in host:
            return IPv6Address(host)
        if _NUMBER.fullmatch(host.rpartition(".")[2].lower()):
            return IPv4Address(host)
    except AddressValueError:
        raise RefusedUrlError("The URL's host is neither a name nor an address written in full.") from None
    return None


def _name(host: str, allow_local: bool) -> str:
    """The name as DNS knows it: one of other scripts by IDNA 2008, which makes no digits or letters of look-alikes."""
    name = host.lower()
    if not host.isascii():
        import httpx

        with suppress(httpx.InvalidURL, UnicodeError):
            name = httpx.URL(scheme="https", host=host).raw_host.decode("ascii").lower()
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise RefusedUrlError("The URL's host is not a host name.")
    if name == "localhost" and allow_local:
        return name
    if "." not in name or name.rpartition(".")[2] in _INSIDE:
        raise RefusedUrlError(_NOT_PUBLIC)
    return name
