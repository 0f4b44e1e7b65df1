"""Kept connections, bounded for each origin and in all, closed when they are no longer used.

A `Lane` is one origin's share: `room` bounds its running requests, `unreserved` the new connections made before they
have a slot (a thousand waiting fetches of one host must not open a thousand connections).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from fetcher.settings import TransportSettings
from fetcher.transport.connection import HttpConnection

UNRESERVED = 2


class Lane:
    """Connections of one origin."""

    def __init__(self, origin: str, most: int) -> None:
        self.origin = origin
        self.room = asyncio.Semaphore(most)
        self.unreserved = asyncio.Semaphore(UNRESERVED)
        self.idle: deque[HttpConnection] = deque()
        self.users = 0


class HttpConnectionPool:
    """Lanes by origin. All calls belong to one event loop."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._lanes: dict[str, Lane] = {}
        self._idle: OrderedDict[HttpConnection, tuple[Lane, asyncio.TimerHandle]] = OrderedDict()
        self._open: set[HttpConnection] = set()

    @property
    def open_connections(self) -> int:
        """Connections that are open now, idle ones included."""
        return len(self._open)

    def enter(self, origin: str) -> Lane:
        """The lane of `origin`, held until `leave`."""
        lane = self._lanes.get(origin)
        if lane is None:
            lane = self._lanes[origin] = Lane(origin, self._settings.max_connections_per_origin)
        lane.users += 1
        return lane

    def leave(self, lane: Lane) -> None:
        """One user less; a lane without users and connections is forgotten."""
        lane.users -= 1
        self._forget(lane)

    def made(self) -> HttpConnection:
        """A connection to dial with, counted as open until it is lost."""
        connection = HttpConnection(self._settings, self._lost)
        self._open.add(connection)
        return connection

    def dropped(self, connection: HttpConnection) -> None:
        """A connection of `made` that was never established."""
        self._open.discard(connection)

    def take(self, lane: Lane) -> HttpConnection | None:
        """The connection used last, if one is kept: the longest unused ones expire."""
        while lane.idle:
            connection = lane.idle.pop()
            _, timer = self._idle.pop(connection)
            timer.cancel()
            if not connection.closed:
                return connection
        return None

    def keep(self, lane: Lane, connection: HttpConnection) -> None:
        """Keep a connection for the next request, or close it."""
        if not connection.reusable:
            connection.abort()
            return
        connection.rest()
        expire = asyncio.get_running_loop().call_later(self._settings.keep_alive_ms / 1000, connection.close)
        lane.idle.append(connection)
        self._idle[connection] = (lane, expire)
        if len(self._idle) > self._settings.max_idle_connections:
            next(iter(self._idle)).close()

    def close(self) -> None:
        """Close everything."""
        for connection in list(self._open):
            connection.abort()

    def _lost(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        kept = self._idle.pop(connection, None)
        if kept is not None:
            lane, timer = kept
            timer.cancel()
            lane.idle.remove(connection)
            self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        if not lane.users and not lane.idle:
            self._lanes.pop(lane.origin, None)
