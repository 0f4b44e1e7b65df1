"""Addresses of services: `host:port`, an IPv6 host in brackets."""

from __future__ import annotations

from thrift_idl.errors import BadConfiguration

_LONGEST_PORT = 5


def host_and_port(address: str, *, least_port: int = 1) -> tuple[str, int]:
    """The host, without brackets, and the port; 0 as `least_port` allows any free one.

    Raises `BadConfiguration`, without the text before an @: a login doesn't belong here, but may be there.
    """
    host, _, port = address.rpartition(":")
    is_number = port.isdecimal() and len(port) <= _LONGEST_PORT
    if not _is_host(host) or "@" in address or not is_number or not least_port <= int(port) < 65536:
        named = address.rpartition("@")[2]
        raise BadConfiguration(f"{named!r} is no address: want host:port", address=named)
    return host.strip("[]"), int(port)


def _is_host(host: str) -> bool:
    """True if it can be looked up at all: a name that Python can't encode for DNS ends a lookup with its own error."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False
