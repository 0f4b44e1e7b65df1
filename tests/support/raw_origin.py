"""A raw origin on loopback: every reply is the bytes that the test wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Reply = bytes | Handler


@dataclass(frozen=True)
class Seen:
    target: str
    host: str
    headers: dict[str, str]
    connection: int


def reply(status: int = 200, body: bytes = b"", *headers: str, media_type: str = "text/html") -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", f"Content-Type: {media_type}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


NOT_FOUND = reply(404, b"no")


@dataclass
class Origin:
    """Replies by target; `host target` wins over `target`; a list is used up from the front, its last entry stays."""

    replies: dict[str, Any]
    """`Reply`, or a list of them, by target."""
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def targets(self) -> list[str]:
        return [seen.target for seen in self.seen if seen.target != "/robots.txt"]

    def url(self, target: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{target}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self.open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                    await self._answer(head, number, reader, writer)
        finally:
            self.open.discard(writer)
            writer.close()

    async def _answer(self, head: str, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        target, host = first.split(" ")[1], headers["host"].rpartition(":")[0] or headers["host"]
        self.seen.append(Seen(target, host, headers, number))
        found = self.replies.get(f"{host} {target}", self.replies.get(target, NOT_FOUND))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, bytes):
            writer.write(found)
            await writer.drain()
            if b"connection: close" in found[:2000].lower():
                writer.close()
        else:
            await found(reader, writer)


@asynccontextmanager
async def origin(replies: dict[str, Any], **options: Any) -> AsyncIterator[Origin]:
    """A running origin; `replies` as `Origin` has them."""
    served = Origin(replies)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, **options)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for writer in list(served.open):
            writer.transport.abort()
        await asyncio.sleep(0)
