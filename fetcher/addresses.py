"""The address policy: a verdict on one address, or one port; by default only the public web is allowed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from fetcher.iana import BAD_PORTS, NOT_PUBLIC
from runtime.bounded_cache import text_cache
from thrift_idl.errors import BadConfiguration
from weburl import deciding_form

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class AddressVerdict:
    """Whether we connect, and the rule that says so."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What is allowed beyond the public web, and what is denied in it. A denied network beats everything else.

    `allow_hosts`: `name.example` or `*.example` (every name below, at any depth); all addresses of such a host are
    allowed. `allow_networks`, `deny_networks`: addresses, whatever the host.
    """

    allow_hosts: tuple[str, ...] = ()
    allow_networks: tuple[Network, ...] = ()
    deny_networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> AddressPolicy:
        """A policy from configuration: `allow` holds host patterns and networks or addresses, `deny` only the latter.

        Raises `BadConfiguration` with the entry that is neither.
        """
        networks = {entry: _network(entry) for entry in allow}
        denied = {entry: _network(entry) for entry in deny}
        for entry in [e for e, n in networks.items() if n is None and not _is_pattern(e)]:
            raise BadConfiguration(f"allow: {entry!r} is neither a host pattern nor a network", entry=entry)
        for entry in [e for e, n in denied.items() if n is None]:
            raise BadConfiguration(f"deny: {entry!r} is no network", entry=entry)
        return cls(
            allow_hosts=tuple(host_pattern(entry) for entry, network in networks.items() if network is None),
            allow_networks=tuple(network for network in networks.values() if network is not None),
            deny_networks=tuple(network for network in denied.values() if network is not None),
        )


PUBLIC_WEB = AddressPolicy()


def verdict(address: str, policy: AddressPolicy = PUBLIC_WEB, *, host: str = "") -> AddressVerdict:
    """Whether to connect to `address`, as the resolver gave it for `host`; text that is no address is denied."""
    parsed = literal(address)
    if parsed is None:
        return AddressVerdict(False, "not an IP address")
    for network in policy.deny_networks:
        if any(candidate in network for candidate in (parsed, *_embedded(parsed))):
            return AddressVerdict(False, f"denied by policy: {network}")
    for pattern in policy.allow_hosts:
        if host and host_matches(pattern, host):
            return AddressVerdict(True, f"allowed by policy: {pattern}")
    return _address_verdict(parsed, policy)


def port_verdict(port: int) -> AddressVerdict:
    """Whether to speak HTTP to `port`."""
    return AddressVerdict(False, "port of another protocol") if port in BAD_PORTS else AddressVerdict(True, "port")


@text_cache(4_096)  # asked of every hop: of its host, and of each address
def literal(host: str) -> Address | None:
    """The address that a canonical URL host or a resolver's answer is (brackets and scope allowed), or None."""
    try:
        return ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return None


def host_pattern(entry: str) -> str:
    """The pattern that people mean by `entry`, for `host_matches`: spellings of a name are one pattern."""
    name = entry.removeprefix("*.")
    return entry if entry == "*" else entry[: len(entry) - len(name)] + deciding_form(name)


def host_matches(pattern: str, host: str) -> bool:
    """Whether `host`, in any spelling, is `pattern`, or lies below it for `*.pattern`; `*` is every host."""
    host = deciding_form(host)
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _address_verdict(address: Address, policy: AddressPolicy) -> AddressVerdict:
    for inner in _embedded(address):
        if not (nested := _address_verdict(inner, policy)).allowed:
            return AddressVerdict(False, f"embeds {inner}: {nested.reason}")
    for network in policy.allow_networks:
        if address in network:
            return AddressVerdict(True, f"allowed by policy: {network}")
    number = int(address)
    for first, last, reason in _NOT_PUBLIC[address.version]:
        if first <= number <= last:
            return AddressVerdict(False, reason)
    return AddressVerdict(True, "public address")


def _embedded(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses at which a packet to an IPv6 address may end up: no tunnel is a way around the table."""
    if address.version == 4:
        return
    number = int(address)
    low, words = number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF
    if number >> 32 in _IPV4_IN_LOW_BITS or words | 0x02000000 == 0x02005EFE:  # the latter: ISATAP, RFC 5214 6.1
        yield IPv4Address(low)
    elif number >> 112 == 0x2002:  # 6to4, RFC 3056
        yield IPv4Address(number >> 80 & 0xFFFFFFFF)
    elif number >> 96 == 0x20010000:  # Teredo, the client's bits flipped: RFC 4380 4
        yield IPv4Address(low ^ 0xFFFFFFFF)
    elif number >> 80 == 0x0064FF9B0001:  # NAT64 for local use, RFC 8215
        yield from _nat64_local(number)


def _nat64_local(number: int) -> Iterator[IPv4Address]:
    """The address by every prefix length that fits in the block (RFC 6052 2.2); we can't know the operator's.

    Bits 64 to 71 are never part of it. Zero at a length other than 48 means that the address isn't there.
    """
    without_gap = number >> 64 << 56 | number & (1 << 56) - 1
    yield IPv4Address(without_gap >> 40 & 0xFFFFFFFF)
    others = without_gap >> 32 & 0xFFFFFFFF, without_gap >> 24 & 0xFFFFFFFF, number & 0xFFFFFFFF
    yield from (IPv4Address(other) for other in others if other)


# Upper 96 bits of the forms that end in an IPv4 address: mapped, translated, NAT64.
_IPV4_IN_LOW_BITS = frozenset((0xFFFF, 0xFFFF0000, 0x0064FF9B << 64))


def _ranges(version: int) -> tuple[tuple[int, int, str], ...]:
    blocks = ((ip_network(block), f"{reason} ({block})") for block, reason in NOT_PUBLIC)
    return tuple(
        (int(block.network_address), int(block.broadcast_address), reason)
        for block, reason in blocks
        if block.version == version
    )


_NOT_PUBLIC = {4: _ranges(4), 6: _ranges(6)}


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry)
    except ValueError:
        return None


def _is_pattern(entry: str) -> bool:
    name = entry.removeprefix("*.")
    return entry == "*" or (bool(name) and not set(name) & set("*/:@[] ") and not name.rpartition(".")[2].isdigit())
