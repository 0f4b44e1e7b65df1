"""The address policy: a pure verdict on one address, or one port; by default only the public web is allowed.

The blocks of addresses that are not the public web, and the ports that are not HTTP's, come from public registries:

- https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry, as of October 2025,
  less the AS112 and AMT blocks, which are ordinary destinations;
- https://www.iana.org/assignments/ipv6-address-space: what the IETF has reserved there, outside 0000::/8;
- RFC 4291 and its ancestors for forms of IPv6 that carry an IPv4 address;
- addresses inside a public block at which a cloud answers its own virtual machines.

Our own table, because `ipaddress.is_global` of Python 3.11 calls many of these global.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from runtime.bounded_cache import text_cache
from thrift_idl.errors import BadConfiguration
from weburl import deciding_form

NOT_PUBLIC: tuple[tuple[str, str], ...] = (
    # IPv4
    ("0.0.0.0/8", "this network, RFC 791"),
    ("10.0.0.0/8", "private use, RFC 1918"),
    ("100.64.0.0/10", "shared address space, RFC 6598"),
    ("127.0.0.0/8", "loopback, RFC 1122"),
    ("168.63.129.16/32", "cloud metadata"),
    ("169.254.0.0/16", "link local, cloud metadata, RFC 3927"),
    ("172.16.0.0/12", "private use, RFC 1918"),
    ("192.0.0.0/24", "IETF protocol assignments, RFC 6890"),
    ("192.0.2.0/24", "documentation, RFC 5737"),
    ("192.88.99.0/24", "6to4 relay, RFC 7526"),
    ("192.168.0.0/16", "private use, RFC 1918"),
    ("198.18.0.0/15", "benchmarking, RFC 2544"),
    ("198.51.100.0/24", "documentation, RFC 5737"),
    ("203.0.113.0/24", "documentation, RFC 5737"),
    ("224.0.0.0/4", "multicast, RFC 1112"),
    ("240.0.0.0/4", "reserved, broadcast, RFC 1112"),
    # IPv6
    ("::/128", "unspecified, RFC 4291"),
    ("::1/128", "loopback, RFC 4291"),
    ("::/96", "IPv4-compatible, RFC 4291"),
    ("::ffff:0:0/96", "IPv4-mapped, RFC 4291"),
    ("::ffff:0:0:0/96", "IPv4-translated, RFC 2765"),
    ("64:ff9b::/96", "NAT64, RFC 6052"),
    ("100::/8", "discard-only, dummy, reserved, RFC 6666, RFC 9780"),
    ("200::/7", "reserved, RFC 4048"),
    ("400::/6", "reserved, RFC 4291"),
    ("800::/5", "reserved, RFC 4291"),
    ("1000::/4", "reserved, RFC 4291"),
    ("2001::/32", "Teredo, RFC 4380"),
    ("2001:1::/32", "IETF protocol assignments, RFC 2928"),
    ("2001:2::/48", "benchmarking, RFC 5180"),
    ("2001:10::/28", "ORCHID, RFC 4843"),
    ("2001:20::/28", "ORCHIDv2, RFC 7343"),
    ("2001:30::/28", "drone remote identification, RFC 9374"),
    ("2001:db8::/32", "documentation, RFC 3849"),
    ("2002::/16", "6to4, RFC 3056"),
    ("3fff::/20", "documentation, RFC 9637"),
    ("4000::/2", "reserved, segment routing, RFC 4291, RFC 9602"),
    ("8000::/2", "reserved, RFC 4291"),
    ("c000::/3", "reserved, RFC 4291"),
    ("e000::/4", "reserved, RFC 4291"),
    ("f000::/5", "reserved, RFC 4291"),
    ("f800::/6", "reserved, RFC 4291"),
    ("fc00::/7", "unique local, RFC 4193"),
    ("fe00::/9", "reserved, RFC 4291"),
    ("fe80::/10", "link local, RFC 4291"),
    ("fec0::/10", "site local, RFC 3879"),
    ("ff00::/8", "multicast, RFC 4291"),
)
"""(block, reason): an address in one of these is no public destination. 2001::/23 is listed by its parts."""

# fmt: off
BAD_PORTS = frozenset({
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
})
# fmt: on
"""Ports of other protocols, which an HTTP request could be made to speak: https://fetch.spec.whatwg.org/#port-blocking"""


Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class AddressVerdict:
    """The decision to connect or not, and its rule."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Addresses allowed beyond the public web, and those denied in it. A denied network overrides everything else.

    `allow_hosts`: `name.example` or `*.example` (every name below, at any depth); all addresses of such a host are
    allowed. `allow_networks`, `deny_networks`: addresses, of any host.
    """

    allow_hosts: tuple[str, ...] = ()
    allow_networks: tuple[Network, ...] = ()
    deny_networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> AddressPolicy:
        """A policy from configuration: `allow` holds host patterns and networks or addresses, `deny` only the latter.

        Raises `BadConfiguration` with an entry that is none of these.
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
    """The verdict on `address`, as the resolver gave it for `host`; text that is no address is denied."""
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
    """The verdict on HTTP to `port`."""
    return AddressVerdict(False, "port of another protocol") if port in BAD_PORTS else AddressVerdict(True, "port")


@text_cache(4_096)  # asked of every hop: of its host, and of each address
def literal(host: str) -> Address | None:
    """The address in a canonical URL host or a resolver's answer (brackets and scope allowed), or None."""
    try:
        return ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return None


def host_pattern(entry: str) -> str:
    """The pattern that `entry` means for `host_matches`: all spellings of a name are one pattern."""
    name = entry.removeprefix("*.")
    return entry if entry == "*" else entry[: len(entry) - len(name)] + deciding_form(name)


def host_matches(pattern: str, host: str) -> bool:
    """True if `host`, in any spelling, is `pattern`, or is below it for `*.pattern`; `*` is every host."""
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
    """The IPv4 addresses that a packet to an IPv6 address may reach: no tunnel gets around the table."""
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
    """The address by every prefix length that fits in the block (RFC 6052 2.2); the operator's is unknown.

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
