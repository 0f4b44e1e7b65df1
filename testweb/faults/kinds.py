"""The kinds of faults: raw replies, and handlers that write freely."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
PAGE = b"<!doctype html><title>A page</title><p>Hello."


@dataclass(frozen=True, slots=True)
class FaultyRequest:
    """One request, and the connection to misbehave on. `rest`: its target after the fault's name, "" or "/..."."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str
    rest: str

    async def send(self, data: bytes) -> None:
        """Write, and wait while the client doesn't read."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> None:
        """Send nothing more until the client closes."""
        while await self.reader.read(65_536):
            pass

    def reset(self) -> None:
        """RST instead of FIN."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Handler = Callable[[FaultyRequest], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave. A reply of bytes is sent and the connection closed, unless it `stays` open."""

    name: str
    tells: str
    """The server's behaviour, for people."""
    reply: bytes | Handler
    stays: bool = False

    async def serve(self, visit: FaultyRequest) -> bool:
        """Misbehave. Returns True if the connection goes on."""
        if isinstance(self.reply, bytes):
            await visit.send(self.reply)
        else:
            await self.reply(visit)
        return self.stays


def page(*headers: str, status: str = "200 OK", content: bytes = PAGE, length: int | None = None) -> bytes:
    """A reply with these headers; `length` announces a different number of bytes than is sent."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html; charset=utf-8", *headers]
    lines.append(f"Content-Length: {len(content) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def forever(head: bytes, pieces: Callable[[], Iterable[bytes]], pause_ms: int = 0) -> Handler:
    """Send `head`, then the pieces one by one with a pause before each, until they end or the client closes."""

    async def serve(visit: FaultyRequest) -> None:
        await visit.send(head)
        for piece in pieces():
            await asyncio.sleep(pause_ms / 1000)
            await visit.send(piece)

    return serve


def then_reset(reply: bytes, after_ms: int = 20) -> Handler:
    """Send `reply`, let it arrive, then RST."""

    async def serve(visit: FaultyRequest) -> None:
        await visit.send(reply)
        await asyncio.sleep(after_ms / 1000)
        visit.reset()

    return serve


def then_silence(reply: bytes) -> Handler:
    """Send `reply`, then nothing, with the connection open."""

    async def serve(visit: FaultyRequest) -> None:
        await visit.send(reply)
        await visit.until_closed()

    return serve
