"""Addresses of the form `host:port`, an IPv6 host in brackets: one reader and one writer of them."""

from __future__ import annotations

from typing import Final

from thrift_idl.errors import BadConfiguration

_LONGEST_PORT: Final = 5
_PORTS: Final = 65_536


def split(text: str, *, least_port: int = 1, default_port: int | None = None) -> tuple[str, int] | None:
    """The host, without brackets, and the port; None = it is no `host:port`.

    `default_port` is the port of a text without one. The host itself isn't checked.
    """
    if default_port is not None and ":" not in text.rpartition("]")[2]:
        host, port = text, str(default_port)
    else:
        host, _, port = text.rpartition(":")
    host = host.strip("[]")
    is_number = port.isascii() and port.isdecimal() and len(port) <= _LONGEST_PORT
    is_name = host.split() == [host]  # not empty, no white space
    return (host, int(port)) if is_name and is_number and least_port <= int(port) < _PORTS else None


def join(host: str, port: int) -> str:
    """The text that `split` reads: an IPv6 host gets its brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_and_port(address: str, *, least_port: int = 1) -> tuple[str, int]:
    """The host, without brackets, and the port of a service of ours; 0 as `least_port` allows any free one.

    Raises `BadConfiguration`, without the text before an @: a login doesn't belong here, but may be there.
    """
    found = split(address, least_port=least_port)
    if found is None or "@" in address or not _can_be_looked_up(found[0]):
        named = address.rpartition("@")[2]
        raise BadConfiguration(f"{named!r} is no address: want host:port", address=named)
    return found


def _can_be_looked_up(host: str) -> bool:
    """True if Python can encode it for DNS: otherwise a lookup ends with an error of its own."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False
