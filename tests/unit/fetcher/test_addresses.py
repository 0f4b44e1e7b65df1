from __future__ import annotations

import pytest

from fetcher.addresses import PUBLIC_WEB, AddressPolicy, host_matches, literal, port_verdict, verdict
from thrift_idl.errors import BadConfiguration


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "2001:3::1", "192.31.196.1"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert verdict(address).allowed


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("169.254.169.254", "metadata"),
        ("168.63.129.16", "metadata"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fe80::1%eth0", "link local"),
        ("fd00::1", "unique local"),
        ("ff02::1", "multicast"),
        ("4000::1", "reserved"),
        ("example.org", "not an IP address"),
        ("127.1", "not an IP address"),
        ("", "not an IP address"),
    ],
)
def test_any_other_address_is_denied_with_the_block_it_lies_in(address: str, reason: str) -> None:
    answer = verdict(address)
    assert not answer.allowed
    assert reason in answer.reason


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1:7f00:0:100::",
        "64:ff9b:1:808:8:800:7f00:1",
        "2002:7f00:1::",
        "2001:0:808:808:0:0:80ff:fffe",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:127.0.0.1",
    ],
)
def test_no_form_that_carries_an_ipv4_address_is_a_way_to_loopback(address: str) -> None:
    everything_but_ipv4 = AddressPolicy.of(["::/0"])
    assert not verdict(address).allowed
    assert verdict(address, everything_but_ipv4).reason.startswith("embeds 127.0.0.1: loopback")


def test_an_allowed_network_is_allowed_and_its_neighbour_is_not() -> None:
    policy = AddressPolicy.of(["10.1.0.0/16", "::1"])
    assert verdict("10.1.255.255", policy).allowed
    assert not verdict("10.2.0.0", policy).allowed
    assert verdict("::1", policy).allowed
    assert not verdict("127.0.0.1", policy).allowed


def test_an_allowed_host_may_be_anywhere_and_others_may_not() -> None:
    policy = AddressPolicy.of(["*.test", "printer"])
    assert verdict("127.0.0.1", policy, host="garden.test").allowed
    assert verdict("10.0.0.9", policy, host="printer").allowed
    assert not verdict("127.0.0.1", policy, host="garden.test.example").allowed
    assert not verdict("127.0.0.1", policy).allowed


def test_a_denied_network_beats_every_allowance_and_every_tunnel() -> None:
    policy = AddressPolicy.of(["*", "8.0.0.0/8"], deny=["8.8.8.8", "127.0.0.0/8"])
    assert not verdict("8.8.8.8", policy, host="dns.example").allowed
    assert not verdict("::ffff:127.0.0.1", policy, host="dns.example").allowed
    assert verdict("10.0.0.1", policy, host="dns.example").allowed


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "300.0.0.1", "a*.test", "http://a/", "", "[::1]", "a:80"])
def test_an_entry_that_is_neither_pattern_nor_network_is_named(entry: str) -> None:
    with pytest.raises(BadConfiguration) as error:
        AddressPolicy.of(["*.test", entry])
    assert repr(entry) in str(error.value)


def test_a_denied_entry_must_be_a_network() -> None:
    with pytest.raises(BadConfiguration, match="intranet"):
        AddressPolicy.of(deny=["intranet"])


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        ("*.test", "garden.test", True),
        ("*.test", "A.B.Test.", True),
        ("*.test", "test", False),
        ("*.test", "atest", False),
        ("garden.test", "garden.test", True),
        ("garden.test", "x.garden.test", False),
        ("*", "anything", True),
    ],
)
def test_host_patterns(pattern: str, host: str, matches: bool) -> None:
    assert host_matches(pattern, host) is matches


def test_ports_of_other_protocols_are_refused() -> None:
    assert not port_verdict(25).allowed
    assert not port_verdict(0).allowed
    assert port_verdict(80).allowed
    assert port_verdict(8765).allowed


def test_a_literal_is_read_as_a_url_host_writes_it() -> None:
    assert str(literal("[::1]")) == "::1"
    assert str(literal("127.0.0.1")) == "127.0.0.1"
    assert literal("localhost") is None


def test_the_default_policy_allows_nothing_but_the_public_web() -> None:
    assert AddressPolicy.of() == PUBLIC_WEB
