"""The connections of one channel: the client's end of one, and the pool of them.

A connection sends calls and receives answers by sequence id, in any order. The pool makes connections when they are
first needed, replaces them when they break, and shares them among all callers.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import cast

from runtime.host_port import join
from runtime.single_flight import SingleFlight
from thrift_idl.errors import BackendDown
from thrift_idl.rpc.limits import ClientLimits
from thrift_idl.rpc.message import EXCEPTION, REPLY, FrameError, Frames, MessageHeader, read_header

Reply = tuple[bytes, MessageHeader]


class ClientConnection(asyncio.Protocol):
    """One connection. A call is a future under its sequence id; forgotten, its late answer is dropped."""

    def __init__(self, address: str, frame_bytes: int) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._frames = Frames(frame_bytes)
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._sequence = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self.usable = True
        """False: it is closed, or silent beyond a deadline; it takes no new calls."""
        self.heard = self.used = self._loop.time()

    @property
    def in_flight(self) -> int:
        """Calls that wait for their answers."""
        return len(self._pending)

    # --- Calls ------------------------------------------------------------------------------------------------------

    def open_call(self) -> tuple[int, asyncio.Future[Reply]]:
        """A sequence id and the future of its answer; always `forget` it in the end."""
        self._sequence = self._sequence % 0x7FFF_FFFF + 1
        while self._sequence in self._pending:
            self._sequence = self._sequence % 0x7FFF_FFFF + 1
        answer = self._pending[self._sequence] = self._loop.create_future()
        return self._sequence, answer

    def forget(self, sequence: int) -> None:
        """The call is over for its caller."""
        self._pending.pop(sequence, None)
        if not self.usable and not self._pending:
            self.close()

    def write(self, frame: bytes) -> None:
        """Send a call's frame."""
        assert self._transport is not None
        self.used = self._loop.time()
        self._transport.write(frame)

    @property
    def full(self) -> bool:
        """The server reads too slowly: wait for `drained`."""
        return not self._writable.is_set()

    async def drained(self) -> None:
        """Returns when more can be written."""
        await self._writable.wait()

    def retire(self) -> None:
        """Take no new calls; close when the last one is over."""
        self.usable = False
        if not self._pending:
            self.close()

    def close(self) -> None:
        """Close at once; calls in flight fail with BackendDown."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Give each answer to its caller. Anything else ends the connection."""
        self.heard = self._loop.time()
        try:
            for frame in self._frames.feed(data):
                header = read_header(frame, REPLY, EXCEPTION)
                answer = self._pending.get(header.sequence)
                if answer is not None and not answer.done():
                    answer.set_result((frame, header))
        except FrameError as error:
            self._fail(f"{self._address} answers no framed binary Thrift: {error}")
            self.close()

    def pause_writing(self) -> None:
        """The server reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The server reads fast enough again."""
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        """Every call in flight has failed; none is sent again: it may have been done."""
        self.usable = False
        self._writable.set()
        self._fail(f"the connection to {self._address} broke in mid-call")

    def _fail(self, message: str) -> None:
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(BackendDown(message, address=self._address))


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
