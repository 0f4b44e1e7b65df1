"""FaultWeb: the faults behind loopback ports, all of HTTP behind one, each of TLS behind its own."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from testweb.faults.certificates import Authority
from testweb.faults.codings import pack_bombs
from testweb.faults.kinds import Fault, FaultyRequest, page
from testweb.faults.table import HTTP_FAULTS
from testweb.faults.tls import DOMAIN, TLS_FAULTS, TlsFault, context

ADDRESS = "127.0.0.1"
HOST = "faults.test"
_MAX_HEAD_BYTES = 65_536
_NOT_FOUND = page(status="404 Not Found", content=b"no such fault")
_PAGE = Fault("page", "a page", page(), stays=True)


class FaultWeb:
    """Faults on 127.0.0.1. `port` 0 takes a free one, for HTTP; those for TLS are always free ones.

    With `tls` False no certificate is made, and the openssl command isn't needed.
    """

    def __init__(self, port: int = 0, *, tls: bool = True) -> None:
        self._wanted_port = port
        self._faults = TLS_FAULTS if tls else {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._server: asyncio.Server | None = None
        self._tls_servers: dict[str, asyncio.Server] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Make certificates and listen. Raises OSError when the port is taken or openssl fails; nothing stays open."""
        self._folder = tempfile.TemporaryDirectory(prefix="faults-")
        try:
            self._server = await self._listen(self._wanted_port, None)
            await asyncio.to_thread(pack_bombs)
            contexts = await asyncio.to_thread(self._contexts)
            for name, made in contexts.items():
                self._tls_servers[name] = await self._listen(0, self._faults[name], made)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the ports and every connection."""
        servers = [server for server in (self._server, *self._tls_servers.values()) if server]
        for server in servers:
            server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        for server in servers:
            await server.wait_closed()
        self._server, self._tls_servers = None, {}
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def port(self) -> int:
        """The port of the HTTP faults; only after `start`."""
        assert self._server is not None
        return _port(self._server)

    @property
    def authority(self) -> Path:
        """The certificate (PEM) that a client must trust to find `good` good; there until `stop`."""
        assert self._folder is not None
        return Path(self._folder.name) / "trusted.pem"

    @property
    def connect_to(self) -> dict[str, str]:
        """The address for a host name, the most exact name first; only after `start`."""
        exact = {f"*.{name}.{DOMAIN}": f"{ADDRESS}:{_port(server)}" for name, server in self._tls_servers.items()}
        return exact | {"*.test": f"{ADDRESS}:{self.port}"}

    def urls(self) -> dict[str, str]:
        """Every fault's URL, and the behaviour of its server."""
        plain = {f"http://{HOST}/{fault.name}": fault.tells for fault in HTTP_FAULTS.values()}
        return plain | {f"https://www.{fault.host}/": fault.tells for fault in self._faults.values()}

    def _contexts(self) -> dict[str, ssl.SSLContext | None]:
        """Certificates and contexts of all TLS faults. Blocks while openssl runs."""
        assert self._folder is not None
        folder = Path(self._folder.name)
        trusted, stranger = Authority(folder, "trusted"), Authority(folder, "stranger")
        if self._faults:
            trusted.found()
            stranger.found()
        return {name: context(fault, trusted, stranger) for name, fault in self._faults.items()}

    async def _listen(self, port: int, fault: TlsFault | None, secure: ssl.SSLContext | None = None) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._attended(fault, reader, writer)

        return await asyncio.start_server(connected, ADDRESS, port, limit=_MAX_HEAD_BYTES, backlog=512, ssl=secure)

    async def _attended(
        self, fault: TlsFault | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection to its end, on either side."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await _converse(fault, reader, writer)
        except asyncio.CancelledError:
            pass  # stop() ended it; a cancelled connection is no error of asyncio's to report
        finally:
            self._connections.discard(task)
            writer.close()


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _converse(fault: TlsFault | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if fault is not None and fault.raw is not None:
        await fault.raw(FaultyRequest(reader, writer, fault.host, ""))
        return
    stays = True
    while stays:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        stays = await _answer(fault, head, reader, writer)


async def _answer(
    fault: TlsFault | None, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer one request; returns True if the connection goes on."""
    first, _, fields = head.partition("\r\n")
    target = first.partition(" ")[2].partition(" ")[0].partition("?")[0]
    name, slash, rest = target.lstrip("/").partition("/")
    found = HTTP_FAULTS.get(name) if fault is None or name else _PAGE
    if found is not None:
        return await found.serve(FaultyRequest(reader, writer, _host(fields), slash + rest))
    writer.write(_NOT_FOUND)
    await writer.drain()
    return True


def _host(fields: str) -> str:
    """The Host header without its port."""
    named = [line[5:].strip() for line in fields.split("\r\n") if line[:5].lower() == "host:"]
    return named[0].partition(":")[0] if named else HOST
