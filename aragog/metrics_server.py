"""/metrics over HTTP/1.1, one answer a connection: small, and bounded in bytes, time and connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from aragog.settings import Settings
from runtime.host_port import host_and_port, join
from thrift_idl.errors import AragogError, BadConfiguration
from thrift_idl.gen.pinlater.ttypes import PinLaterException

_HEAD_BYTES: Final = 16 * 1024
_CALL_S: Final = 20.0
_CALLS: Final = 16
_FRESH_S: Final = 5.0

_log = logging.getLogger("aragog")


class MetricsServer:
    """Answers GET /metrics with the registry of this process; gauges are updated every five seconds."""

    def __init__(self) -> None:
        try:
            from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415 - optional

            from aragog.metrics import REFRESHES, REGISTRY  # noqa: PLC0415 - as above
        except ModuleNotFoundError as error:
            message = f"metrics.listen needs the package {error.name}: pip install 'aragog[metrics]'"
            raise BadConfiguration(message) from error
        self._type = CONTENT_TYPE_LATEST
        self._text: Callable[[], bytes] = partial(generate_latest, REGISTRY)
        self._refreshes = REFRESHES
        self._fresh_until = 0.0
        self._turn = asyncio.Lock()
        self._calls = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._calls += 1
        try:
            if self._calls <= _CALLS:
                async with asyncio.timeout(_CALL_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(await self._reply(head.split(b"\r\n", 1)[0].decode("latin-1")))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the caller's own problem
        finally:
            self._calls -= 1
            writer.close()

    async def _reply(self, request: str) -> bytes:
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in ("GET", "HEAD") or path != "/metrics":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        await self._refresh()
        text = self._text()
        fields = f"Content-Type: {self._type}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        return f"HTTP/1.1 200 OK\r\n{fields}".encode() + (b"" if method == "HEAD" else text)

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._turn:
            if loop.time() < self._fresh_until:
                return
            for refresh in tuple(self._refreshes):
                try:
                    await refresh()
                except (AragogError, PinLaterException) as error:
                    _log.warning("metrics: gauges are old: %s", error)
            self._fresh_until = loop.time() + _FRESH_S


@asynccontextmanager
async def metrics_served(settings: Settings) -> AsyncIterator[str]:
    """Serve the metrics of the settings while the block runs; yields the address, "" = none.

    Raises `BadConfiguration`.
    """
    listen = settings.metrics.listen
    if not listen:
        yield ""
        return
    try:
        host, port = host_and_port(listen, least_port=0)
        server = await asyncio.start_server(MetricsServer().answer, host, port, limit=_HEAD_BYTES)
    except BadConfiguration as error:
        raise BadConfiguration(f"metrics.listen: {error}") from None
    except OSError as error:
        raise BadConfiguration(f"metrics.listen: {listen}: {error.strerror or error}") from error
    async with server:
        yield join(host, server.sockets[0].getsockname()[1])
