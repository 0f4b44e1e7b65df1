"""One caller's connection: bytes to frames, frames to calls, answers to bytes; nothing is kept without a bound."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Final, cast

from thrift_idl.rpc.dispatch import Dispatcher, Served
from thrift_idl.rpc.framing import FrameError, Frames
from thrift_idl.rpc.limits import ServerLimits

log = logging.getLogger("thrift_idl.rpc")

TURN: Final = 64  # calls that one connection starts before others have their turn


@dataclass(slots=True)
class Activity:
    """When a connection last did what; seconds of the loop's clock, None = not the case."""

    last: float
    half_since: float | None = None
    stalled_since: float | None = None


def overdue(activity: Activity, running: int, now: float, limits: ServerLimits) -> str | None:
    """Why a connection is to be cut, if it is."""
    if activity.half_since is not None and (now - activity.half_since) * 1000 > limits.half_frame_ms:
        return "its frame wasn't whole in time"
    if activity.stalled_since is not None and (now - activity.stalled_since) * 1000 > limits.stall_ms:
        return "it reads no answers"
    if not running and (now - activity.last) * 1000 > limits.idle_ms:
        return "idle"
    return None


class Connection(asyncio.Protocol):
    """The server's end of a connection. `connections` holds the open ones of its server."""

    def __init__(self, dispatcher: Dispatcher, connections: set[Connection]) -> None:
        self._dispatcher = dispatcher
        self._connections = connections
        self._limits = dispatcher.limits
        self._loop = dispatcher.loop
        self._frames = Frames(self._limits.largest_frame)
        self._waiting: deque[bytes] = deque()
        self._running: set[Served] = set()
        self._held = 0  # bytes of this connection within the server's memory bound
        self._unsent = 0
        self._reading = True
        self._batch: list[bytes] | None = None
        self._transport: asyncio.Transport
        self.activity = Activity(self._loop.time())

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it where there are too many."""
        transport = self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if len(self._connections) >= self._limits.connections or self._dispatcher.load.draining:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=self._limits.unsent_bytes)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Cut into frames and begin their calls."""
        now = self.activity.last = self._loop.time()
        try:
            frames = self._frames.feed(data)
        except FrameError as error:
            self.cut(str(error))
            return
        held = self._frames.held
        if not held:
            self.activity.half_since = None
        elif frames or self.activity.half_since is None:
            self.activity.half_since = now
        self._waiting += frames
        if self._hold(held) and frames:
            self._turn()

    def pause_writing(self) -> None:
        """The caller reads too slowly: begin nothing more for it."""
        self.activity.stalled_since = self._loop.time()
        self._read(False)

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self.activity.stalled_since = None
        self._unsent = 0
        self._hold(self._frames.held)
        self._turn()

    def connection_lost(self, error: Exception | None) -> None:
        """The caller is gone: its calls are of use to nobody."""
        self._connections.discard(self)
        self._waiting.clear()
        self._dispatcher.load.bytes -= self._held
        self._held = 0
        for served in tuple(self._running):
            served.abandon()

    # --- The server's -----------------------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """Calls whose handlers run at present."""
        return len(self._running)

    def cut(self, reason: str) -> None:
        """Close at once; what wasn't sent is lost."""
        if not self._transport.is_closing():
            log.info("connection of %s cut: %s", self._transport.get_extra_info("peername"), reason)
        self._waiting.clear()
        self._transport.abort()

    def close(self) -> None:
        """Close after what was written is sent."""
        self._transport.close()

    # --- Calls ------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Begin the waiting calls, a bounded number at a time; the answers that are ready leave as one write."""
        if self._transport.is_closing() or self.activity.stalled_since is not None:
            return  # resume_writing goes on
        self._batch = []
        try:
            for _ in range(min(TURN, len(self._waiting))):
                self._dispatcher.begin(self._waiting.popleft(), self._running, self._send)
        except FrameError as error:
            self._batch = None
            self.cut(str(error))
            return
        batch, self._batch = self._batch, None
        if batch:
            self._write(b"".join(batch))
        self._pace()

    def _pace(self) -> None:
        if self.activity.stalled_since is not None:
            return
        self._read(not self._waiting)
        if self._waiting:
            self._loop.call_soon(self._turn)

    def _read(self, on: bool) -> None:
        if on == self._reading or self._transport.is_closing():
            return
        self._reading = on
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _send(self, reply: bytes) -> None:
        if self._batch is not None:
            self._batch.append(reply)
        else:
            self._write(reply)

    def _write(self, replies: bytes) -> None:
        if self._transport.is_closing():
            return
        self.activity.last = self._loop.time()
        self._transport.write(replies)
        if self.activity.stalled_since is not None:
            self._unsent = self._transport.get_write_buffer_size()
            self._hold(self._frames.held)

    def _hold(self, half: int) -> bool:
        """Account for what this connection keeps; False = too much, and the connection is cut."""
        load = self._dispatcher.load
        held = half + self._unsent
        load.bytes += held - self._held
        self._held = held
        if load.bytes > self._limits.memory_bytes:
            self.cut("the server's memory bound is reached")
            return False
        return True
