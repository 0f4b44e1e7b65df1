"""A proxy of our own on loopback: tunnels to whatever it is asked for, until a test has it refuse, or go away."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from fetcher.resolver import Endpoint
from fetcher.transport.dial import Proxy

SILENT, CLOSED = b"says nothing", b"closes"


@dataclass
class TunnelProxy:
    """Connects to whatever it is asked for, or answers `refusal`; logs the heads of its requests."""

    refusal: bytes = b""
    heads: list[str] = field(default_factory=list)
    port: int = 0
    silent_about: str = ""
    """Asked for what has this text, it says nothing."""
    server: asyncio.Server | None = None
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def proxy(self) -> Proxy:
        return Proxy(Endpoint("127.0.0.1", self.port))

    async def start(self) -> None:
        """On the port that it had."""
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As a process that is killed: nobody listens, its connections are gone."""
        assert self.server is not None
        self.server.close()
        for writer in tuple(self.open):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            self.open.add(writer)
            if self.refusal == SILENT or (self.silent_about and self.silent_about in head):
                await reader.read()
            elif self.refusal:
                writer.write(b"" if self.refusal == CLOSED else self.refusal)
            else:
                await self._relay(head.split(" ")[1], reader, writer)
        self.open.discard(writer)
        writer.close()

    async def _relay(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = target.rpartition(":")
        onward, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        copies = [asyncio.ensure_future(_copy(*pair)) for pair in ((reader, back), (onward, writer))]
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        for copy in copies:
            copy.cancel()
        back.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def tunnelling(refusal: bytes = b""):
    served = TunnelProxy(refusal)
    await served.start()
    try:
        yield served
    finally:
        await served.stop()
