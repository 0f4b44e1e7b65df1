"""One caller's connection: bytes to frames, frames to calls, answers to bytes; nothing is kept without a bound."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Final, cast

from thrift_idl.rpc.connections import Connections
from thrift_idl.rpc.dispatch import Dispatcher, Served
from thrift_idl.rpc.limits import ServerLimits
from thrift_idl.rpc.message import FrameError, Frames

log = logging.getLogger("thrift_idl.rpc")

TURN: Final = 64  # calls that one connection starts before other connections go on,
TURN_S: Final = 0.005  # or fewer, if they take this long together
SMALL: Final = 64 * 1024  # bytes: a reply of this size is always taken, and answers gather up to it for one write


@dataclass(slots=True)
class Activity:
    """Times of a connection's last events; seconds of the loop's clock, None = not the case."""

    last: float
    """A byte came, or an answer left."""
    half_since: float | None = None
    stalled_since: float | None = None


def overdue(activity: Activity, running: int, now: float, limits: ServerLimits) -> str | None:
    """The reason to cut a connection, if there is one."""
    if activity.half_since is not None and (now - activity.half_since) * 1000 > limits.half_frame_ms:
        return "its frame wasn't whole in time"
    if activity.stalled_since is not None and (now - activity.stalled_since) * 1000 > limits.stall_ms:
        return "it reads no answers"
    if not running and (now - activity.last) * 1000 > limits.idle_ms:
        return "idle"
    return None


class CallerConnection(asyncio.Protocol):
    """The server's end of a connection. `connections` holds the open ones of its server."""

    def __init__(self, dispatcher: Dispatcher, connections: Connections[CallerConnection]) -> None:
        self._dispatcher = dispatcher
        self._connections = connections
        self._limits = dispatcher.limits
        self._loop = dispatcher.loop
        self._frames = Frames(self._limits.largest_frame)
        self._waiting: deque[bytes] = deque()
        self._running: set[Served] = set()
        self.held = 0
        """Bytes of this connection within the server's memory bound."""
        self._unsent = 0
        self._reading = True
        self.choked = False
        """A reply found no room; nothing was read since."""
        self._batch: list[bytes] | None = None
        self._batch_bytes = 0
        self._transport: asyncio.Transport
        self.activity = Activity(self._loop.time())

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it if there are too many."""
        transport = self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if self._dispatcher.load.draining or not self._connections.admit(self):
            transport.abort()
            return
        transport.set_write_buffer_limits(high=self._limits.unsent_bytes)

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
        if frames:
            self._connections.heard(self)
            self._waiting += frames
        self._hold()
        if frames:
            self._turn()

    def pause_writing(self) -> None:
        """The caller reads too slowly: begin no more calls for it."""
        self.activity.stalled_since = self._loop.time()
        self._read(False)

    def resume_writing(self) -> None:
        """The caller reads fast enough again."""
        self.activity.stalled_since = None
        self.choked = False
        self.measure()
        self._turn()

    def connection_lost(self, error: Exception | None) -> None:
        """The caller is gone: its calls are no longer needed."""
        self._connections.leave(self)
        self._release()
        for served in tuple(self._running):
            served.abandon()

    # --- For the server ---------------------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """Calls whose handlers run at present."""
        return len(self._running)

    @property
    def waits_since(self) -> float:
        """The time since when its frame is incomplete, or its answers are unread."""
        half, stalled, last = self.activity.half_since, self.activity.stalled_since, self.activity.last
        return min(last if half is None else half, last if stalled is None else stalled)

    def measure(self) -> None:
        """Update the account of answers that are not sent yet: the transport sends them without notice."""
        if not self._transport.is_closing():
            self._unsent = self._transport.get_write_buffer_size()
            self._hold()

    def cut(self, reason: str) -> None:
        """Close at once; unsent data are lost."""
        if not self._transport.is_closing():
            log.info("connection of %s cut: %s", self._transport.get_extra_info("peername"), reason)
        self._release()
        self._transport.abort()

    def close(self) -> None:
        """Close after what was written is sent."""
        self._transport.close()

    # --- Calls ------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Begin waiting calls, as many as a turn allows; answers that are ready are sent together."""
        if self._transport.is_closing() or self.activity.stalled_since is not None:
            return  # resume_writing goes on
        self._batch = []
        try:
            self._begin_some()
        except FrameError as error:
            self._batch = None
            self.cut(str(error))
            return
        self._flush()
        self._batch = None
        self._pace()

    def _begin_some(self) -> None:
        end = self._loop.time() + TURN_S
        for _ in range(min(TURN, len(self._waiting))):
            self._dispatcher.begin(self._waiting.popleft(), self._running, self)
            if self.activity.stalled_since is not None or not self._waiting or self._loop.time() > end:
                return

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

    def send(self, reply: bytes) -> bool:
        """Take a reply; False = too much is unread for one of this size."""
        size = len(reply)
        if size > SMALL and self._unsent + size > self._limits.connection_bytes:
            self.choked = self.activity.stalled_since is not None  # so that resume_writing ends it
            return False
        if self._batch is None:
            self._write(reply)
            return True
        self._batch.append(reply)
        self._batch_bytes += size
        if self._batch_bytes > SMALL:
            self._flush()
        return True

    def _flush(self) -> None:
        if self._batch:
            self._write(b"".join(self._batch))
            self._batch.clear()
            self._batch_bytes = 0

    def _write(self, replies: bytes) -> None:
        if self._transport.is_closing():
            return
        self.activity.last = self._loop.time()
        self._transport.write(replies)
        self.measure()

    def _hold(self) -> None:
        """Account for this connection's bytes; beyond the server's bound, the one that kept bytes longest is cut."""
        load = self._dispatcher.load
        held = self._frames.held + self._unsent
        load.bytes += held - self.held
        self.held = held
        while load.bytes > self._limits.memory_bytes:
            longest = self._connections.longest_held() or self
            longest.cut("the server's memory bound is reached")
            if longest is self:
                return

    def _release(self) -> None:
        """Release its bytes."""
        self._waiting.clear()
        self._frames.clear()
        self._dispatcher.load.bytes -= self.held
        self.held = self._unsent = 0
