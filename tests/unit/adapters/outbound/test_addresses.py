"""Which addresses are public."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.outbound.urls import is_loopback, is_public

NAT64 = IPv6Network("64:ff9b::/96")
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "2001:200::1", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001::1"),
    *("9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1"),
    *("169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "223.255.255.255"),
    "64:ff9b::808:808",  # what DNS64 says of 8.8.8.8
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.255.254", "::1"])
def test_loopback_is_loopback_and_not_public(address: str) -> None:
    assert is_loopback(ip_address(address))
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["::ffff:127.0.0.1", "::127.0.0.1", "::1%lo", "64:ff9b::127.0.0.1", "0.0.0.0", "::"],  # noqa: S104
)
def test_what_only_leads_to_loopback_is_neither(address: str) -> None:
    assert not is_loopback(ip_address(address))
    assert not is_public(ip_address(address))


@given(st.ip_addresses())
def test_what_python_calls_special_is_never_public(address: IPv4Address | IPv6Address) -> None:
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (address.is_reserved and address not in NAT64)
    )
    if special:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_no_more_public_than_itself(address: IPv4Address) -> None:
    number = int(address)
    mapped, compatible, translated = 0xFFFF << 32 | number, number, 0xFFFF << 48 | number
    six_to_four = 0x2002 << 112 | number << 80
    teredo = 0x20010000 << 96 | (number ^ 0xFFFF_FFFF)
    for value in (mapped, compatible, translated, six_to_four, teredo):
        assert not is_public(IPv6Address(value))
    assert is_public(IPv6Address(0x64_FF9B << 96 | number)) == is_public(address)
