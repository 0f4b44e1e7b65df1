"""A server: one service object behind one port."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Collection
from typing import Final

from thrift_idl.errors import BadConfiguration
from thrift_idl.rpc.connection import CallerConnection, overdue
from thrift_idl.rpc.connections import Connections
from thrift_idl.rpc.dispatch import Dispatcher
from thrift_idl.rpc.limits import ServerLimits, connections_within, raise_limit

DEFAULT_LIMITS: Final = ServerLimits()


class RpcServer:
    """Serves `service`, which implements `protocol` (a class of `thrift_idl.gen.<x>.protocol`), over framed Thrift.

    Handlers are coroutines; their first step is taken at once, see `calls.py`. A handler is cancelled when its time is
    over or its connection lost; a method named by `cancellable` also when its caller gives up that call.
    """

    def __init__(
        self,
        protocol: Callable[..., object],
        service: object,
        limits: ServerLimits = DEFAULT_LIMITS,
        cancellable: Collection[str] = (),
    ) -> None:
        self._cancellable = frozenset(cancellable)
        self._protocol = protocol
        self._service = service
        self._limits = limits
        self._connections: Connections[CallerConnection] = Connections(limits.connections)
        self._dispatcher: Dispatcher | None = None
        self._listener: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Returns the port. Raises BadConfiguration if it isn't available."""
        loop = asyncio.get_running_loop()
        dispatcher = self._dispatcher = Dispatcher(self._protocol, self._service, self._limits, self._cancellable)
        self._connections.most = connections_within(raise_limit(), self._limits.connections)
        try:
            self._listener = await loop.create_server(
                lambda: CallerConnection(dispatcher, self._connections), host, port, backlog=1024
            )
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        self._sweep_later(loop)
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._connections)

    @property
    def calls(self) -> int:
        """Handlers that run at present and have waited at least once."""
        return self._dispatcher.load.calls if self._dispatcher else 0

    async def close(self, grace_ms: int = 5_000) -> None:
        """Accept nothing more, let running calls end for `grace_ms`, cancel the rest, send ready answers, close.

        New calls on open connections are answered `Overloaded` meanwhile. Never raises; a second call does nothing.
        """
        if self._listener is None or self._dispatcher is None:
            return
        self._listener.close()
        self._listener = None
        self._dispatcher.load.draining = True
        loop = asyncio.get_running_loop()
        await self._until(lambda: self.calls == 0, loop.time() + grace_ms / 1000)
        for connection in self._connections:
            connection.close()
        await self._until(lambda: len(self._connections) == 0, loop.time() + min(1.0, grace_ms / 1000))
        for connection in self._connections:
            connection.cut("the server stops")
        if self._sweep is not None:
            self._sweep.cancel()

    async def _until(self, done: Callable[[], bool], end: float) -> None:
        loop = asyncio.get_running_loop()
        while not done() and loop.time() < end:  # noqa: ASYNC110 - at shutdown only, over many connections
            await asyncio.sleep(0.005)

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        limits = self._limits
        shortest_ms = min(limits.idle_ms, limits.half_frame_ms, limits.stall_ms)
        self._sweep = loop.call_later(min(1.0, shortest_ms / 4000), self._sweep_now, loop)

    def _sweep_now(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in self._connections:
            connection.measure()
            reason = overdue(connection.activity, connection.running, now, self._limits)
            if reason is not None:
                connection.cut(reason)
        self._sweep_later(loop)


def _cannot_listen(host: str, port: int, error: OSError) -> BadConfiguration:
    if error.errno == errno.EADDRINUSE:
        text = f"port {port} of {host} is taken: stop what listens there, or configure another port"
    else:
        text = f"cannot listen on {host}, port {port}: {error.strerror or error}"
    return BadConfiguration(text, host=host, port=str(port))
