"""Single flight: callers that want the same thing at once share one attempt to get it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _Flight(Generic[T]):
    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.passengers = 0


class SingleFlight(Generic[K, T]):
    """One flight a key at a time. A cancelled caller only leaves. Used by one event loop.

    A flight that every caller has left is cancelled; with `lands_alone` it continues, because its result is kept for
    the next caller.
    """

    def __init__(self, *, lands_alone: bool = False) -> None:
        self._lands_alone = lands_alone
        self._flights: dict[K, _Flight[T]] = {}

    def __len__(self) -> int:
        """Running flights."""
        return len(self._flights)

    async def join(self, key: K, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the flight of `key`, `start`ed if none is running. All get the same result or error."""
        flight = self._flight(key, start)
        flight.passengers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.passengers -= 1
            if not (flight.passengers or self._lands_alone or flight.task.done()):
                del self._flights[key]
                flight.task.cancel()

    def begin(self, key: K, start: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """The flight of `key`, `start`ed if none is running, for a caller that needn't wait for it.

        Only with `lands_alone`: there is no caller in it. Its error is ignored unless it is awaited.
        """
        assert self._lands_alone
        return self._flight(key, start).task

    def cancel(self) -> None:
        """Cancel every flight; its callers are cancelled."""
        for flight in self._flights.values():
            flight.task.cancel()

    async def close(self) -> None:
        """Cancel every flight, and wait until each has ended."""
        self.cancel()
        await self.landed()

    async def landed(self) -> None:
        """Wait until the running flights have ended, with any result."""
        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()])

    def _flight(self, key: K, start: Callable[[], Coroutine[Any, Any, T]]) -> _Flight[T]:
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(start()))
            flight.task.add_done_callback(lambda task: self._ended(key, task))
        return flight

    def _ended(self, key: K, task: asyncio.Task[T]) -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # marked as seen, even if every caller has left
