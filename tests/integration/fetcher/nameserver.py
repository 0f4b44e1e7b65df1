"""A nameserver on loopback, UDP and TCP, that answers what a test wrote for a name: honest records or worse."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

A, CNAME, AAAA = 1, 5, 28
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
_RESPONSE, _TRUNCATED = 0x8180, 0x0200

Record = tuple[str, int]
"""An address and its time to live in seconds."""
Worse = Callable[[bytes], bytes | None]
"""From a query to the bytes that answer it; None = silence."""


@dataclass
class Zone:
    """The answer for one name."""

    records: tuple[Record, ...] = ()
    code: int = NOERROR
    alias: tuple[str, int] | None = None
    """A CNAME: the target and its time to live."""
    only_tcp: bool = False
    worse: Worse | None = None


@dataclass
class Nameserver:
    """Answers `zones`; a list of zones is answered one after the other, by A query, the last one for ever."""

    zones: dict[str, Zone | list[Zone]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Names of the A queries that came, in order."""
    over_tcp: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, query: bytes, tcp: bool) -> bytes | None:
        name, kind, question = question_of(query)
        if kind == A:
            self.asked.append(name)
            if tcp:
                self.over_tcp.append(name)
        zone = self._zone(name, kind)
        if zone.worse is not None:
            return zone.worse(query)
        if zone.only_tcp and not tcp:
            return query[:2] + struct.pack("!5H", _RESPONSE | _TRUNCATED, 1, 0, 0, 0) + question
        answers = self._answers(name, zone, kind)
        head = struct.pack("!5H", _RESPONSE | zone.code, 1, len(answers), 0, 0)
        return query[:2] + head + question + b"".join(answers)

    def _zone(self, name: str, kind: int) -> Zone:
        found = self.zones.get(name, Zone(code=NXDOMAIN))
        if isinstance(found, Zone):
            return found
        return found.pop(0) if kind == A and len(found) > 1 else found[0]

    def _answers(self, name: str, zone: Zone, kind: int) -> list[bytes]:
        if zone.alias is None:
            return [_address(name, *record) for record in zone.records if _kind_of(record[0]) == kind]
        target, ttl_s = zone.alias
        of_target = self.zones.get(target, Zone())
        assert isinstance(of_target, Zone)
        return [_resource(name, CNAME, ttl_s, _encoded(target)), *self._answers(target, of_target, kind)]


@asynccontextmanager
async def serving(**zones: Zone | list[Zone]) -> AsyncIterator[Nameserver]:
    """A nameserver whose names are those of `zones`, `_` for a dot."""
    server = Nameserver({name.replace("_", "."): zone for name, zone in zones.items()})
    loop = asyncio.get_running_loop()
    tcp = await asyncio.start_server(lambda reader, writer: _serve(server, reader, writer), "127.0.0.1", 0)
    server.port = tcp.sockets[0].getsockname()[1]
    udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(server), ("127.0.0.1", server.port))
    try:
        yield server
    finally:
        udp.close()
        tcp.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Nameserver) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (answer := self._server.answer(data, tcp=False)) is not None:
            self._transport.sendto(answer, addr)


async def _serve(server: Nameserver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            if (answer := server.answer(await reader.readexactly(size), tcp=True)) is not None:
                writer.write(struct.pack("!H", len(answer)) + answer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def question_of(query: bytes) -> tuple[str, int, bytes]:
    """Name, type, and the question as sent (what follows is EDNS)."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    return ".".join(labels), int.from_bytes(query[at + 1 : at + 3], "big"), query[12 : at + 5]


def _kind_of(address: str) -> int:
    return AAAA if ":" in address else A


def _address(name: str, address: str, ttl_s: int) -> bytes:
    return _resource(name, _kind_of(address), ttl_s, ip_address(address).packed)


def _resource(name: str, kind: int, ttl_s: int, data: bytes) -> bytes:
    return _encoded(name) + struct.pack("!HHIH", kind, 1, ttl_s, len(data)) + data


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"
