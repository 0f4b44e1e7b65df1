"""The connections of one channel: made when first needed, replaced when they break, shared by all callers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial

from runtime.host_port import join
from runtime.single_flight import SingleFlight
from thrift_idl.errors import BackendDown
from thrift_idl.rpc.client_connection import ClientConnection
from thrift_idl.rpc.limits import ClientLimits


class ClientConnectionPool:
    """Up to `connections` links to one address, calls spread over them in turn."""

    def __init__(self, host: str, port: int, limits: ClientLimits) -> None:
        self._host = host
        self._port = port
        self._limits = limits
        self._links: list[ClientConnection | None] = [None] * limits.connections
        # One attempt at a time for a slot, shared by all callers that wait for it; it outlives any of them.
        self._connecting: SingleFlight[int, ClientConnection] = SingleFlight(lands_alone=True)
        self._next = 0
        self.address = join(host, port)

    def ready(self) -> ClientConnection | None:
        """The next link if it can take a call at once."""
        self._next = (self._next + 1) % len(self._links)
        link = self._links[self._next]
        if link is None or not link.usable or link.full or self._stale(link):
            return None
        return link

    async def link(self) -> ClientConnection:
        """A link that can take a call: waits for a connection, or for room in its write buffer. Raises BackendDown."""
        while True:
            slot = self._next
            link = self._links[slot]
            if link is not None and link.usable and self._stale(link):
                link.retire()
            if link is None or not link.usable:
                link = await self._connecting.join(slot, partial(self._connect, slot))
                if not link.usable:
                    raise BackendDown(f"{self.address} closes connections at once", address=self.address)
            elif link.full:
                await link.drained()
            if link.usable and not link.full:
                return link

    def close(self) -> None:
        """Close every connection; calls in flight fail with BackendDown."""
        self._connecting.cancel()
        for link in self._links:
            if link is not None:
                link.close()

    def _stale(self, link: ClientConnection) -> bool:
        if link.in_flight:
            return False
        return (asyncio.get_running_loop().time() - link.used) * 1000 > self._limits.idle_ms

    async def _connect(self, slot: int) -> ClientConnection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.connect_ms / 1000):
                transport, link = await loop.create_connection(
                    lambda: ClientConnection(self.address, self._limits.frame_bytes), self._host, self._port
                )
        except (OSError, TimeoutError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise BackendDown(f"no connection to {self.address}: {reason}", address=self.address) from error
        _keep_alive(transport)
        self._links[slot] = link
        return link


def _keep_alive(transport: asyncio.Transport) -> None:
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
