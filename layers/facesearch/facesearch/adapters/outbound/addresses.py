"""Which addresses are on the public internet.

A table of our own instead of `ipaddress.is_global`, whose answers changed between Python 3.11 and 3.13 and which calls
multicast and 6to4 global. It is IANA's registries of special-purpose addresses, without their exceptions: what is in
neither table is unicast and routed to whoever owns it.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_SPECIAL_V4 = tuple(
    IPv4Network(network)
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
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
"""All that IANA has given out. Outside it are ::1, ::, IPv4-mapped, -compatible and -translated addresses, unique
local (with AWS's fd00:ec2::254), link-local, site-local and multicast ones."""

_SPECIAL_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocols: Teredo, ORCHID, benchmarking …
        "2001:db8::/32",
        "2002::/16",  # 6to4: ended by RFC 7526, and any IPv4 address may be inside
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
"""What DNS64 makes of an IPv4 host's address, and so what a subnet without IPv4 sees of one."""

_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")


def is_public(address: Address) -> bool:
    """Whether the address is public unicast, in whatever form it is written."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _UNICAST_V6 and not any(address in network for network in _SPECIAL_V6)


def is_loopback(address: Address) -> bool:
    """Whether it is 127.0.0.0/8 or ::1; none of the forms that only embed one."""
    return address in _LOOPBACK_V4 if isinstance(address, IPv4Address) else address == _LOOPBACK_V6
