"""Blocks of addresses that are not the public web, and ports that are not HTTP's: facts from public registries.

- https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry, as of October 2025,
  less the AS112 and AMT blocks, which are ordinary destinations;
- https://www.iana.org/assignments/ipv6-address-space: what the IETF has reserved there, outside 0000::/8;
- RFC 4291 and its ancestors for forms of IPv6 that carry an IPv4 address;
- addresses inside a public block at which a cloud answers its own virtual machines.

Our own table, because `ipaddress.is_global` of Python 3.11 calls many of these global.
"""

from __future__ import annotations

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
"""(block, why): an address in one of these is no public destination. 2001::/23 is listed by its parts."""

# fmt: off
BAD_PORTS = frozenset({
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
})
# fmt: on
"""Ports of other protocols, which an HTTP request could be made to speak: https://fetch.spec.whatwg.org/#port-blocking"""
